"""What a failing command leaves: an exit status that tells what was kept, one JSON document, no half files; and where a mistake is."""

import os
import re
import resource
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import finish
from clilib import GOV, Folder, expect, expect_answer, gov, guarded, present


def into(path, *words, limit=None):
    """The command with its standard output in a file, perhaps with a bound on how far files may grow."""
    def bound():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    with open(path, "wb") as out:
        return subprocess.run([GOV, *words], stdout=out, stderr=subprocess.PIPE, preexec_fn=bound, check=False)


def made(f):
    gov("init", f("x.db"), "--rulebook", f("rules"))
    return f("x.db")


def check_untold():
    """The disk of the answer is full: what was done is told apart from what was not."""
    if not os.path.exists("/dev/full"):
        return
    with Folder() as f:
        db = made(f)
        done = into("/dev/full", "case", "open", db, "request", "category=lamp")
        cases = gov("case", "list", db, "--json").json["cases"]
        expect("an act whose answer cannot be written has a status of its own, and names the case",
               done.returncode == 4 and len(cases) == 1 and cases[0]["id"].encode() in done.stderr and
               cases[0]["number"].encode() in done.stderr and done.stderr.count(b"\n") == 1, done)
        expect("what only reads has changed nothing: 3", into("/dev/full", "case", "list", db).returncode == 3)
        expect("a dry run has changed nothing: 3",
               into("/dev/full", "tick", db, "--until", "2026-03-05", "--dry-run").returncode == 3)
        expect("an act that failed has its own status",
               into("/dev/full", "case", "open", db, "request", "category=none").returncode in (1, 2))
        once = ("case", "open", db, "request", "category=lamp", "--once", "k1")
        expect("with a key the act is told again", into("/dev/full", *once).returncode == 4 and gov(*once).code == 0 and
               len(gov("case", "list", db, "--json").json["cases"]) == 2)


def check_json_errors():
    with Folder() as f:
        db = made(f)
        f.write("j.txt", "{}\n")
        f.write("short.key", "abc")
        for words in (["case", "show", db], ["case", "show", db, "1", "--untold"], ["case"], ["frobnicate"],
                      ["journal", "check", f("j.txt"), "--key", f("short.key")], ["journal", "check", f("absent"), "--key", f("absent")],
                      ["journal", "export", db, f("j.out"), "--key", f("short.key")], ["tick", db, "--max", "x"],
                      ["ledger", "balance", db, "x"], ["ledger", "balance", db, "7"], ["ledger", "lots", db, "7"],
                      ["ledger", "statement", db, "7"], ["case", "open", db, "request", "a:={"], ["run", db, "no.such"],
                      ["verify", db, "more"], ["about", db, "--lang", "fr"]):
            answer = gov(*words, "--json")
            told = answer.json if answer.out.count("\n") == 1 else None
            expect(f"--json of a failure is one document: {' '.join(os.path.basename(w) for w in words)}", answer.code == 2 and
                   told and told["error"]["status"] > 0 and told["error"]["diagnostics"][0]["message"] in answer.err, answer)
        key = gov("journal", "key", f("k.key"), "--json")
        expect("journal key --json names both files", key.code == 0 and key.json == {"key": f("k.key"), "public": f("k.key.pub")}, key)


def check_utc():
    with Folder() as f:
        db = made(f)
        opened = gov("case", "open", db, "request", "category=lamp", "--now", "2026-03-02T09:00", "--json").json
        gov("case", "send", db, opened["number"], "dispatch", "unit=U1", "--now", "2026-03-02T09:00")
        gov("record", "put", db, "unit", "U1", "name=x")
        gov("case", "send", db, opened["number"], "dispatch", "unit=U1", "--now", "2026-03-02T09:00")
        dry = gov("tick", db, "--until", "2026-03-10", "--dry-run", "--json")
        expect("a dry run is one document", dry.code == 0 and dry.json["fired"] == 1 and len(dry.json["entries"]) >= 1, dry)
        empty = gov("tick", db, "--until", "2026-03-03", "--dry-run", "--json")
        expect("so is one in which nothing happens", empty.json["fired"] == 0 and empty.json["entries"] == [] and
               empty.json["next"].startswith("2026-03-04T09:30:00"), empty)
        bad = []
        for words in (["about"], ["case", "list"], ["case", "show", "1"], ["case", "explain", "1"], ["case", "history", "1"], ["report"],
                      ["verify"], ["journal", "read"], ["migrate", "--dry-run"], ["tick", "--until", "2026-03-03"], ["record", "list", "unit"]):
            where = 2 if words[0] in ("case", "journal", "record") else 1
            answer = gov(*words[:where], db, *[opened["number"] if w == "1" else w for w in words[where:]], "--json",
                         *([] if "--until" in words else ["--now", "2026-03-03"]))
            if answer.code or re.search(r'T[\d:.]+[+-]\d\d:\d\d"', answer.out):
                bad.append((words, answer))
        expect("every instant of --json is in UTC", not bad, bad)


def check_files():
    with Folder() as f:
        db = made(f)
        small = into(f("out"), "schema", "--out", f("sc.json"), limit=10 * 1024)
        expect("a file that may not grow is the machine's failure", small.returncode == 3 and not os.path.exists(f("sc.json")) and
               small.stderr.count(b"\n") == 1, small)
        small = into(f("out"), "backup", db, f("b.db"), limit=64 * 1024)
        expect("a backup that finds no space names the copy, and leaves nothing", small.returncode == 3 and
               f("b.db").encode() in small.stderr and not [n for n in os.listdir(f("")) if n.startswith("b.db")], small)
        f.write("empty.db", "")
        expect_answer("upgrade makes no store of an empty file", gov("upgrade", f("empty.db")), 3, "", "not a store")
        expect("and leaves it as it was", os.path.getsize(f("empty.db")) == 0)


def check_killed_backup():
    """Killed in the middle, a backup leaves nothing under its final name, and can be made again."""
    with Folder() as f:
        db = made(f)
        with subprocess.Popen([GOV, "backup", db, f("b.db")], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as p:
            while p.poll() is None:
                names = [n for n in os.listdir(f("")) if n.startswith("b.db")]
                if names:
                    p.send_signal(signal.SIGKILL)
                    break
        whole = os.path.exists(f("b.db"))
        if whole:
            expect_answer("a backup that was killed after its end is whole", gov("verify", f("b.db")), 0, None)
        else:
            expect_answer("a killed backup can be made again", gov("backup", db, f("b.db")), 0, "b.db", "")
        expect_answer("and verifies", gov("verify", f("b.db")), 0, "entries", None)


def check_places():
    """Mistakes are told with paths from where one stands, so that an editor finds the file."""
    with Folder() as f:
        text = open(f("rules/more.yaml"), encoding="utf-8").read()
        f.write("rules/more.yaml", text.replace("to: handling,", "to: handlign,"))
        for words in (["check", f("rules")], ["check", f("rules/")], ["init", f("y.db"), "--rulebook", f("rules")]):
            answer = gov(*words)
            line = (answer.out + answer.err).splitlines()[0]
            expect(f"{words[0]}: a path that can be opened", os.path.isfile(line.split(":")[0]) and "//" not in line, line)
        told = gov("check", f("rules"), "--json").json["diagnostics"][0]
        expect("--json tells the file as the rules name it, and its path", told["file"] == "more.yaml" and
               os.path.samefile(told["path"], f("rules/more.yaml")), told)


def check_words():
    for words, why in ((["case", "show"], "DB is missing"), (["case", "show", "x.db"], "CASE is missing"),
                       (["import", "x.db", "all"], "FILE is missing"), (["record", "get", "x.db", "unit"], "KEY is missing"),
                       (["export", "x.db"], "--format FORMAT is missing"),
                       (["case", "list", "x.db", "category=lamp"], "did you mean --where 'category=lamp'"),
                       (["eval", "--now", "x"], "--now takes an instant")):
        expect_answer(f"what is missing: {' '.join(words)}", gov(*words), 2, "", re.escape(why))
    expect_answer("a group with an option only", gov("case", "--lang", "en"), 2, "", "usage: gov case COMMAND")
    expect_answer("a group's help in a language", gov("case", "--lang", "zh", "--help"), 0, "用法：gov case", "")


def check_messages():
    """What a message says has to help whoever reads it."""
    with Folder() as f:
        f.write("rules/more.yaml", open(f("rules/more.yaml"), encoding="utf-8").read().replace(
            "default: 2}", "default: 2, indexed: true}").replace("sensitive: contact}", "sensitive: contact, indexed: true}").replace(
            "  late: ", "  share:    {type: double}\n  late: "))
        db = made(f)
        opened = ("case", "open", db, "request", "category=lamp")
        expect_answer("a masked field as filter", gov("case", "list", db, "--where", "phone=1"), 1, "", 'host sees "phone" masked')
        expect_answer("a number that is none as filter", gov("case", "list", db, "--where", "urgency=abc"), 2, "", '"urgency" must be int, not abc')
        expect_answer("a number as filter", gov("case", "list", db, "--where", "urgency=2"), 0, None, "")
        expect_answer("a text where a number belongs", gov(*opened, "urgency=1"), 2, "", r"must be int, not string; .*NAME:=JSON.*urgency:=")
        expect_answer("a cursor that is none", gov("case", "list", db, "--after", "x"), 2, "", "cursor .*an earlier page")
        f.write("nan/rulebook.yaml", 'rulebook: r\nversion: "1"\ntime_zone: Asia/Shanghai\ntitle: R\n---\nworkflow: w\n'
                "fields: {n: {type: double, default: .nan}}\nstates: {a: {type: final}}\n")
        expect_answer("a number that is no double", gov("check", f("nan")), 1, '"n" must be double, not NaN', "")
        f.write("noise.yaml", "")
        with open(f("noise.yaml"), "wb") as out:
            out.write(bytes(range(128, 256)) * 20)
        noise = gov("check", f("noise.yaml"))
        expect("bytes that are no text are told once", noise.code == 1 and noise.out.count("UTF-8") == 1 and noise.out.count("\n") <= 3, noise)
        sim = gov("simulate", f("rules"), "--workflow", "request", stdin='{"event":"dispatch","data":{"unit":"lamps"}}\n')
        expect("a plain object as data is told how to be written", '"unit\\" is no tag; a map is written' in sim.out, sim)
        f.write("rules/scenarios/a.yaml", "scenario: broken\nsteps:\n  - open: {workflow: requst, id: x}\n")
        broken = gov("check", f("rules"))
        expect("a broken scenario is a mistake of the folder", broken.code == 1 and re.search(r"a\.yaml:3:\d+: error", broken.out), broken)
        f.write("rules/scenarios/a.yaml", "scenario: fine\nsteps:\n  - open: {workflow: request, id: x, fields: {category: lamp}}\n")
        expect_answer("a sound one is none", gov("check", f("rules")), 0, "sound", "")


if present():
    for check in (check_messages, check_untold, check_json_errors, check_utc, check_files, check_killed_backup, check_places, check_words):
        guarded(check)
finish()
