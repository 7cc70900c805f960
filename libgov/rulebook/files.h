/* Files and patterns of names, for reading a bundle from disk. */
#ifndef RULEBOOK_FILES_H
#define RULEBOOK_FILES_H

#include "rulebook/rulebook.h"
#include "rulebook/yaml.h"

/* A directory stands for the rulebook.yaml in it. *name points into *dir's memory or the path. */
gov_status rb_split_path(base_arena *arena, const char *path, char **dir, const char **name, const diag *d);
char *rb_full_path(base_arena *arena, const char *path); /* from the root, without "." and ".."; NULL: cannot be told */
gov_status rb_read_file(base_arena *arena, const char *dir, const char *path, char **bytes, size_t *len, const diag *d);
/* The files under dir that match, sorted by bytes. In a part of the pattern `*` stands for any text, `?` for one character; a part
 * that is `**` for any number of folders. What begins with a dot matches only a pattern that does. */
gov_status rb_glob(base_arena *arena, const char *dir, const char *pattern, char ***paths, size_t *count, const diag *d);
bool rb_glob_match(const char *pattern, size_t pattern_len, const char *name);
/* A file of a bundle without its BOM. */
rb_source rb_source_of(const rulebook_source *s);

#endif
