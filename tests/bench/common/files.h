/* What benchmarks of communities share: stores that are made once and copied, and calls that say why they failed. */
#ifndef GOV_BENCH_FILES_H
#define GOV_BENCH_FILES_H

#include <stdbool.h>

#include <gov.h>

/* Prints the error, frees it and sets *err to NULL; false when the call failed. */
bool told(gov_status status, gov_error **err);

/* A new SQLite file with one community under the rules in that file; what was there is removed. */
bool make_community(const char *store_path, const char *rules_path);

/* An SQLite file, with what lies beside it. */
void remove_store(const char *path);

bool copy_file(const char *from, const char *to);

#endif
