/* tick, verify, journal export, journal check: what a community does each night. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLICE = 500 }; /* events between two looks at the progress bar */

/* `dry`: behind the entries of try_tick(). */
static void put_tick(session *s, const gov_tick_result *sum, bool dry)
{
    cli *c = s->c;
    char *next = sum->next_us != 0 ? time_of(s, sum->next_us) : NULL;
    if (c->json) {
        printf("%s\"fired\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"parked\":%" PRIu64 ",\"next\":",
               dry ? "]," : "{", sum->fired, sum->failed, sum->parked);
        if (sum->next_us != 0)
            json_instant_us(stdout, sum->next_us);
        else
            fputs("null", stdout);
        printf(",\"next_provisional\":%s}\n", sum->next_provisional != 0 ? "true" : "false");
    } else {
        printf(T(c, "%" PRIu64 " fired, %" PRIu64 " failed, %" PRIu64 " parked",
                 "已触发 %" PRIu64 "，失败 %" PRIu64 "，搁置 %" PRIu64),
               sum->fired, sum->failed, sum->parked);
        if (next != NULL)
            printf(T(c, "; the next one is due at %s%s\n", "；下一件在 %s%s\n"), next,
                   sum->next_provisional != 0 ? T(c, " (provisional: a year is missing in the calendar)", "（暂定：日历缺少年份）") : "");
        else
            puts(T(c, "; nothing is pending", "；没有待办的"));
    }
    free(next);
}

static int run_tick(session *s, uint64_t most, gov_tick_result *sum)
{
    progress p;
    gov_status status = GOV_OK;
    gov_error *err = NULL;
    *sum = (gov_tick_result){.size = sizeof *sum};
    progress_begin(&p, s->c, T(s->c, "ticking", "正在触发"));
    for (bool more = true; more && status == GOV_OK;) {
        gov_tick_result one = {.size = sizeof one};
        const uint64_t left = most - sum->fired;
        const uint64_t max = most != 0 && left < SLICE ? left : SLICE;
        status = gov_tick(s->g, max, &one, &err);
        sum->fired += one.fired;
        sum->failed += one.failed;
        sum->parked += one.parked;
        sum->next_us = one.next_us;
        sum->next_provisional = one.next_provisional;
        more = one.fired + one.failed >= max && (most == 0 || sum->fired < most);
        progress_step(sum->fired, 0, &p);
    }
    progress_end(&p);
    return status == GOV_OK ? EXIT_DONE : fail_with(s->c, status, err);
}

/* ---- a dry run: in a group that is rolled back ---- */

enum { PAGE = 1000 };

/* The last entry that there is; 0: none. */
static gov_status last_entry(session *s, int64_t *last, gov_error **err)
{
    gov_status status = GOV_OK;
    for (bool more = true; more && status == GOV_OK;) {
        gov_value *page = NULL;
        status = gov_journal_read(s->g, *last, PAGE, &page, err);
        const gov_value *entries = gov_value_get(page, "entries");
        const size_t n = gov_value_count(entries);
        if (n > 0)
            *last = gov_value_int(gov_value_get(gov_value_at(entries, n - 1), "entry"));
        more = n == PAGE;
        gov_value_free(page);
    }
    return status;
}

/* "2026-03-09 17:30  case.mark  case 123  overdue" */
static void put_entry(session *s, const gov_value *entry)
{
    const gov_value *event = gov_value_get(gov_value_get(entry, "data"), "event");
    char *at = line_of(s, gov_value_get(entry, "at"));
    put_padded(stdout, at != NULL ? at : "?", 19);
    fputs("  ", stdout);
    put_padded(stdout, text_of(entry, "kind"), 16);
    printf("  %s", text_of(entry, "subject_kind"));
    if (gov_value_kind(gov_value_get(entry, "subject")) == GOV_VALUE_INT)
        printf(" %lld", (long long)gov_value_int(gov_value_get(entry, "subject")));
    if (gov_value_string(event, NULL) != NULL) {
        fputs("  ", stdout);
        put_text(stdout, gov_value_string(event, NULL), strlen(gov_value_string(event, NULL)));
    }
    fputc('\n', stdout);
    free(at);
}

/* What the journal would say: as lines, or with --json as the list with which the document begins. */
static gov_status put_entries(session *s, int64_t after, bool *begun, gov_error **err)
{
    gov_status status = GOV_OK;
    const char *before = "{\"entries\":[\n";
    for (bool more = true; more && status == GOV_OK;) {
        gov_value *page = NULL;
        status = gov_journal_read(s->g, after, PAGE, &page, err);
        const gov_value *entries = gov_value_get(page, "entries");
        const size_t n = gov_value_count(entries);
        for (size_t i = 0; i < n; i++) {
            const gov_value *entry = gov_value_at(entries, i);
            after = gov_value_int(gov_value_get(entry, "entry"));
            if (s->c->json) {
                fputs(before, stdout);
                json_value(stdout, entry);
                before = ",\n";
            } else {
                put_entry(s, entry);
            }
        }
        more = n == PAGE;
        gov_value_free(page);
    }
    if (status == GOV_OK && s->c->json && before[0] == '{')
        fputs("{\"entries\":[", stdout);
    *begun = before[0] != '{';
    return status;
}

static int try_tick(session *s, uint64_t most, gov_tick_result *sum)
{
    gov_error *err = NULL;
    int64_t last = 0;
    bool begun = false;
    gov_status status = last_entry(s, &last, &err);
    if (status == GOV_OK)
        status = gov_begin(s->g, &err);
    if (status != GOV_OK)
        return fail_with(s->c, status, err);
    int code = run_tick(s, most, sum);
    if (code == EXIT_DONE)
        status = put_entries(s, last, &begun, &err);
    if (code == EXIT_DONE && status != GOV_OK)
        code = begun ? fail_inside(s->c, status, err) : fail_with(s->c, status, err);
    err = NULL;
    status = gov_rollback(s->g, &err);
    if (status != GOV_OK && code == EXIT_DONE)
        return fail_with(s->c, status, err);
    gov_error_free(status != GOV_OK ? err : NULL);
    return code;
}

int cmd_tick(cli *c, args *a)
{
    session s;
    gov_tick_result sum;
    uint64_t most = 0;
    int64_t until;
    int code = args_number(c, a, "max", UINT32_MAX, &most);
    if (code != EXIT_DONE)
        return code;
    if (args_has(a, "until") && args_has(a, "now"))
        return usage_error(c, "%s",
                           T(c, "--until and --now say the same; give one",
                             "--until 与 --now 是同一个意思，只给一个"));
    code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE)
        return code;
    if (args_has(a, "until")) {
        gov_error *err = NULL;
        code = session_time(&s, args_value(a, "until"), &until);
        const gov_status status = code == EXIT_DONE ? gov_set_now(s.g, until, &err) : GOV_OK;
        if (status != GOV_OK)
            code = fail_with(c, status, err);
    }
    if (code == EXIT_DONE)
        code = args_has(a, "dry-run") ? try_tick(&s, most, &sum) : run_tick(&s, most, &sum);
    if (code == EXIT_DONE && args_has(a, "dry-run") && !c->json)
        fputs(T(c, "nothing of this was kept: ", "以上均未保留："), stdout);
    if (code == EXIT_DONE)
        put_tick(&s, &sum, args_has(a, "dry-run"));
    session_close(&s);
    return code;
}

static void put_verified(session *s, const gov_value *report)
{
    cli *c = s->c;
    const gov_value *parked = gov_value_get(report, "parked"), *events = gov_value_get(report, "parked_events");
    const gov_value *waiting = gov_value_get(report, "waiting"), *later = gov_value_get(report, "waiting_events");
    printf("%s", green(c));
    printf(T(c, "nothing is wrong: %lld entries, %lld of them sealed, %lld erased",
             "没有问题：记录 %lld 条，已封存 %lld 条，已删除内容 %lld 条"),
           (long long)gov_value_int(gov_value_get(report, "entries")),
           (long long)gov_value_int(gov_value_get(report, "sealed")),
           (long long)gov_value_int(gov_value_get(report, "erased")));
    printf("%s\n", plain(c));
    if (text_of(report, "root")[0] != '\0')
        printf(T(c, "tree head %s\n", "树根 %s\n"), text_of(report, "root"));
    if (gov_value_int(parked) > 0)
        printf(T(c, "%lld events are parked: they failed for the last time\n",
                 "搁置的事件 %lld 件：多次失败，不再重试\n"),
               (long long)gov_value_int(parked));
    if (gov_value_count(events) > 0)
        put_value(s, events, 2);
    if (gov_value_int(waiting) > 0)
        printf(T(c, "%lld events wait for a year that the calendar does not list\n", "等待日历补充年份的事件 %lld 件\n"),
               (long long)gov_value_int(waiting));
    if (gov_value_count(later) > 0)
        put_value(s, later, 2);
}

/* The same for a store and for an exported file. */
static int put_verdict(session *s, gov_status status, gov_value *report, gov_error *err)
{
    cli *c = s->c;
    int code = EXIT_DONE;
    if (report != NULL && c->json && (status == GOV_OK || status == GOV_E_VERIFY)) {
        json_line(report);
        if (status != GOV_OK)
            print_diagnostics(c, err, stderr);
        gov_error_free(err);
        code = exit_code_of(status);
    } else if (status != GOV_OK) {
        code = fail_with(c, status, err);
    } else {
        put_verified(s, report);
        gov_error_free(err);
    }
    gov_value_free(report);
    return code;
}

int cmd_verify(cli *c, args *a)
{
    session s;
    gov_value *report = NULL;
    gov_error *err = NULL;
    progress p;
    int code = session_open(c, a, GOV_OPEN_READONLY, &s);
    if (code != EXIT_DONE)
        return code;
    progress_begin(&p, c, T(c, "verifying", "正在核验"));
    const gov_status status = gov_verify(s.g, progress_step, &p, &report, &err);
    progress_end(&p);
    code = put_verdict(&s, status, report, err);
    session_close(&s);
    return code;
}

static int read_key(cli *c, const char *path, uint8_t *key, size_t size)
{
    char *bytes = NULL;
    size_t len;
    const int code = file_read(c, path, &bytes, &len);
    if (code != EXIT_DONE)
        return code;
    const bool good = len == size;
    if (good)
        memcpy(key, bytes, size);
    free(bytes);
    return good ? EXIT_DONE
                : usage_error(c,
                              T(c, "%s is no key: it has %zu bytes, not %zu",
                                "%s 不是密钥：长 %zu 字节，应为 %zu 字节"),
                              path, len, size);
}

int cmd_journal_export(cli *c, args *a)
{
    session s;
    uint8_t key[64];
    gov_error *err = NULL;
    const char *path = args_value(a, "key");
    int code = path != NULL ? read_key(c, path, key, sizeof key) : EXIT_DONE;
    if (code == EXIT_DONE)
        code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE)
        return code;
    const gov_status status = gov_journal_export(s.g, a->words[1], path != NULL ? key : NULL, &err);
    if (status != GOV_OK)
        code = fail_with(c, status, err);
    else if (!c->json)
        printf(T(c, "the journal is in %s\n", "记录已写入 %s\n"), a->words[1]);
    else
        printf("{\"signed\":%s}\n", path != NULL ? "true" : "false");
    session_close(&s);
    return code;
}

/* A new file, which nobody else may read where it is secret. */
static bool put_key(const char *path, const uint8_t *bytes, size_t size, mode_t mode)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return false;
    const bool good = fchmod(fd, mode) == 0 && write(fd, bytes, size) == (ssize_t)size && fsync(fd) == 0;
    const int why = errno;
    const bool closed = close(fd) == 0;
    if (!good || !closed)
        (void)unlink(path);
    if (!good)
        errno = why;
    return good && closed;
}

static void put_key_files(const char *path, const char *beside)
{
    fputs("{\"key\":", stdout);
    json_text(stdout, path, strlen(path));
    fputs(",\"public\":", stdout);
    json_text(stdout, beside, strlen(beside));
    fputs("}\n", stdout);
}

int cmd_journal_key(cli *c, args *a)
{
    uint8_t key[64];
    gov_error *err = NULL;
    const char *path = a->words[0];
    const size_t room = strlen(path) + sizeof ".pub";
    char *beside = malloc(room);
    if (beside == NULL)
        return fail(c, EXIT_STORE, "%s", T(c, "out of memory", "内存不足"));
    snprintf(beside, room, "%s.pub", path);
    const gov_status status = gov_journal_new_key(key, &err);
    int code = status == GOV_OK ? EXIT_DONE : fail_with(c, status, err);
    const char *failed = NULL;
    if (code == EXIT_DONE && !put_key(path, key, sizeof key, 0600))
        failed = path;
    else if (code == EXIT_DONE && !put_key(beside, key + 32, 32, 0644)) {
        const int why = errno;
        (void)unlink(path); /* just made: nothing was signed with it */
        errno = why;
        failed = beside;
    }
    if (failed != NULL)
        code = cannot_write(c, failed);
    else if (code == EXIT_DONE && c->json)
        put_key_files(path, beside);
    else if (code == EXIT_DONE)
        printf(T(c, "the key is in %s (keep it secret), its public half in %s\n", "私钥已写入 %s（请妥善保管），公钥已写入 %s\n"), path, beside);
    memset(key, 0, sizeof key);
    free(beside);
    return code;
}

int cmd_journal_check(cli *c, args *a)
{
    session s = {.c = c};
    uint8_t key[32];
    gov_value *report = NULL;
    gov_error *err = NULL;
    const char *path = args_value(a, "key");
    const int code = path != NULL ? read_key(c, path, key, sizeof key) : EXIT_DONE;
    if (code != EXIT_DONE)
        return code;
    const gov_status status =
        gov_journal_check(NULL, a->words[0], path != NULL ? key : NULL, &report, &err);
    return put_verdict(&s, status, report, err);
}
