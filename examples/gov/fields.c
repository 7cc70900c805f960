/* Input: whole files, and words like NAME=TEXT and NAME:=JSON. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST = 64 << 20 }; /* what is read whole; a device that never ends is not */

static int read_all(cli *c, FILE *in, const char *name, char **out, size_t *len)
{
    size_t cap = 65536, used = 0;
    char *bytes = malloc(cap);
    while (bytes != NULL) {
        used += fread(bytes + used, 1, cap - used - 1, in);
        if (used < cap - 1)
            break;
        if (cap >= LARGEST) {
            free(bytes);
            return fail(c, EXIT_WRONG, T(c, "%s holds more than %d MiB", "%s 超过 %d MiB"), name, LARGEST >> 20);
        }
        char *more = realloc(bytes, cap * 2);
        if (more == NULL)
            free(bytes);
        bytes = more;
        cap *= 2;
    }
    if (bytes == NULL)
        return fail(c, EXIT_STORE, "%s", T(c, "out of memory", "内存不足"));
    if (ferror(in)) {
        free(bytes);
        return fail(c, EXIT_WRONG, T(c, "cannot read %s: %s", "无法读取 %s：%s"), name,
                    strerror(errno));
    }
    bytes[used] = '\0';
    *out = bytes;
    *len = used;
    return EXIT_DONE;
}

int file_read(cli *c, const char *path, char **out, size_t *len)
{
    if (strcmp(path, "-") == 0)
        return read_all(c, stdin, "-", out, len);
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return fail(c, EXIT_WRONG, T(c, "cannot read %s: %s", "无法读取 %s：%s"), path,
                    strerror(errno));
    const int code = read_all(c, in, path, out, len);
    fclose(in);
    return code;
}

static bool holds(const char *s, size_t len, const char *mark)
{
    const size_t n = strlen(mark);
    for (size_t i = 0; i + n <= len; i++)
        if (memcmp(s + i, mark, n) == 0)
            return true;
    return false;
}

/* Is there a file that begins otherwise than what this program writes there? */
static bool is_of_others(const char *path, const char *mark)
{
    char start[512];
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
        return false;
    FILE *in = fopen(path, "rb");
    const size_t n = in != NULL ? fread(start, 1, sizeof start, in) : 0;
    if (in != NULL)
        fclose(in);
    return !holds(start, n, mark);
}

int file_begin(cli *c, const char *path, const char *mark, file_out *out)
{
    struct stat st;
    *out = (file_out){.path = path, .file = stdout};
    if (strcmp(path, "-") == 0)
        return EXIT_DONE;
    if (is_of_others(path, mark))
        return fail(c, EXIT_WRONG, T(c, "%s exists already, and was not written by this command", "%s 已存在，且不是由本命令写成"), path);
    if (lstat(path, &st) != 0 || S_ISREG(st.st_mode)) {
        const size_t room = strlen(path) + 32;
        out->beside = malloc(room);
        if (out->beside == NULL)
            return fail(c, EXIT_STORE, "%s", T(c, "out of memory", "内存不足"));
        snprintf(out->beside, room, "%s.%ld.tmp", path, (long)getpid());
    }
    out->file = fopen(out->beside != NULL ? out->beside : path, "wb");
    if (out->file != NULL)
        return EXIT_DONE;
    const int code = cannot_write(c, path);
    free(out->beside);
    out->beside = NULL;
    return code;
}

int file_end(cli *c, file_out *out, bool keep)
{
    if (out->file == stdout || out->file == NULL)
        return EXIT_DONE;
    bool good = !keep || (ferror(out->file) == 0 && fflush(out->file) == 0 &&
                          (fsync(fileno(out->file)) == 0 || errno == EINVAL || errno == EROFS));
    int why = errno;
    if (fclose(out->file) != 0 && good) {
        good = false;
        why = errno;
    }
    if (out->beside != NULL && keep && good && rename(out->beside, out->path) != 0) {
        good = false;
        why = errno;
    }
    if (out->beside != NULL && !(keep && good))
        (void)remove(out->beside);
    free(out->beside);
    errno = why;
    return good ? EXIT_DONE : cannot_write(c, out->path);
}

int file_write(cli *c, const char *path, const char *bytes, size_t len, const char *mark)
{
    file_out out;
    const int code = file_begin(c, path, mark, &out);
    if (code != EXIT_DONE)
        return code;
    (void)fwrite(bytes, 1, len, out.file);
    return file_end(c, &out, true);
}

/* Which argument it was, and where in it. */
static int json_wrong(cli *c, const char *name, const char *word, gov_status status, gov_error *err)
{
    const bool from_file = word[0] == '@';
    if (gov_error_count(err) == 0)
        return fail_with(c, status, err);
    const int code = fail(
        c, exit_code_of(status),
        T(c, "%s%s%s, line %lld, column %lld: %s", "%s%s%s 第 %lld 行第 %lld 列：%s"), name,
        from_file ? ", " : "", from_file ? word + 1 : "", (long long)gov_error_line(err, 0),
        (long long)gov_error_column(err, 0), gov_error_message(err, 0, c->zh ? "zh" : "en"));
    gov_error_free(err);
    return code;
}

/* JSON text, or @FILE. */
static int json_read(cli *c, const char *name, const char *word, gov_value **out)
{
    char *bytes = NULL;
    size_t len = strlen(word);
    gov_error *err = NULL;
    if (word[0] == '@') {
        const int code = file_read(c, word + 1, &bytes, &len);
        if (code != EXIT_DONE)
            return code;
    }
    const gov_status status =
        gov_value_from_json(NULL, bytes != NULL ? bytes : word, len, out, &err);
    free(bytes);
    return status == GOV_OK ? EXIT_DONE : json_wrong(c, name, word, status, err);
}

/* What may stand before "=": a name of the rulebook. */
static size_t name_length(const char *word)
{
    size_t n = 0;
    while (word[n] == '_' || (word[n] >= 'a' && word[n] <= 'z') ||
           (word[n] >= 'A' && word[n] <= 'Z') || (n > 0 && word[n] >= '0' && word[n] <= '9'))
        n++;
    return n;
}

static int field_read(cli *c, const char *word, gov_value *fields)
{
    char name[128];
    gov_value *v = NULL;
    gov_status status;
    const size_t n = name_length(word);
    const bool json = word[n] == ':' && word[n + 1] == '=';
    if (n == 0 || n >= sizeof name || (!json && word[n] != '='))
        return usage_error(c,
                           T(c, "\"%s\" is neither NAME=TEXT nor NAME:=JSON",
                             "“%s”既不是 名称=文本，也不是 名称:=JSON"),
                           word);
    memcpy(name, word, n);
    name[n] = '\0';
    if (gov_value_get(fields, name) != NULL)
        return usage_error(c, T(c, "%s is given twice", "%s 重复给出"), name);
    if (!json) {
        c->texts = true;
        status = gov_value_set_string(fields, name, word + n + 1);
    } else {
        const int code = json_read(c, name, word + n + 2, &v);
        if (code != EXIT_DONE)
            return code;
        status = gov_value_set(fields, name, v);
        gov_value_free(v);
    }
    if (status == GOV_E_ARG)
        return usage_error(c, T(c, "the text of %s is not UTF-8", "%s 的文本不是 UTF-8"), name);
    return status == GOV_OK ? EXIT_DONE : fail_with(c, status, NULL);
}

int fields_read(cli *c, const args *a, int first, const char *name, gov_value **out)
{
    const char *json = args_value(a, name);
    int code = EXIT_DONE;
    *out = NULL;
    if (json != NULL)
        code = json_read(c, name, json, out);
    else if ((*out = gov_value_new_map(NULL)) == NULL)
        code = fail(c, EXIT_STORE, "%s", T(c, "out of memory", "内存不足"));
    if (code == EXIT_DONE && gov_value_kind(*out) != GOV_VALUE_MAP)
        code = usage_error(c, T(c, "--%s takes a JSON object", "--%s 应为 JSON 对象"), name);
    for (int i = first; i < a->word_count && code == EXIT_DONE; i++)
        code = field_read(c, a->words[i], *out);
    if (code != EXIT_DONE) {
        gov_value_free(*out);
        *out = NULL;
    }
    return code;
}
