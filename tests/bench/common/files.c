#include "bench/common/files.h"

#include <stdio.h>
#include <unistd.h>

bool told(gov_status status, gov_error **err)
{
    if (status != GOV_OK)
        fprintf(stderr, "bench: %s\n", *err != NULL ? gov_error_message(*err, 0, "en") : "?");
    gov_error_free(*err);
    *err = NULL;
    return status == GOV_OK;
}

void remove_store(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[512];
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        (void)unlink(name);
    }
}

bool copy_file(const char *from, const char *to)
{
    char block[1 << 16];
    size_t n;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    while (in != NULL && out != NULL && (n = fread(block, 1, sizeof block, in)) > 0)
        (void)fwrite(block, 1, n, out);
    const bool fine = in != NULL && out != NULL && !ferror(in) && !ferror(out);
    if (in != NULL)
        (void)fclose(in);
    return (out == NULL || fclose(out) == 0) && fine;
}

bool make_community(const char *store_path, const char *rules_path)
{
    gov_error *err = NULL;
    gov_rulebook *rules = NULL;
    gov_store *made = NULL;
    gov_options o;
    gov_options_init(&o, sizeof o);
    o.flags = GOV_OPEN_CREATE;
    remove_store(store_path);
    const bool fine = told(gov_rulebook_load(NULL, rules_path, 0, &rules, &err), &err) &&
                      told(gov_store_open(store_path, &o, &made, &err), &err) &&
                      told(gov_community_create(made, NULL, rules, NULL, &err), &err);
    gov_store_free(made);
    gov_rulebook_free(rules);
    return fine;
}
