/* gov, the command line of libgov: what its files share. It uses the public headers only.
 *
 * main.c      finds the command and the language
 * commands.c  the table of commands, with their help in two languages
 * options.c   the parser of words and options
 * help.c      prints that help
 * errors.c    the one place for messages on stderr and for exit codes
 * session.c   opens a store and a community, sets who acts and when
 * fields.c    NAME=TEXT and NAME:=JSON into values
 * print.c     values for people, table.c rows of them, json.c values for machines
 * progress.c  the progress bar
 * lines.c     line protocols: eval, simulate; ledger.c that of ledger
 * cmd_*.c     the commands */
#ifndef CLI_H
#define CLI_H

#include <gov.h>

#include <stdbool.h>
#include <stdio.h>

enum {
    EXIT_DONE = 0,  /* it worked */
    EXIT_NO = 1,    /* it worked, and the answer is "no": a check failed, a rule refuses */
    EXIT_WRONG = 2, /* wrong usage or input */
    EXIT_STORE = 3, /* the store, or the machine, failed */
    EXIT_UNTOLD = 4 /* it worked and is kept, but the answer could not be written */
};

typedef struct wording {
    const char *en, *zh;
} wording;

typedef struct command command;

/* One run of the program. */
typedef struct cli {
    const command *command; /* NULL before it is known */
    bool zh;                /* the language of what is printed */
    bool lang_given;        /* by --lang, not by the locale */
    bool json;
    bool color_out, color_err;
    bool progress; /* both ends are a terminal */
    bool texts;    /* fields were given as NAME=TEXT */
    bool told;     /* the one document of --json is an error, and is printed */
    char did[256]; /* what was done and is kept, for whom the answer does not reach; "" for what only reads */
    const char *rules, *overlay; /* the files of diagnostics are told from where one stands */
} cli;

#define T(c, en_text, zh_text) ((c)->zh ? (zh_text) : (en_text))

/* ---- commands.c, options.c, help.c ---- */

typedef struct opt {
    const char *name;  /* without the dashes; NULL ends a list */
    const char *value; /* what its value is called; NULL: it takes none */
    wording help;
} opt;

enum { OPTIONS_MAX = 24 };

/* What was given to a command. */
typedef struct args {
    const opt *options[OPTIONS_MAX]; /* all that the command knows */
    const char *values[OPTIONS_MAX]; /* NULL: not given; "" for one without a value */
    size_t option_count;
    char **words;
    int word_count;
} args;

#define CMD_COMMUNITY 1u /* works on a community: --as, --purpose, --now, --community */
#define CMD_JSON      2u /* knows --json */
#define CMD_ACTS      4u /* changes something, unless it is a dry run */

struct command {
    const char *name;         /* "init", or "case open" for one of a group */
    const char *words;        /* "DB FILE" */
    int min_words, max_words; /* max -1: any number */
    uint32_t flags;
    const opt *options; /* its own; may be NULL */
    int (*run)(cli *c, args *a);
    wording summary; /* one line */
    wording details; /* more, with examples; may be NULL */
};

extern const command commands[]; /* ends with a NULL name */
wording group_summary(const char *group);
/* How many words of argv name a command (1 or 2), 0 when they name none. */
int command_find(char **words, int count, const command **out);
bool group_exists(const char *word);

/* Prints what is wrong and gives EXIT_WRONG when the words do not fit the command. *helped: --help was there. */
int args_read(cli *c, char **words, int count, args *out, bool *helped);
const char *args_value(const args *a, const char *name); /* NULL: not given */
bool args_has(const args *a, const char *name);
/* A decimal number between 0 and most; EXIT_WRONG with a message when it is none. Leaves *out when not given. */
int args_number(cli *c, const args *a, const char *option, uint64_t most, uint64_t *out);
void args_free(args *a);
/* A common option, also those that the command does not list itself. */
const opt *common_options(uint32_t flags, size_t *count);

void help_main(cli *c, FILE *out);
void help_group(cli *c, const char *group, FILE *out);
void help_command(cli *c, const command *cmd, FILE *out);
/* The known word that is nearest to a misspelt one, NULL when none is near. */
const char *nearest(const char *word, const char *const *known, size_t count);

/* ---- errors.c ---- */

/* Prints a line on stderr and gives EXIT_WRONG: for mistakes in how the program was called. */
int usage_error(cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As printf for the other failures; gives `code`. */
int fail(cli *c, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* As errno says: a full disk, a quota, a file that may not grow are no mistakes of the user. */
int cannot_write(cli *c, const char *path);
/* Prints every diagnostic of a failed call, frees it, gives the exit code that its status stands for. */
int fail_with(cli *c, gov_status status, gov_error *err);
/* The same where a list has begun, whose document ends with the error. */
int fail_inside(cli *c, gov_status status, gov_error *err);
int exit_code_of(gov_status status);
/* The diagnostics, as `origin:line:column: error: message`, one on each line. */
void print_diagnostics(cli *c, const gov_error *err, FILE *out);
/* A file of c's rules, as it can be opened from where one stands; in `room`, or one of the arguments, or as it is. */
const char *place_path(const cli *c, const char *origin, char *room, size_t size);
void put_origin(const cli *c, const char *origin, FILE *out);
void json_diagnostics(cli *c, const gov_error *err, FILE *out);
/* Flushes stdout; a full disk is EXIT_STORE, or EXIT_UNTOLD where something was done; a reader that has gone is no error. */
int finish_output(cli *c, int code);
bool output_gone(void); /* nobody reads what we print: stop */

/* ---- lines.c ---- */

typedef gov_status (*line_answerer)(void *user, const char *line, size_t len, char **out,
                                    size_t *out_len, gov_error **err);
/* Answers each line of standard input with one on standard output, until one fails in a way that no line can say. A line beyond
 * 64 MiB is answered with an error, and the next one is read. */
int answer_lines(cli *c, line_answerer answer, void *user);

/* ---- session.c ---- */

typedef struct session {
    cli *c;
    gov_store *store;
    gov *g;
} session;

/* Opens what the first word names, and acts as the options say. Prints its own errors. */
int session_open(cli *c, const args *a, uint32_t flags, session *s);
void session_close(session *s);
/* A time as people write it, in the community's zone. */
int session_time(session *s, const char *word, int64_t *us);
/* Opens only the store. */
int store_open(cli *c, const char *url, uint32_t flags, gov_store **out);

/* ---- fields.c ---- */

/* Words from `first` on, and the JSON of the option `option`, into one map. */
int fields_read(cli *c, const args *a, int first, const char *name, gov_value **out);
/* The bytes of a file ("-": standard input), with a NUL behind. Freed by free(). */
int file_read(cli *c, const char *path, char **out, size_t *len);
/* Replaces an existing file only when its first bytes have `mark`, as all have that this command writes. */
int file_write(cli *c, const char *path, const char *bytes, size_t len, const char *mark);
/* The same piece by piece: write to `file`, and end it in any case. Beside it first, so that whatever goes wrong leaves what was there,
 * or nothing; a device or a pipe is written as it is, and "-" is stdout. */
typedef struct file_out {
    FILE *file;
    const char *path;
    char *beside;
} file_out;
int file_begin(cli *c, const char *path, const char *mark, file_out *out);
int file_end(cli *c, file_out *out, bool keep);

/* ---- print.c, table.c, json.c ---- */

/* Text from outside, with control characters made visible. */
void put_text(FILE *out, const char *s, size_t len);
int text_width(const char *s); /* columns of a terminal; Chinese characters take two */
void put_padded(FILE *out, const char *s, int width);
/* A value in a line, e.g. of a table; freed by free(). NULL: no memory. */
char *line_of(session *s, const gov_value *v);
/* A map, a list, or a scalar over several lines, indented. */
void put_value(session *s, const gov_value *v, int indent);
/* Titles are text or a map of language to text. */
const char *title_of(cli *c, const gov_value *v);
const char *text_of(const gov_value *map, const char *key); /* "" when there is none */
char *time_of(session *s, int64_t us); /* "2026-03-02 09:05"; freed by free() */
int64_t us_of(const gov_value *timestamp);
const char *bold(const cli *c), *dim(const cli *c), *red(const cli *c), *green(const cli *c),
    *plain(const cli *c);

typedef struct table table;
table *table_new(size_t columns);
void table_add(table *t, const char *cell); /* copies; the cells of a row one after the other */
void table_take(table *t, char *cell);      /* frees it; NULL is an empty cell */
void table_flush(cli *c, table *t,
                 FILE *out);                 /* the rows so far; the first of all is the heading */
void table_put(cli *c, table *t, FILE *out); /* the same, and frees the table */

void json_value(FILE *out, const gov_value *v);
void json_text(FILE *out, const char *s, size_t len);
void json_instant_us(FILE *out, int64_t us);
/* One JSON document and a newline. */
void json_line(const gov_value *v);

/* ---- progress.c ---- */

typedef struct progress {
    cli *c;
    const char *what;
    int64_t began_ms, shown_ms;
    bool shown;
} progress;

void progress_begin(progress *p, cli *c, const char *what);
int32_t progress_step(uint64_t done, uint64_t total, void *user); /* a gov_progress */
void progress_end(progress *p);

/* ---- the commands ---- */

int cmd_init(cli *c, args *a);
int cmd_install(cli *c, args *a);
int cmd_migrate(cli *c, args *a);
int cmd_about(cli *c, args *a);
int cmd_check(cli *c, args *a);
int cmd_diagram(cli *c, args *a);
int cmd_schema(cli *c, args *a);
int cmd_test(cli *c, args *a);
int cmd_import(cli *c, args *a);
int cmd_case_open(cli *c, args *a);
int cmd_case_send(cli *c, args *a);
int cmd_case_show(cli *c, args *a);
int cmd_case_list(cli *c, args *a);
int cmd_case_explain(cli *c, args *a);
int cmd_case_history(cli *c, args *a);
int cmd_case_find(cli *c, args *a);
int cmd_record_put(cli *c, args *a);
int cmd_record_get(cli *c, args *a);
int cmd_run(cli *c, args *a);
int cmd_record_list(cli *c, args *a);
int cmd_tick(cli *c, args *a);
int cmd_report(cli *c, args *a);
int cmd_verify(cli *c, args *a);
int cmd_journal_read(cli *c, args *a);
int cmd_journal_export(cli *c, args *a);
int cmd_journal_key(cli *c, args *a);
int cmd_journal_check(cli *c, args *a);
int cmd_backup(cli *c, args *a);
int cmd_upgrade(cli *c, args *a);
int cmd_eval(cli *c, args *a);
int cmd_simulate(cli *c, args *a);
int cmd_ledger(cli *c, args *a);
int cmd_ledger_cap(cli *c, args *a);
int cmd_ledger_caps(cli *c, args *a);
int cmd_ledger_lots(cli *c, args *a);
int cmd_ledger_balance(cli *c, args *a);
int cmd_ledger_statement(cli *c, args *a);
int cmd_ledger_note(cli *c, args *a);
int cmd_export(cli *c, args *a);
int cmd_version(cli *c, args *a);
int cmd_help(cli *c, args *a);

/* The case that a word names: its number (of --source), or its id. */
int case_named(session *s, const args *a, const char *word, int64_t *id);

#endif
