"""The command line as such: help in two languages, usage errors, exit codes, pipes, terminals. No community."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import finish
from clilib import GOV, Folder, commands, expect, expect_answer, gov, guarded, present, terminal


def chinese(text):
    return any("\u4e00" <= ch <= "\u9fff" for ch in text)


def check_help():
    names = commands()
    wanted = {"init", "check", "import", "case open", "case send", "case show", "case list", "case explain", "case history",
              "case find", "record put", "record get", "record list", "tick", "report", "verify", "journal read",
              "journal export", "journal check", "backup", "upgrade", "install", "eval", "simulate", "version", "help"}
    expect("help lists every command", wanted <= set(names), wanted - set(names))
    bad = []
    for name in names:
        own = name.split()
        for words in ([*own, "--help"], [*own, "-h"], ["help", *own], [*own, "some", "--help", "more", "words"]):
            english, chinese_answer = gov(*words, lang="en_US.UTF-8"), gov(*words, lang="zh_CN.UTF-8")
            if english.code or english.err or f"usage: gov {name}" not in english.out or chinese(english.out):
                bad.append((words, english))
            if chinese_answer.code or not chinese(chinese_answer.out) or f"gov {name}" not in chinese_answer.out:
                bad.append((words, chinese_answer))
    expect("each command has help in both languages", not bad, bad[:2])
    expect_answer("the main help", gov("--help"), 0, r"usage: gov COMMAND", "")
    expect_answer("the main help in Chinese by --lang", gov("--lang", "zh", "--help"), 0, "用法：gov", "")
    expect_answer("the main help in Chinese by --lang after it", gov("--help", "--lang=zh"), 0, "用法：gov", "")
    expect_answer("a group's help", gov("case", "--help"), 0, "case explain", "")
    expect_answer("no command prints the help on stderr", gov(), 2, "", "usage: gov COMMAND")
    expect_answer("version", gov("version"), 0, r"^gov \d+\.\d+\.\d+", "")
    expect_answer("--version", gov("--version"), 0, r"^gov \d+\.\d+\.\d+", "")
    expect("version --json", "library" in gov("version", "--json").json)


def check_language():
    def says_chinese(**env):
        base = {k: v for k, v in os.environ.items() if not k.startswith("LC_") and k not in ("LANG", "LANGUAGE")}
        out = subprocess.run([GOV, "--help"], stdout=subprocess.PIPE, env={**base, **env}, check=False).stdout.decode()
        return chinese(out)
    expect("LANG chooses the language", says_chinese(LANG="zh_CN.UTF-8") and not says_chinese(LANG="en_GB.UTF-8"))
    expect("LC_MESSAGES goes before LANG", says_chinese(LANG="en_US.UTF-8", LC_MESSAGES="zh_CN"))
    expect("LC_ALL goes before all", not says_chinese(LANG="zh_CN", LC_MESSAGES="zh_CN", LC_ALL="C"))
    expect("an empty variable counts as unset", says_chinese(LANG="zh_CN.UTF-8", LC_ALL="", LC_MESSAGES=""))
    expect("without a locale it is English", not says_chinese())
    expect_answer("--lang overrides the locale", gov("--lang", "en", "--help", lang="zh_CN.UTF-8"), 0, "usage: gov")
    expect_answer("an unknown language", gov("--lang", "fr", "--help"), 2, "", "zh or en")


def one_line(answer):
    return answer.err.count("\n") == 1 and answer.err.startswith("gov: error: ") and not answer.out


def check_usage():
    cases = {
        "an unknown command": (["chekc", "x"], 'did you mean "check"'),
        "an unknown command, far from all": (["frobnicate"], "no command"),
        "an unknown command of a group": (["case", "opne", "x"], 'did you mean "case open"'),
        "an unknown option": (["tick", "x.db", "--untill", "2026-03-02"], "did you mean --until"),
        "an unknown option, far from all": (["tick", "x.db", "--frobnicate"], "unknown option --frobnicate"),
        "a short option": (["tick", "x.db", "-u"], "unknown option -u"),
        "a word too few": (["backup", "x.db"], "usage: gov backup DB FILE"),
        "a word too many": (["verify", "x.db", "y"], '"y" is too much'),
        "an option without its value": (["tick", "x.db", "--until"], "--until needs a value"),
        "a value for a switch": (["import", "x.db", "all", ".", "--dry-run=yes"], "takes no value"),
        "an option twice": (["tick", "x.db", "--max", "1", "--max=2"], "given twice"),
        "no number": (["tick", "x.db", "--max", "many"], "takes a number"),
        "a negative number": (["tick", "x.db", "--max=-1"], "takes a number"),
        "a number too large": (["import", "x.db", "all", ".", "--batch", "100001"], "0 to 100000"),
        "init without rules": (["init", "x.db"], "--rulebook"),
        "an unknown kind of import": (["import", "x.db", "resident", "."], 'did you mean "residents"'),
        "a field that is none": (["case", "open", "x.db", "request", "category"], "neither NAME=TEXT"),
        "a field twice": (["case", "open", "x.db", "request", "a=1", "a=2"], "given twice"),
        "fields that are no object": (["case", "open", "x.db", "request", "--fields", "[1]"], "JSON object"),
        "a source without number": (["case", "open", "x.db", "request", "--source", "x"], "go together"),
        "no help for it": (["help", "frobnicate"], "no command"),
    }
    for name, (words, why) in cases.items():
        answer = gov(*words)
        expect(f"usage: {name}", answer.code == 2 and one_line(answer) and why in answer.err, answer)
    broken = gov("case", "open", "x.db", "request", "a:={")
    expect("usage: broken JSON", broken.code == 2 and broken.err.count("\n") == 1 and
           "error: a, line 1, column" in broken.err, broken)
    zh = gov("tick", "x.db", "--untill", "2026-03-02", lang="zh_CN.UTF-8")
    expect("usage errors speak Chinese", zh.code == 2 and "--until" in zh.err and chinese(zh.err), zh)


def check_stores():
    with Folder() as f:
        for words in (["verify"], ["about"], ["tick"], ["case", "list"], ["upgrade"], ["report"]):
            answer = gov(*words, f("absent.db"))
            expect(f"{' '.join(words)} of a store that is not there", answer.code == 2 and answer.err.count("\n") == 1 and
                   not os.path.exists(f("absent.db")), answer)
        f.write("noise.db", "this is no database, and was never one\n" * 100)
        for words in (["verify"], ["about"]):
            answer = gov(*words, f("noise.db"))
            expect(f"{' '.join(words)} of a file that is no store", answer.code == 3 and answer.err.count("\n") == 1, answer)
        answer = gov("init", f("noise.db"), "--rulebook", f("rules"))
        expect("init does not overwrite what is no store", answer.code == 3 and answer.err.count("\n") == 1, answer)
        answer = gov("init", f("nowhere/x.db"), "--rulebook", f("rules"))
        expect("init in a folder that is not there", answer.code in (2, 3) and answer.err.count("\n") == 1, answer)
        answer = gov("init", f("x.db"), "--rulebook", f("absent"))
        expect("init with rules that are not there", answer.code == 2 and answer.err.count("\n") == 1 and
               not os.path.exists(f("x.db")), answer)


def check_check():
    with Folder() as f:
        expect_answer("check of a sound rulebook", gov("check", f("rules")), 0, "sound|warnings", "")
        f.write("rules/more.yaml", open(f("rules/more.yaml"), encoding="utf-8").read().replace(
            "dispatch: {to: handling", "dispatch: {to: handlign").replace("2027: {}", "2027: []"))
        answer = gov("check", f("rules"))
        lines = [line for line in answer.out.splitlines() if ": error: " in line]
        expect("check finds every mistake, each at its place", answer.code == 1 and len(lines) == 2 and not answer.err and
               all(line.split(":")[0].endswith("more.yaml") and line.split(":")[1].isdigit() and
                   line.split(":")[2].isdigit() for line in lines), answer)
        expect("check proposes the name that was meant", "handling" in answer.out, answer)
        told = gov("check", "--json", f("rules"))
        report = told.json
        expect("check --json", told.code == 1 and report["ok"] is False and report["errors"] == 2 and
               {"code", "message", "file", "line", "column"} <= set(report["diagnostics"][0]), told)
        zh = gov("check", f("rules"), "--lang", "zh")
        expect("check in Chinese", zh.code == 1 and chinese(zh.out) and ": error: " in zh.out, zh)
        made = gov("init", f("x.db"), "--rulebook", f("rules"))
        expect("init with wrong rules changes nothing", made.code == 2 and not os.path.exists(f("x.db")) and
               made.err.count(": error: ") == 2, made)
        expect_answer("check of what is not there", gov("check", f("absent")), 2, "", "absent")


def check_overlay():
    with Folder() as f:
        f.write("base/rulebook.yaml", 'rulebook: base\nversion: "1"\ntime_zone: Asia/Shanghai\ntitle: Base\nvalues: {within: {is: 2 hours, source: city}}\n'
                "---\nworkflow: w\nstates:\n  a: {after: {delay: within, to: b}}\n  b: {type: final}\n")
        f.write("district.yaml", "overlay: base\ntitle: District\nvalues: {within: {is: 3 hours, source: district}}\n")
        f.write("other.yaml", "overlay: other\ntitle: Other\n")
        f.write("wrong.yaml", "calendar: c\n")
        expect_answer("a rulebook with an overlay", gov("check", f("base"), "--overlay", f("district.yaml")), 0, "sound", "")
        expect_answer("an overlay of another one", gov("check", f("base"), "--overlay", f("other.yaml")), 1, r"/other\.yaml:1:10: error", "")
        expect_answer("what is no overlay", gov("check", f("base"), "--overlay", f("wrong.yaml")), 1, "no overlay", "")
        for name, more, due in (("plain", (), "11:00"), ("over", ("--overlay", f("district.yaml")), "12:00")):
            gov("init", f(name + ".db"), "--rulebook", f("base"), *more)
            opened = gov("case", "open", f(name + ".db"), "w", "--now", "2026-03-02T09:00", "--json")
            told = gov("case", "explain", f(name + ".db"), opened.json["number"], "--now", "2026-03-02T09:00")
            expect(f"the value that counts, {name}", told.code == 0 and due in told.out, (opened, told))


def check_terminal():
    with Folder() as f:
        code, seen = terminal("check", f("rules"))
        expect("colours on a terminal", code == 0 and "\x1b[" in seen, seen)
        piped = gov("check", f("rules"))
        expect("no colours in a pipe", "\x1b" not in piped.out + piped.err, piped)
        code, seen = terminal("tick", f("absent.db"))
        expect("errors are coloured on a terminal", code == 2 and "\x1b[1;31merror:" in seen, seen)
        answer = gov("check", f("rules") + "\x1b[31m")
        expect("control characters from outside do not reach the terminal", "\x1b" not in answer.out + answer.err, answer)


def check_pipes():
    lines = "\n".join(json.dumps({"expr": f"{n} + 1"}) for n in range(20000)) + "\n"
    with subprocess.Popen([GOV, "eval"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        p.stdin.write(b'{"expr": "1 + 1"}\n')
        p.stdin.flush()
        first = p.stdout.readline()
        expect("a line is answered before the next one comes", json.loads(first) == {"value": {"int": "2"}}, first)
        p.stdout.close()
        try:
            p.stdin.write(lines.encode())
            p.stdin.close()
        except BrokenPipeError:
            pass
        said = p.stderr.read()
        p.wait(60)
    expect("a reader that goes away is no error message", said == b"", said)
    expect("and ends the program", p.returncode in (0, -13), p.returncode)
    quiet = subprocess.run(["sh", "-c", 'trap "" PIPE; "$0" --help | true; "$0" help init | true', GOV],
                           stderr=subprocess.PIPE, check=False)
    expect("also where SIGPIPE is ignored", quiet.stderr == b"", quiet.stderr)
    if os.path.exists("/dev/full"):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([GOV, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
        expect("a full disk is told", done.returncode == 3 and done.stderr.count(b"\n") == 1, done)


if present():
    for check in (check_help, check_language, check_usage, check_check, check_overlay, check_stores, check_terminal, check_pipes):
        guarded(check)
finish()
