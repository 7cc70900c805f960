/**
 * @file gov/base.h
 * Status codes, allocator, version and error objects: what every other header of libgov builds on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_BASE_H
#define GOV_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define GOV_API __declspec(dllexport)
#elif defined(__GNUC__)
#define GOV_API __attribute__((visibility("default")))
#else
#define GOV_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the headers; gov_version() gives that of the library. @since 0.1 */
#define GOV_VERSION_MAJOR 0
#define GOV_VERSION_MINOR 1
#define GOV_VERSION_PATCH 0
#define GOV_VERSION_STRING "0.1.0"

/**
 * Result of a call. Zero is success; the numbers are pinned and never change their meaning.
 * An integer, not an enum, crosses the boundary, so that newer libraries may answer newer codes.
 * @since 0.1
 */
typedef int32_t gov_status;

#define GOV_OK 0                  /**< It worked. */
#define GOV_END 1                 /**< No (more) rows; not an error. */
#define GOV_E_NOMEM 100           /**< The allocator gave no memory; nothing was changed. */
#define GOV_E_ABI 110             /**< An options struct of an unknown size or with unknown fields set. */
#define GOV_E_ARG 120             /**< The caller misused the call (a null handle, a negative count). */
#define GOV_E_INPUT 200           /**< Bytes from outside are malformed (JSON, CSV, YAML, UTF-8, an instant). */
#define GOV_E_RULE 210            /**< The rulebook has mistakes; every one is in the error. */
#define GOV_E_EXPR 220            /**< An expression failed to compile or to evaluate. */
#define GOV_E_LIMIT 230           /**< A documented limit was exceeded. */
#define GOV_E_RANGE 240           /**< A number left its range (overflow, a date past year 9999). */
#define GOV_E_NOT_FOUND 300       /**< What was named does not exist. */
#define GOV_E_EXISTS 310          /**< What should be new exists already. */
#define GOV_E_CONFLICT 320        /**< The same key came with another input. */
#define GOV_E_REFUSED 330         /**< A rule of the community refuses; the error cites it. */
#define GOV_E_DENIED 340          /**< The actor may not do this for this purpose. */
#define GOV_E_STATE 350           /**< The handle is in the wrong state (no transaction open, ...). */
#define GOV_E_STORE 400           /**< The store failed in a way without a code of its own. */
#define GOV_E_RETRY 410           /**< The engine asks to retry the transaction; the caller decides. */
#define GOV_E_BUSY 420            /**< Another process holds the store's lock. */
#define GOV_E_CORRUPT 430         /**< The store's file is not a store, or is damaged. */
#define GOV_E_READONLY 440        /**< The store cannot be written. */
#define GOV_E_FULL 450            /**< The disk is full. */
#define GOV_E_NEWER 460           /**< The store was written by a newer library. */
#define GOV_E_OLDER 465           /**< The store needs `gov upgrade` first. */
#define GOV_E_UNKNOWN_OUTCOME 470 /**< The connection was lost while committing. */
#define GOV_E_VERIFY 480          /**< A verification found something wrong. */
#define GOV_E_UNSUPPORTED 500     /**< This build or engine cannot do that. */
#define GOV_E_USER 900            /**< A callback of the host failed; libgov never makes this code. */
#define GOV_E_BUG 990             /**< libgov broke a rule of its own; please report it. */

/**
 * Where libgov takes its own memory from. All three functions are needed. They are called from the
 * thread that uses the handle; memory may be freed on another one. Dependencies (SQLite, libyaml, ...)
 * keep their own allocators, which belong to the host. @since 0.1
 */
typedef struct gov_allocator {
    void *(*alloc)(size_t size, void *user);              /**< NULL when there is no memory. @since 0.1 */
    void *(*resize)(void *ptr, size_t size, void *user);  /**< As realloc; ptr may be NULL. @since 0.1 */
    void (*free)(void *ptr, void *user);                  /**< ptr may be NULL. @since 0.1 */
    void *user;                                           /**< Passed back unchanged. @since 0.1 */
} gov_allocator;

/**
 * The library's version, e.g. "0.1.0". Static, never freed.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API const char *gov_version(void);

/**
 * What went wrong, as a list of diagnostics. A call that takes `gov_error **err` sets it on failure; the
 * caller frees it with gov_error_free(). `err` may be NULL, and `*err` must be NULL before the call. Errors come before
 * warnings, and what a rulebook's files have is sorted by file, line and column: diagnostic 0 says why a call failed.
 * @since 0.1
 */
typedef struct gov_error gov_error;

#define GOV_SEVERITY_ERROR 1   /**< The call failed because of this. */
#define GOV_SEVERITY_WARNING 2 /**< Worth telling a person; nothing failed. */

/**
 * Frees an error; NULL is allowed. DESTRUCTOR.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_error_free(gov_error *error);

/**
 * Status of the first diagnostic of severity error, GOV_OK when there is none (or error is NULL).
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API gov_status gov_error_status(const gov_error *error);

/**
 * Number of diagnostics, 0 for NULL.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API size_t gov_error_count(const gov_error *error);

/**
 * GOV_SEVERITY_* of diagnostic i, 0 past the end.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API int32_t gov_error_severity(const gov_error *error, size_t i);

/**
 * Stable name of diagnostic i, e.g. "unknown_key"; programs compare it. Borrowed, static; NULL past the end.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API const char *gov_error_code(const gov_error *error, size_t i);

/**
 * Message of diagnostic i for people, without its place. `lang` is "zh" or "en"; anything else gives English.
 * Borrowed from the error; NULL past the end.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API const char *gov_error_message(const gov_error *error, size_t i, const char *lang);

/**
 * File (or other source) that diagnostic i is about, NULL when there is none. Borrowed from the error.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API const char *gov_error_origin(const gov_error *error, size_t i);

/**
 * Line of diagnostic i, counted from 1; 0 when there is none.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API int64_t gov_error_line(const gov_error *error, size_t i);

/**
 * Column of diagnostic i in Unicode characters, counted from 1; 0 when there is none.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API int64_t gov_error_column(const gov_error *error, size_t i);

/**
 * Value of the named argument `name` of diagnostic i as text, e.g. "near"; NULL when it has none of that name.
 * Borrowed from the error.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API const char *gov_error_argument(const gov_error *error, size_t i, const char *name);

#ifdef __cplusplus
}
#endif

#endif
