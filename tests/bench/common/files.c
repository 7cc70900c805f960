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
