"""gov import: kinds and maps, what is refused, what is told, running twice, and being killed in the middle."""

import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish
from clilib import GOV, Folder, Store, engines, expect, gov, guarded, present, terminal

EXAMPLE = os.path.join(ROOT, "examples", "community")
DATA = os.path.join(EXAMPLE, "data")


def without_root(v):
    """The tree's head hangs on random salts."""
    if isinstance(v, dict):
        return {k: without_root(x) for k, x in v.items() if k != "root"}
    return v


def state_of(url):
    """What two imports of the same data have in common: all but ids, salts and the machine's time."""
    report = gov("report", url, "--now", "replayed", "--json")
    verified = gov("verify", url, "--json")
    cases = gov("case", "list", url, "--json", "--now", "replayed").json["cases"]
    plain = [{k: v for k, v in c.items() if k not in ("id", "parent")} for c in cases]
    return without_root(report.json), verified.code, verified.json["entries"], plain


def check_usage(f):
    db = f("u.db")
    gov("init", db, "--rulebook", EXAMPLE)
    wrong = {
        "a kind that contradicts the map": (["grids", f"{DATA}/units.csv"], "units.*not grids"),
        "a list of maps for one kind": (["cases", f"{DATA}/requests.csv", "--map", f"{DATA}/import.yaml"], "list of maps"),
        "one map for all": (["all", DATA, "--map", f"{DATA}/units.map.yaml"], "units.*not all"),
        "a folder for one kind": (["units", DATA], "is a folder"),
        "a file for all": (["all", f"{DATA}/units.csv"], "is no folder"),
        "data that is not there": (["units", f("absent.csv")], "absent.csv"),
        "a map that is not there": (["units", f"{DATA}/units.csv", "--map", f("absent.yaml")], "absent.yaml"),
        "no map beside the data": (["units", f.write("alone.csv", "a\n1\n")], "alone.map.yaml"),
    }
    for name, (words, why) in wrong.items():
        answer = gov("import", db, *words)
        expect(f"import: {name}", answer.code == 2 and answer.err.count("\n") == 1 and re.search(why, answer.err), answer)
    book = f.write("book.xlsx", "PK\x03\x04 and more")
    answer = gov("import", db, "units", book, "--map", f"{DATA}/units.map.yaml")
    expect("import: a workbook is refused with the way out", answer.code == 2 and "CSV" in answer.err, answer)
    answer = gov("import", db, "units", f"{DATA}/units.csv", "--as", "S001")
    expect("import: only for those who are there", answer.code == 2, answer)


def check_targets(f):
    """No output takes the place of what something else wrote."""
    db, notes = f("t.db"), f.write("notes.html", "<p>my notes</p>\n")
    gov("init", db, "--rulebook", EXAMPLE)
    with open(db, "rb") as file:
        before = file.read(64)
    os.symlink(db, f("link.html"))
    for name in (db, db + "-wal", f("link.html"), f"{DATA}/units.csv", f"{DATA}/units.map.yaml", notes):
        for more in ((), ("--dry-run",)):
            if os.path.exists(name):
                answer = gov("import", db, "units", f"{DATA}/units.csv", "--refused", name, *more)
                expect(f"import: --refused {os.path.basename(name)} is left alone", answer.code == 2 and
                       os.path.basename(name) in answer.err and answer.err.count("\n") == 1, answer)
    for name in (db, f("link.html"), notes):
        answer = gov("report", db, "--html", name)
        expect(f"report: --html {os.path.basename(name)} is left alone", answer.code == 2 and "exists already" in answer.err, answer)
        answer = gov("diagram", EXAMPLE, "complaint", "--out", name, "--format", "svg")
        expect(f"diagram: --out {os.path.basename(name)} is left alone", answer.code == 2, answer)
        answer = gov("ledger", "export", db, "--format", "hledger", "--ledger", "1", "--output", name)
        expect(f"ledger export: --output {os.path.basename(name)} is left alone", answer.code == 2, answer)
    with open(db, "rb") as file, open(notes, encoding="utf-8") as other:
        expect("import: what was there is there", file.read(64) == before and other.read() == "<p>my notes</p>\n")
    expect("import: the store is whole", gov("verify", db).code == 0)
    other = gov("install", db, "--rulebook", os.path.join(ROOT, "examples", "quickstart"))
    expect("install: another rulebook only when asked", other.code == 2 and "--replace" in other.err and other.err.count("\n") == 1 and
           gov("install", db, "--rulebook", EXAMPLE).code == 0, other)
    asked = gov("install", db, "--rulebook", os.path.join(ROOT, "examples", "quickstart"), "--replace")
    expect("install: another rulebook when asked", asked.code == 0, asked)
    for _ in range(2):
        page, drawn = gov("report", db, "--html", f("page.html")), gov("diagram", EXAMPLE, "complaint", "--out", f("d.svg"))
        expect("report, diagram: replace their own", page.code == 0 and drawn.code == 0, (page, drawn))


def check_kinds(f):
    """One kind after the other by hand, as all does it; a dry run before changes nothing."""
    db = f("k.db")
    gov("init", db, "--rulebook", EXAMPLE)
    before = gov("journal", "read", db, "--json").out
    dry = gov("import", db, "grids", f"{DATA}/grids.geojson", "--dry-run", "--json")
    expect("import: a dry run counts", dry.code == 0 and dry.json["dry_run"] is True and dry.json["rows"] == 9, dry)
    expect("import: a dry run changes nothing", gov("journal", "read", db, "--json").out == before)
    for kind, name, rows in (("grids", "grids.geojson", 9), ("units", "units.csv", None), ("staff", "staff.csv", None),
                             ("households", "households.csv", None), ("residents", "residents.csv", None)):
        refused = f(f"{kind}.refused.csv")
        answer = gov("import", db, kind, f"{DATA}/{name}", "--refused", refused, "--json")
        expect(f"import: {kind} by itself", answer.code == 0 and answer.json["added"] > 0 and
               (rows is None or answer.json["rows"] == rows), answer)
    with open(f("residents.refused.csv"), encoding="utf-8-sig") as file:
        lines = file.read().splitlines()
    expect("import: the refused rows stand in the file", len(lines) == 3 and "1" in lines[1], lines)
    told = gov("import", db, "residents", f"{DATA}/residents.csv")
    expect("import: a second time adds nothing", told.code == 0 and re.search(r"\b0 added", told.out), told)
    zh = gov("import", db, "residents", f"{DATA}/residents.csv", "--lang", "zh")
    expect("import: says so in Chinese", zh.code == 0 and "新增 0" in zh.out, zh)


def check_whole(f, kind):
    """All of the example; again; and killed at many points and run again."""
    whole, again = Store(kind, f, "whole.db"), Store(kind, f, "killed.db")
    try:
        gov("init", whole.url, "--rulebook", EXAMPLE)
        first = gov("import", whole.url, "all", DATA, "--refused", f("refused.csv"), "--json")
        with open(os.path.join(DATA, "expected.csv"), encoding="utf-8-sig") as file:
            text = file.read()
        expect(f"import: all of the example on {kind}", first.code == 0 and first.json["refused"] == text.count(",refused") and
               first.json["flagged"] == text.count(",flagged"), first)
        wanted = state_of(whole.url)
        second = gov("import", whole.url, "all", DATA, "--json")
        expect(f"import: all again adds nothing on {kind}", second.code == 0 and second.json["added"] == 0 and
               state_of(whole.url) == wanted, second)
        gov("init", again.url, "--rulebook", EXAMPLE)
        kills, pause = 0, 0.02
        while kills < 40:
            process = subprocess.Popen([GOV, "import", again.url, "all", DATA, "--batch", "50"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            try:
                process.wait(pause)
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                pause *= 1.15
        last = gov("import", again.url, "all", DATA)
        print(f"  killed {kills} times")
        expect(f"import: killed and run again ends the same on {kind}", kills > 0 and last.code == 0 and
               state_of(again.url) == wanted, (kills, last))
    finally:
        whole.close()
        again.close()


def check_progress(f):
    db = f("p.db")
    gov("init", db, "--rulebook", EXAMPLE)
    began = time.monotonic()
    code, seen = terminal("import", db, "all", DATA, "--batch", "1")
    took = time.monotonic() - began
    expect("import: a progress bar on a terminal for work over a second", code == 0 and
           (took < 1.5 or re.search(r"\r\x1b\[Kimporting \[#*\.*\] +\d+%", seen)), (took, seen[:300]))
    expect("import: the bar is gone at the end", "importing" not in seen[seen.rfind("\x1b[K"):], seen[-300:])
    piped = gov("import", db, "all", DATA)
    expect("import: no bar in a pipe", "\r" not in piped.out + piped.err and not piped.err, piped)


if present():
    with Folder() as folder:
        guarded(check_usage, folder)
        guarded(check_targets, folder)
        guarded(check_kinds, folder)
        guarded(check_progress, folder)
        for engine in engines():
            guarded(check_whole, folder, engine)
finish()
