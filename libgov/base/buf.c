/* Growing byte buffers with sticky failure. */
#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void base_buf_init(base_buf *b, const gov_allocator *a)
{
    *b = (base_buf){.alloc = a};
}

void base_buf_free(base_buf *b)
{
    base_free(b->alloc, b->data);
    *b = (base_buf){.alloc = b->alloc};
}

void base_buf_clear(base_buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

bool base_buf_reserve(base_buf *b, size_t more)
{
    if (b->failed)
        return false;
    if (more < b->cap - b->len)
        return true; /* one byte stays for the NUL */
    size_t cap = b->cap < 64 ? 64 : b->cap;
    while (cap - b->len <= more) {
        if (cap > SIZE_MAX / 2) {
            b->failed = true;
            return false;
        }
        cap *= 2;
    }
    char *data = base_resize(b->alloc, b->data, cap);
    if (data == NULL) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void base_buf_add(base_buf *b, const void *bytes, size_t len)
{
    if (!base_buf_reserve(b, len))
        return;
    if (len > 0)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void base_buf_str(base_buf *b, const char *s)
{
    base_buf_add(b, s, strlen(s));
}

void base_buf_char(base_buf *b, char c)
{
    base_buf_add(b, &c, 1);
}

void base_buf_int(base_buf *b, int64_t n)
{
    char digits[24];
    base_buf_add(b, digits, base_format_int(n, digits));
}

void base_buf_uint(base_buf *b, uint64_t n)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    base_buf_add(b, digits + at, sizeof digits - at);
}

void base_buf_fmt(base_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        b->failed = true;
    else if (base_buf_reserve(b, (size_t)n)) {
        (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

char *base_buf_take(base_buf *b, size_t *len)
{
    char *data = NULL;
    if (b->data == NULL)
        base_buf_add(b, "", 0);
    if (!b->failed) {
        data = b->data;
        if (len != NULL)
            *len = b->len;
        b->data = NULL;
    }
    base_buf_free(b);
    return data;
}

void base_buf_be16(base_buf *b, uint16_t n)
{
    const unsigned char bytes[2] = {(unsigned char)(n >> 8), (unsigned char)n};
    base_buf_add(b, bytes, sizeof bytes);
}

void base_buf_be32(base_buf *b, uint32_t n)
{
    base_buf_be16(b, (uint16_t)(n >> 16));
    base_buf_be16(b, (uint16_t)n);
}

void base_buf_be64(base_buf *b, uint64_t n)
{
    base_buf_be32(b, (uint32_t)(n >> 32));
    base_buf_be32(b, (uint32_t)n);
}
