/* Every command: its words, its options, and its help in both languages. */
#include "cli.h"

#include <string.h>

#define FIELDS_HELP_EN                                                 \
    "NAME=TEXT gives a text, NAME:=JSON any other value: urgency:=2, " \
    "place:='{\"lat\":311234567,\"lon\":1215432100}'"
#define FIELDS_HELP_ZH                           \
    "名称=文本 给出文本，名称:=JSON " \
    "给出其他类型的值：urgency:=2，place:='{\"lat\":311234567,\"lon\":1215432100}'"

/* clang-format off */
#define OPT(name, value, en, zh) {name, value, {en, zh}}
/* clang-format on */

static const opt check_options[] = {
    OPT("overlay", "FILE", "a file that replaces values, roles and the title for one community",
        "为某个社区替换数值、角色和标题的文件"),
    {0},
};
static const opt init_options[] = {
    OPT("rulebook", "DIR", "the rules: a folder with rulebook.yaml, or one file",
        "规则：含 rulebook.yaml 的目录，或一个文件"),
    OPT("name", "NAME", "the community's name on this store (default: the rulebook's id)",
        "社区在库中的名称（默认为规则的标识）"),
    OPT("overlay", "FILE", "a file that replaces values, roles and the title for this community",
        "为本社区替换数值、角色和标题的文件"),
    {0},
};
static const opt eval_options[] = {
    OPT("rulebook", "DIR", "expressions may use its values and functions, and its calendar",
        "表达式可以使用其中的数值、函数和日历"),
    OPT("now", "TIME", "with --rulebook: what `now` is, in RFC 3339 (default: this moment)",
        "与 --rulebook 同用：now 的值（默认为此刻）"),
    {0},
};
static const opt simulate_options[] = {
    OPT("workflow", "NAME", "the one that is meant, where the rules have several", "规则有多个流程时，指明其中一个"),
    {0},
};
static const opt install_options[] = {
    OPT("rulebook", "DIR", "the rules: a folder with rulebook.yaml, or one file",
        "规则：含 rulebook.yaml 的目录，或一个文件"),
    OPT("replace", NULL, "also when it is another rulebook, not another version of the same",
        "即使是另一套规则，而不是同一套规则的另一版，也换用"),
    OPT("overlay", "FILE", "a file that replaces values, roles and the title for this community",
        "为本社区替换数值、角色和标题的文件"),
    {0},
};
static const opt migrate_options[] = {
    OPT("dry-run", NULL, "change nothing; tell also what past cases would have come to",
        "不改动数据；并说明以往的工单按新规则会有什么不同"),
    OPT("overlay", "FILE", "a file that replaces values, roles and the title for this community",
        "为本社区替换数值、角色和标题的文件"),
    {0},
};
static const opt diagram_options[] = {
    OPT("format", "NAME", "mermaid (default), dot, or svg, which needs no other program",
        "mermaid（默认）、dot，或无需其他程序的 svg"),
    OPT("out", "FILE", "write to FILE, whose ending .svg, .dot or .mmd says the format",
        "写入文件，由扩展名 .svg、.dot、.mmd 决定格式"),
    {0},
};
static const opt test_options[] = {
    OPT("db", "DB", "run on this store, and leave the communities there (default: in memory)",
        "在此库中运行，社区留在库中（默认在内存中）"),
    OPT("overlay", "FILE", "a file that replaces values, roles and the title for one community",
        "为某个社区替换数值、角色和标题的文件"),
    {0},
};
static const opt schema_options[] = {
    OPT("out", "FILE", "write to FILE", "写入文件"),
    {0},
};
static const opt import_options[] = {
    OPT("map", "MAP.yaml", "what the columns mean (default: the map beside the data)",
        "各列的含义（默认用数据旁边的说明文件）"),
    OPT("refused", "FILE", "where rows go that cannot be imported, with the reasons",
        "拒收的行连同原因写入此文件"),
    OPT("batch", "N", "rows in one transaction, at most 100000 (default: 500)",
        "每个事务的行数，最多 100000（默认 500）"),
    OPT("dry-run", NULL, "check every row, change nothing", "只检查每一行，不改动数据"),
    {0},
};
static const opt open_options[] = {
    OPT("fields", "JSON|@FILE", "the fields as one JSON object", "以一个 JSON 对象给出全部字段"),
    OPT("reporter", "KEY", "the resident who reports (default: nobody in particular)",
        "诉求人（居民编号；默认为匿名）"),
    OPT("grid", "KEY", "the grid (default: found by the place)", "网格（默认按地点查找）"),
    OPT("source", "NAME", "the other system whose number follows, e.g. hotline",
        "外部编号来自哪个系统，如 hotline"),
    OPT("number", "TEXT", "that system's own number", "该系统的编号"),
    OPT("once", "KEY", "the same key again gives the same case again",
        "以同一个键重复提交，得到的是同一件工单"),
    {0},
};
static const opt send_options[] = {
    OPT("data", "JSON|@FILE", "the event's input as one JSON object",
        "以一个 JSON 对象给出办理内容"),
    OPT("key", "KEY", "the same key again changes nothing", "同一个键重复提交，不再改动"),
    OPT("source", "NAME", "CASE is the number of this other system", "CASE 是该外部系统的编号"),
    {0},
};
static const opt case_options[] = {
    OPT("source", "NAME", "CASE is the number of this other system", "CASE 是该外部系统的编号"),
    {0},
};
static const opt find_options[] = {
    OPT("source", "NAME", "the other system (default: the community's own numbers)",
        "外部系统（默认为社区自己的编号）"),
    {0},
};
static const opt list_options[] = {
    OPT("workflow", "NAME", "only of this workflow", "只列该流程的"),
    OPT("grid", "KEY", "only in this grid and below", "只列该网格及其下级的"),
    OPT("unit", "KEY", "only at this unit", "只列该单位的"),
    OPT("where", "EXPR", "only those for which this CEL expression holds; also FIELD=VALUE",
        "只列使该 CEL 表达式成立的；也可写 字段=值"),
    OPT("order", "NAME [desc]", "by this name (default: as opened)", "按此名称排序（默认按开立先后）"),
    OPT("open", NULL, "only those that have not ended", "只列未办结的"),
    OPT("overdue", NULL, "only those past a deadline that still runs", "只列已超期的"),
    OPT("limit", "N", "at most so many", "最多列出多少件"),
    OPT("after", "CURSOR", "go on where a list ended", "从上一次结束处继续"),
    {0},
};
static const opt record_options[] = {
    OPT("where", "EXPR", "only those for which this CEL expression holds", "只列使该 CEL 表达式成立的"),
    OPT("order", "NAME [desc]", "by this name (default: it.key)", "按此名称排序（默认 it.key）"),
    OPT("limit", "N", "at most so many", "最多列出多少条"),
    OPT("after", "CURSOR", "go on where a list ended", "从上一次结束处继续"),
    {0},
};
static const opt put_options[] = {
    OPT("fields", "JSON|@FILE", "the fields as one JSON object", "以一个 JSON 对象给出全部字段"),
    {0},
};
static const opt run_options[] = {
    OPT("fields", "JSON|@FILE", "the operands as one JSON object", "以一个 JSON 对象给出全部参数"),
    OPT("key", "KEY", "the same key gives the first answer again", "同一键再次调用时给出第一次的结果"),
    {0},
};
static const opt page_options[] = {
    OPT("limit", "N", "at most so many", "最多列出多少条"),
    OPT("after", "CURSOR", "go on where a list ended", "从上一次结束处继续"),
    {0},
};
static const opt tick_options[] = {
    OPT("until", "TIME", "as if it were this time now (default: the clock's)",
        "按此时刻触发（默认为当前时间）"),
    OPT("max", "N", "at most so many", "最多触发多少件"),
    OPT("dry-run", NULL, "tell what would happen, and keep nothing of it", "只说明会发生什么，不保留任何结果"),
    {0},
};
static const opt report_options[] = {
    OPT("html", "FILE", "write one self-contained page (\"-\": to standard output)",
        "写成一个独立的网页（“-”为标准输出）"),
    OPT("from", "TIME", "first instant of the period (default: the first case)",
        "统计期起点（默认为第一件工单）"),
    OPT("to", "TIME", "end of the period, exclusive (default: now)",
        "统计期终点，不含（默认为现在）"),
    OPT("workflow", "NAME", "the workflow that leads the report", "报告以哪个流程为主"),
    OPT("public", NULL, "for publication: small counts masked, no names",
        "对外公布：隐去过小的数，不显示姓名"),
    {0},
};
static const opt export_options[] = {
    OPT("key", "FILE", "sign the tree head with this key: 64 bytes, Ed25519",
        "用此密钥签名（Ed25519，64 字节）"),
    {0},
};
static const opt export_to_options[] = {
    OPT("format", "FORMAT", "hledger", "hledger"),
    OPT("ledger", "N", "only this ledger", "只导出该账本"),
    OPT("output", "FILE", "write there (default: standard output)", "写入此文件（默认为标准输出）"),
    {0},
};
static const opt statement_options[] = {
    OPT("from", "TIME", "from this instant on", "自此时刻起"),
    OPT("to", "TIME", "up to this instant", "至此时刻止"),
    OPT("limit", "N", "at most so many (default: 50)", "最多列出多少条（默认 50）"),
    OPT("reverse", NULL, "the newest first", "从最新的列起"),
    {0},
};
static const opt balance_options[] = {
    OPT("at", "TIME", "at this instant (default: now)", "在此时刻（默认为现在）"),
    OPT("effective", NULL, "by what had taken effect then, whenever it was recorded",
        "按当时已生效的计算，不论何时入账"),
    {0},
};
static const opt ledger_options[] = {
    OPT("db", "DB", "the ledgers of a community (default: a ledger in memory)",
        "社区的账本（默认为内存中的账本）"),
    {0},
};
static const opt key_options[] = {
    OPT("key", "FILE", "check the signature with this public key: 32 bytes",
        "用此公钥验签（32 字节）"),
    {0},
};

#define COMMUNITY (CMD_COMMUNITY | CMD_JSON)

const command commands[] = {
    {
        .name = "init",
        .words = "DB --rulebook DIR",
        .min_words = 1,
        .max_words = 1,
        .flags = CMD_JSON | CMD_ACTS,
        .options = init_options,
        .run = cmd_init,
        .summary = {"create a community on a store", "在库中建立社区"},
        .details = {"The rules are checked whole before anything is made. A store may hold several "
                    "communities.\n\n"
                    "  gov init xingfuli.db --rulebook examples/community",
                    "先完整检查规则，再建立社区。一个库可以有多个社区。\n\n  gov init xingfuli.db "
                    "--rulebook "
                    "examples/community"},
    },
    {
        .name = "check",
        .words = "PATH",
        .min_words = 1,
        .max_words = 1,
        .flags = CMD_JSON,
        .options = check_options,
        .run = cmd_check,
        .summary = {"check a rulebook and show every mistake", "检查规则，列出每一处错误"},
        .details = {"Prints file:line:column: error: … for each mistake. Exit status 1 with "
                    "errors, 0 with "
                    "warnings only.",
                    "每处错误一行：文件:行:列: error: …。有错误时退出码为 1，只有警告时为 0。"},
    },
    {
        .name = "diagram",
        .words = "PATH WORKFLOW",
        .min_words = 2,
        .max_words = 2,
        .flags = 0,
        .options = diagram_options,
        .run = cmd_diagram,
        .summary = {"draw a workflow", "绘制流程图"},
        .details = {"The SVG shows states, transitions, timers, and the clocks with the states in "
                    "which they run or wait. Titles are in the\n"
                    "rulebook's first language, or that of --lang.\n\n"
                    "  gov diagram examples/community complaint --out complaint.svg",
                    "SVG 显示状态、转移、定时事项，以及各项时限在哪些状态中计时或暂停。标题用规则的"
                    "第一种语言，\n或 --lang 指定的语言。\n\n"
                    "  gov diagram examples/community complaint --out complaint.svg"},
    },
    {
        .name = "test",
        .words = "PATH",
        .min_words = 1,
        .max_words = 1,
        .flags = CMD_JSON,
        .options = test_options,
        .run = cmd_test,
        .summary = {"run the scenarios of a rulebook", "运行规则的场景测试"},
        .details = {"PATH is a rulebook, a folder or file of scenarios inside of one, or a folder of several rulebooks.\nShows what "
                    "failed with file and line and the\ncase's history, then which states and "
                    "transitions no scenario reached. Exit status 1 when one failed, 2 when there is none.\n\n"
                    "  gov test examples/community",
                    "PATH 为规则、规则目录内存放场景的目录或文件，或存放多份规则的目录。失败的场景连同文件、行号和工单经过一起列出，"
                    "然后列出没有场景到达的状态和转移。\n有失败时退出码为 1，没有任何场景时为 2。\n\n  gov test "
                    "examples/community"},
    },
    {
        .name = "schema",
        .words = "",
        .min_words = 0,
        .max_words = 0,
        .flags = 0,
        .options = schema_options,
        .run = cmd_schema,
        .summary = {"print the JSON Schema of rulebooks, for editors", "输出规则文件的 JSON Schema，供编辑器使用"},
        .details = {"Editors with YAML support complete keys and mark what is misspelt while one "
                    "types.\n\n  gov schema --out rulebook.schema.json",
                    "支持 YAML 的编辑器据此补全键名，并在输入时标出错误。\n\n"
                    "  gov schema --out rulebook.schema.json"},
    },
    {
        .name = "install",
        .words = "DB --rulebook DIR",
        .min_words = 1,
        .max_words = 1,
        .flags = COMMUNITY | CMD_ACTS,
        .options = install_options,
        .run = cmd_install,
        .summary = {"install another version of the rules", "换用另一版规则"},
        .details =
            {"Running cases keep the version of their workflow; the rest is current at once.",
             "办理中的工单沿用原来的流程，其余立即按新规则。"},
    },
    {
        .name = "migrate",
        .words = "DB [RULES]",
        .min_words = 1,
        .max_words = 2,
        .flags = COMMUNITY | CMD_ACTS,
        .options = migrate_options,
        .run = cmd_migrate,
        .summary = {"move running cases to other rules", "把办理中的工单转到新规则"},
        .details =
            {"As the workflows' `migrate` sections say. RULES is installed first; without it, the rules in force are meant. What cannot "
             "be moved\n"
             "stays as it is and is listed, and the exit status is 1. With --dry-run, past cases are lived through again under the new "
             "rules, in memory.\n\n"
             "  gov migrate xingfuli.db examples/community --dry-run",
             "按各流程中的 `migrate` 转换。给出 RULES 时先换用该规则，否则指现行规则。无法转换的保持原样并列出，退出码为 1。\n"
             "加 --dry-run 时，在内存中按新规则重演以往的工单。\n\n  gov migrate xingfuli.db examples/community --dry-run"},
    },
    {
        .name = "about",
        .words = "DB",
        .min_words = 1,
        .max_words = 1,
        .flags = COMMUNITY,
        .run = cmd_about,
        .summary = {"show the community, its rules, its clock", "显示社区、规则和时钟"},
    },
    {
        .name = "import",
        .words = "DB KIND FILE",
        .min_words = 3,
        .max_words = 3,
        .flags = COMMUNITY | CMD_ACTS,
        .options = import_options,
        .run = cmd_import,
        .summary = {"import CSV or GeoJSON", "导入 CSV 或 GeoJSON"},
        .details =
            {"KIND is grids, units, staff, premises, households, residents, cases or events; with "
             "all, "
             "FILE is a folder and the map a\n"
             "list of maps (import.yaml). Interrupted and run again, it goes on where it was; run "
             "twice, "
             "it adds nothing. Cases and events\n"
             "are replayed on the community's clock. Without --map: requests.map.yaml beside "
             "requests.csv, import.yaml in a folder.\n\n"
             "  gov import xingfuli.db all examples/community/data --refused refused.csv",
             "KIND 为 grids、units、staff、premises、households、residents、cases、events 之一；为 "
             "all 时 "
             "FILE 是目录，说明文件列出导入的\n"
             "顺序（import."
             "yaml）。中断后再次运行会接着做；重复导入不会增加数据。工单和办理记录在社区的时钟上重"
             "放。不给"
             " --map 时：\n"
             "requests.csv 用旁边的 requests.map.yaml，目录用其中的 import.yaml。\n\n"
             "  gov import xingfuli.db all examples/community/data --refused refused.csv"},
    },
    {
        .name = "case open",
        .words = "DB WORKFLOW [NAME=TEXT|NAME:=JSON]…",
        .min_words = 2,
        .max_words = -1,
        .flags = COMMUNITY | CMD_ACTS,
        .options = open_options,
        .run = cmd_case_open,
        .summary = {"open a case", "开立工单"},
        .details = {FIELDS_HELP_EN "\n\n  gov case open xingfuli.db complaint category=noise "
                                   "description=\"drilling at night\" --grid G01",
                    FIELDS_HELP_ZH "\n\n  gov case open xingfuli.db complaint category=noise "
                                   "description=夜间施工 --grid G01"},
    },
    {
        .name = "case send",
        .words = "DB CASE EVENT [NAME=TEXT|NAME:=JSON]…",
        .min_words = 3,
        .max_words = -1,
        .flags = COMMUNITY | CMD_ACTS,
        .options = send_options,
        .run = cmd_case_send,
        .summary = {"send an event to a case", "办理工单（发送事件）"},
        .details = {"CASE is the community's number, the id, or with --source another system's "
                    "number. What the "
                    "rules refuse gives the reason and\n"
                    "exit status 1. " FIELDS_HELP_EN
                    "\n\n  gov case send xingfuli.db 12 dispatch unit=WY",
                    "CASE 为社区的编号、标识，或加 --source "
                    "用外部系统的编号。规则不允许时说明原因，退出码为 "
                    "1。\n" FIELDS_HELP_ZH "\n\n  gov case send xingfuli.db 12 dispatch unit=WY"},
    },
    {
        .name = "case show",
        .words = "DB CASE",
        .min_words = 2,
        .max_words = 2,
        .flags = COMMUNITY,
        .options = case_options,
        .run = cmd_case_show,
        .summary = {"show a case", "显示工单"},
    },
    {
        .name = "case list",
        .words = "DB",
        .min_words = 1,
        .max_words = 1,
        .flags = COMMUNITY,
        .options = list_options,
        .run = cmd_case_list,
        .summary = {"list cases", "列出工单"},
        .details = {"EXPR speaks of case.NAME (what a list shows, and indexed fields), clocks.NAME.due, "
                    "running and breached, In('state'), actor, values and now: docs/filters.md.\n\n  gov case list "
                    "xingfuli.db --open --where 'case.unit == \"WY\" && now - case.opened_at > "
                    "duration(\"48h\")'",
                    "EXPR 可用 case.NAME（列表所示的各项及索引字段）、clocks.NAME.due、running 和 "
                    "breached、In('状态')、actor、values、now，见 docs/filters.md。\n\n  gov case list xingfuli.db --open "
                    "--where 'case.unit == \"WY\" && now - case.opened_at > duration(\"48h\")'"},
    },
    {
        .name = "case explain",
        .words = "DB CASE",
        .min_words = 2,
        .max_words = 2,
        .flags = COMMUNITY,
        .options = case_options,
        .run = cmd_case_explain,
        .summary = {"say what may happen next, and what refuses the rest",
                    "说明下一步可以做什么，其余为何不能做"},
        .details =
            {"For whom: --as STAFF. The clocks are shown with every stretch of time that counted.",
             "以谁的身份：--as 工号。时限连同每一段计入的时间一起列出。"},
    },
    {
        .name = "case history",
        .words = "DB CASE",
        .min_words = 2,
        .max_words = 2,
        .flags = COMMUNITY,
        .options = case_options,
        .run = cmd_case_history,
        .summary = {"show what happened to a case", "显示工单的经过"},
    },
    {
        .name = "case find",
        .words = "DB NUMBER",
        .min_words = 2,
        .max_words = 2,
        .flags = COMMUNITY,
        .options = find_options,
        .run = cmd_case_find,
        .summary = {"find a case by its number", "按编号查找工单"},
        .details = {"Prints the id; exit status 1 when there is none.",
                    "输出标识；没有时退出码为 1。"},
    },
    {
        .name = "record put",
        .words = "DB KIND KEY [NAME=TEXT|NAME:=JSON]…",
        .min_words = 3,
        .max_words = -1,
        .flags = COMMUNITY | CMD_ACTS,
        .options = put_options,
        .run = cmd_record_put,
        .summary = {"add a record, or replace it", "新增或替换一条档案"},
        .details =
            {"KIND is grid, unit, staff, premises, household, resident or group.\n" FIELDS_HELP_EN
             "\n\n  gov record put xingfuli.db staff S01 name=\"Li Wei\" roles:='[\"dispatcher\"]' "
             "unit=WY",
             "KIND 为 grid、unit、staff、premises、household、resident、group "
             "之一。\n" FIELDS_HELP_ZH "\n\n  gov record put xingfuli.db staff S01 name=李伟 "
             "roles:='[\"dispatcher\"]' unit=WY"},
    },
    {
        .name = "record get",
        .words = "DB KIND KEY",
        .min_words = 3,
        .max_words = 3,
        .flags = COMMUNITY,
        .run = cmd_record_get,
        .summary = {"show a record", "显示一条档案"},
    },
    {
        .name = "run",
        .words = "DB [OPERATION [NAME=VALUE…]]",
        .min_words = 1,
        .max_words = -1,
        .flags = COMMUNITY | CMD_ACTS,
        .options = run_options,
        .run = cmd_run,
        .summary = {"run an operation of a programme, or list what there is", "执行项目的一项操作，或列出全部操作"},
        .details =
            {"Records are named by their keys.\n" FIELDS_HELP_EN "\n\n  gov run xingfuli.db\n"
             "  gov run xingfuli.db points.balance account=H001",
             "档案以其编号指称。\n" FIELDS_HELP_ZH "\n\n  gov run xingfuli.db\n"
             "  gov run xingfuli.db points.balance account=H001"},
    },
    {
        .name = "record list",
        .words = "DB KIND",
        .min_words = 2,
        .max_words = 2,
        .flags = COMMUNITY,
        .options = record_options,
        .run = cmd_record_list,
        .summary = {"list the records of a kind", "列出一类档案"},
        .details = {"EXPR speaks of it.NAME (key, name, indexed fields, lists of texts), actor, values and now: "
                    "docs/filters.md.\n\n  gov record list xingfuli.db resident --where 'it.birth_year < 1946' "
                    "--order 'it.birth_year desc'",
                    "EXPR 可用 it.NAME（key、name、索引字段、文字列表）、actor、values、now，见 docs/filters.md。\n\n  gov record "
                    "list xingfuli.db resident --where 'it.birth_year < 1946' --order 'it.birth_year desc'"},
    },
    {
        .name = "tick",
        .words = "DB",
        .min_words = 1,
        .max_words = 1,
        .flags = COMMUNITY | CMD_ACTS,
        .options = tick_options,
        .run = cmd_tick,
        .summary = {"fire what is due", "触发到期的事项"},
        .details = {"TIME is 2026-03-02, 2026-03-02T09:00 (both in the community's time zone), or "
                    "RFC 3339.\n\nWith --until everything that is due until then really happens, each at its own instant: "
                    "deadlines pass,\nrules act, points expire. It is for stores that are tried out or "
                    "replayed; with --dry-run nothing is\nkept, and only what would happen is told.",
                    "TIME 为 2026-03-02、2026-03-02T09:00（按社区的时区），或 RFC 3339。\n\n"
                    "写 --until 时，此前到期的一切都会真的发生，各按自己的时刻：期限届满、规则动作、积分到期。\n"
                    "它用于试用或重放的库；加 --dry-run 则什么也不保留，只说明会发生什么。"},
    },
    {
        .name = "report",
        .words = "DB",
        .min_words = 1,
        .max_words = 1,
        .flags = COMMUNITY,
        .options = report_options,
        .run = cmd_report,
        .summary = {"the report: text, JSON, or one page of HTML", "报告：文本、JSON 或一个网页"},
        .details =
            {"In the community's first language; --lang chooses another. TIME is 2026-03-02, "
             "2026-03-02T09:00 (both in the community's\n"
             "time zone), or RFC 3339.\n\n  gov report xingfuli.db --html report.html --from "
             "2026-03-01 "
             "--to 2026-06-01",
             "用社区的首选语言，可用 --lang 指定。TIME 为 "
             "2026-03-02、2026-03-02T09:00（按社区的时区），或 RFC 3339。\n\n"
             "  gov report xingfuli.db --html report.html --from 2026-03-01 --to 2026-06-01"},
    },
    {
        .name = "verify",
        .words = "DB",
        .min_words = 1,
        .max_words = 1,
        .flags = COMMUNITY,
        .run = cmd_verify,
        .summary = {"check the journal, the ledgers and the clocks", "核验记录、账目和时限"},
        .details = {"Exit status 1 when something is wrong, with the first bad entry.",
                    "发现问题时指出第一条有问题的记录，退出码为 1。"},
    },
    {
        .name = "journal read",
        .words = "DB",
        .min_words = 1,
        .max_words = 1,
        .flags = COMMUNITY,
        .options = page_options,
        .run = cmd_journal_read,
        .summary = {"read the journal", "阅读记录"},
    },
    {
        .name = "journal key",
        .words = "FILE",
        .min_words = 1,
        .max_words = 1,
        .flags = CMD_JSON | CMD_ACTS,
        .run = cmd_journal_key,
        .summary = {"make a key to sign exports with", "生成签署导出记录的密钥"},
        .details = {"FILE gets the secret key (64 bytes, Ed25519; only its owner may read it), FILE.pub the public one (32 bytes) for "
                    "those who check. Neither may be there yet.",
                    "FILE 为私钥（64 字节，Ed25519，仅所有者可读），FILE.pub 为交给核验者的公钥（32 字节）。两个文件均不得已存在。"},
    },
    {
        .name = "journal export",
        .words = "DB FILE",
        .min_words = 2,
        .max_words = 2,
        .flags = COMMUNITY | CMD_ACTS,
        .options = export_options,
        .run = cmd_journal_export,
        .summary = {"write the journal to a file that proves itself", "导出可独立核验的记录"},
    },
    {
        .name = "journal check",
        .words = "FILE",
        .min_words = 1,
        .max_words = 1,
        .flags = CMD_JSON,
        .options = key_options,
        .run = cmd_journal_check,
        .summary = {"check an exported journal, without the store", "核验导出的记录（不需要库）"},
    },
    {
        .name = "backup",
        .words = "DB FILE",
        .min_words = 2,
        .max_words = 2,
        .flags = CMD_JSON | CMD_ACTS,
        .run = cmd_backup,
        .summary = {"copy a live store", "备份正在使用的库"},
        .details = {"Other programs may go on writing. FILE must not exist.",
                    "备份时其他程序可以继续写入。FILE 不能已存在。"},
    },
    {
        .name = "upgrade",
        .words = "DB",
        .min_words = 1,
        .max_words = 1,
        .flags = CMD_JSON | CMD_ACTS,
        .run = cmd_upgrade,
        .summary = {"bring an older store to this version", "把旧版的库升级到当前版本"},
    },
    {
        .name = "eval",
        .words = "",
        .min_words = 0,
        .max_words = 0,
        .options = eval_options,
        .run = cmd_eval,
        .summary = {"evaluate expressions: a line of JSON in, a line out",
                    "计算表达式：输入一行 JSON，输出一行"},
        .details = {"In: {\"expr\": \"a + 1\", \"bindings\": {\"a\": {\"int\": \"2\"}}}   out: "
                    "{\"value\": "
                    "{\"int\": \"3\"}}",
                    "输入：{\"expr\": \"a + 1\", \"bindings\": {\"a\": {\"int\": "
                    "\"2\"}}}　输出：{\"value\": "
                    "{\"int\": \"3\"}}"},
    },
    {
        .name = "simulate",
        .words = "WORKFLOW.yaml",
        .min_words = 1,
        .max_words = 1,
        .options = simulate_options,
        .run = cmd_simulate,
        .summary = {"run a workflow on a virtual clock, line by line", "在虚拟时钟上逐行运行流程"},
        .details = {"Prints {\"active\": [\"a.b\"], \"done\": false} at the start and after each "
                    "line. In: "
                    "{\"event\": \"e\", \"data\": VALUE},\n"
                    "{\"advance_ms\": 1500}, {\"snapshot\": true} or {\"restore\": \"…\"}.",
                    "开始时和每行之后输出 {\"active\": [\"a.b\"], \"done\": "
                    "false}。输入：{\"event\": \"e\", "
                    "\"data\": VALUE}、\n"
                    "{\"advance_ms\": 1500}、{\"snapshot\": true} 或 {\"restore\": \"…\"}。"},
    },
    {
        .name = "export",
        .words = "DB --format FORMAT",
        .min_words = 1,
        .max_words = 1,
        .flags = CMD_COMMUNITY,
        .options = export_to_options,
        .run = cmd_export,
        .summary = {"hand the data to other tools", "把数据交给其他工具"},
        .details = {"hledger: the ledgers as a plain-text journal, with a balance assertion at "
                    "every posting.\n\n  gov export xingfuli.db --format hledger | hledger -f - "
                    "balance",
                    "hledger：账本的纯文本日记账，每一笔都带余额断言。\n\n  gov export xingfuli.db "
                    "--format hledger | hledger -f - balance"},
    },
    {
        .name = "ledger cap",
        .words = "DB [NAME=TEXT|NAME:=JSON]…",
        .min_words = 1,
        .max_words = -1,
        .flags = CMD_COMMUNITY,
        .options = put_options,
        .run = cmd_ledger_cap,
        .summary = {"cap what accounts receive or pay in a period", "设定账户在一段时间内收付的上限"},
        .details = {"  gov ledger cap xingfuli.db ledger:=1 number:=1 side=received per=day "
                    "amount:=10\n"
                    "Also account, code, reason. Without an amount the cap is taken away.",
                    "  gov ledger cap xingfuli.db ledger:=1 number:=1 side=received per=day "
                    "amount:=10\n"
                    "还可给 account、code、reason。不给 amount 则取消该上限。"},
    },
    {
        .name = "ledger caps",
        .words = "DB LEDGER",
        .min_words = 2,
        .max_words = 2,
        .flags = COMMUNITY,
        .run = cmd_ledger_caps,
        .summary = {"list the caps of a ledger", "列出账本的上限"},
    },
    {
        .name = "ledger lots",
        .words = "DB ACCOUNT",
        .min_words = 2,
        .max_words = 2,
        .flags = COMMUNITY,
        .run = cmd_ledger_lots,
        .summary = {"list an account's lots, the first to expire first", "按到期先后列出账户的各批次"},
    },
    {
        .name = "ledger statement",
        .words = "DB ACCOUNT",
        .min_words = 2,
        .max_words = 2,
        .flags = COMMUNITY,
        .options = statement_options,
        .run = cmd_ledger_statement,
        .summary = {"list what changed an account, with the balance after each", "列出账户的变动及每次变动后的余额"},
        .details = {"The change and the balance are of what is posted; what is reserved stands beside them. "
                    "A row without a transfer is a reservation that ran out.",
                    "变动与余额指已入账部分，预留部分另列。没有转账号的一行是到期失效的预留。"},
    },
    {
        .name = "ledger balance",
        .words = "DB ACCOUNT",
        .min_words = 2,
        .max_words = 2,
        .flags = COMMUNITY,
        .options = balance_options,
        .run = cmd_ledger_balance,
        .summary = {"an account's balances at an instant", "账户在某一时刻的余额"},
    },
    {
        .name = "ledger note",
        .words = "DB account|transfer ID [NAME=TEXT|NAME:=JSON]…",
        .min_words = 3,
        .max_words = -1,
        .flags = COMMUNITY,
        .options = put_options,
        .run = cmd_ledger_note,
        .summary = {"note something about an account or a transfer, or show it",
                    "为账户或转账加附注，或显示附注"},
    },
    {
        .name = "ledger",
        .words = "",
        .min_words = 0,
        .max_words = 0,
        .flags = CMD_COMMUNITY,
        .options = ledger_options,
        .run = cmd_ledger,
        .summary = {"double-entry accounts: a line of JSON in, a line out",
                    "复式账本：输入一行 JSON，输出一行"},
        .details = {"In: {\"accounts\": [{\"id\": \"1\", \"ledger\": 1, \"code\": 1}]}   out: "
                    "{\"results\": [\"created\"]}\n"
                    "Also transfers, lookup_accounts, lookup_transfers, account_transfers, "
                    "account_balances, query_accounts,\n"
                    "query_transfers, changes, advance_s, advance_us. In memory the clock starts "
                    "at 0 and stands still unless told.",
                    "输入：{\"accounts\": [{\"id\": \"1\", \"ledger\": 1, \"code\": 1}]}　输出："
                    "{\"results\": [\"created\"]}\n"
                    "另有 transfers、lookup_accounts、lookup_transfers、account_transfers、"
                    "account_balances、query_accounts、\n"
                    "query_transfers、changes、advance_s、advance_us。内存中的时钟从 0 开始，"
                    "不推进就不动。"},
    },
    {
        .name = "version",
        .words = "",
        .min_words = 0,
        .max_words = 0,
        .flags = CMD_JSON,
        .run = cmd_version,
        .summary = {"print the version", "显示版本"},
    },
    {
        .name = "help",
        .words = "[COMMAND]",
        .min_words = 0,
        .max_words = 2,
        .run = cmd_help,
        .summary = {"print help", "显示帮助"},
    },
    {0},
};

wording group_summary(const char *group)
{
    if (strcmp(group, "case") == 0)
        return (wording){"cases by hand: open, send, show, list, explain, …",
                         "手工办理工单：开立、办理、查看、说明等"};
    if (strcmp(group, "record") == 0)
        return (wording){"people and places by hand", "手工维护人员和地点的档案"};
    if (strcmp(group, "ledger") == 0)
        return (wording){"accounts: caps, lots, notes, balances", "账户：上限、批次、附注、余额"};
    return (wording){"the journal: read, export, check, key", "记录：阅读、导出、核验、密钥"};
}

int command_find(char **words, int count, const command **out)
{
    char two[128];
    if (count < 1)
        return 0;
    snprintf(two, sizeof two, "%s %s", words[0], count > 1 ? words[1] : "");
    for (const command *cmd = commands; cmd->name != NULL; cmd++) {
        const bool one = strcmp(cmd->name, words[0]) == 0;
        if (!one && strcmp(cmd->name, two) != 0)
            continue;
        *out = cmd;
        return one ? 1 : 2;
    }
    return 0;
}

bool group_exists(const char *word)
{
    const size_t len = strlen(word);
    for (const command *cmd = commands; cmd->name != NULL; cmd++)
        if (strncmp(cmd->name, word, len) == 0 && cmd->name[len] == ' ')
            return true;
    return false;
}
