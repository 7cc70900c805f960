"""Stores that fail, through the command line: each gives status 3 and one clear line, and nothing is changed."""

import os
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish, skip
from clilib import GOV, Answer, Folder, expect, gov, guarded, present


def told(name, answer, *words):
    """Status 3, one line on stderr, nothing on stdout, and these words in the line."""
    return expect(name, answer.code == 3 and answer.out == "" and answer.err.count("\n") == 1 and
                  answer.err.startswith("gov: error: ") and all(word in answer.err for word in words), answer)


def fresh(f, name):
    path = f(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    made = gov("init", path, "--rulebook", f("rules"))
    if made.code != 0:
        raise RuntimeError(made)
    return path


def contents(path):
    """What a reader sees of a store: its journal and its records."""
    return [gov("journal", "read", path, "--json").out, gov("record", "list", path, "unit", "--json").out]


def check_locked(f):
    path = fresh(f, "locked.db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = gov("record", "put", path, "unit", "U1", "name=x")
    told("a store that another process has locked", answer, "lock")
    zh = gov("record", "put", path, "unit", "U1", "name=x", "--lang", "zh")
    expect("and in Chinese", zh.code == 3 and zh.err.count("\n") == 1 and any("\u4e00" <= ch for ch in zh.err), zh)
    other.execute("ROLLBACK")
    other.close()
    expect("and works again after it", gov("record", "put", path, "unit", "U1", "name=x").code == 0)


def check_newer(f):
    path = fresh(f, "newer.db")
    with sqlite3.connect(path) as other:
        version = other.execute("PRAGMA user_version").fetchone()[0]
        other.execute(f"PRAGMA user_version = {version + 1}")
        tables = [row[0] for row in other.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = [row[1] for row in other.execute(f"PRAGMA table_info({table})")]
            if "version" in columns and ("schema" in table or "meta" in table or "migration" in table):
                other.execute(f"UPDATE {table} SET version = version + 1")
    other.close()
    for words in (["verify"], ["tick"], ["upgrade"], ["record", "put"]):
        more = ["unit", "U1", "name=x"] if words == ["record", "put"] else []
        told(f"{' '.join(words)} of a store of a newer version", gov(*words, path, *more), "newer")


def check_damaged(f):
    path = fresh(f, "whole.db")
    with open(path, "rb") as file:
        data = file.read()
    for name, bad in (("cut short", data[:len(data) // 2 + 100]), ("without its head", b"\0" * 100 + data[100:]),
                      ("with a page of noise", data[:4096] + bytes(range(256)) * 16 + data[8192:])):
        f.write("bad.db", "")
        with open(f("bad.db"), "wb") as file:
            file.write(bad)
        answer = gov("verify", f("bad.db"))
        expect(f"verify of a store {name}", answer.code in (1, 3) and answer.out == "" and answer.err.count("\n") == 1, answer)
    f.write("empty.db", "")
    answer = gov("verify", f("empty.db"))
    expect("verify of an empty file", answer.code in (2, 3) and answer.err.count("\n") == 1, answer)


def check_damaged_rows(f):
    """A document of the store that cannot be read means a damaged store, wherever it is met; a list that has begun ends as one document."""
    community = os.path.join(ROOT, "examples", "community")
    path = f("rows.db")
    gov("init", path, "--rulebook", community)
    gov("import", path, "grids", os.path.join(community, "data", "grids.geojson"))
    gov("import", path, "households", os.path.join(community, "data", "households.csv"))
    whole = gov("record", "list", path, "household", "--json")
    keys = [row["key"] for row in whole.json["records"]]
    expect("there are enough rows for two pages", len(keys) > 200, whole)
    for at, rows in ((keys[0], 0), (keys[-1], 200)):
        db = sqlite3.connect(path)
        db.execute("UPDATE gov_record SET doc = '{' || doc WHERE record_key = ? AND kind = 'household'", (at,))
        db.commit()
        answer = gov("record", "list", path, "household", "--json")
        expect(f"a list with a damaged row behind {rows} sound ones is one document and a damaged store", answer.code == 3 and
               path in answer.err and answer.json["error"]["diagnostics"][0]["code"] == "store_corrupt" and
               len(answer.json.get("records", [])) == rows and "next" not in answer.json, answer)
        db.execute("UPDATE gov_record SET doc = substr(doc, 2) WHERE record_key = ? AND kind = 'household'", (at,))
        db.commit()
        db.close()
    expect("and sound again", gov("record", "list", path, "household", "--json").out == whole.out)
    gov("case", "open", path, "complaint", "category=noise", "description=x", "--number", "1", "--source", "s")
    db = sqlite3.connect(path)
    db.execute("UPDATE gov_case SET doc = '{'")
    db.commit()
    db.close()
    for words in (("list",), ("show", "1"), ("explain", "1")):
        answer = gov("case", words[0], path, *words[1:], *(("--source", "s") if words[1:] else ()))
        expect(f"case {words[0]} with a damaged case", answer.code == 3 and path in answer.err and answer.err.count("\n") == 1, answer)


def check_damaged_index(f):
    """A case that was opened and is not found any more is no case that never was."""
    path = f("index.db")
    gov("init", path, "--rulebook", os.path.join(ROOT, "examples", "community"))
    ids = [gov("case", "open", path, "complaint", "category=noise", "description=x", "--json").json["id"] for _ in range(3)]
    number = gov("case", "show", path, ids[1], "--json").json["number"]
    none = number[:-1] + "9"
    expect("a number that was never given", gov("case", "show", path, none).code == 2)
    expect("an id that was never given", gov("case", "show", path, "1234567890123456789").code == 2)
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    with open(path, "rb") as file:
        whole = file.read()
    for page in range(0, len(whole), size):
        at = whole.find(number.encode(), page, page + size)
        if whole[page] == 0x0A and at >= 0:  # a leaf of an index: the number's own, or that of all numbers
            bad = bytearray(whole)
            bad[at + len(number) - 1] = ord("z")
            with open(path, "wb") as file:
                file.write(bad)
            answer = gov("case", "show", path, number)
            told(f"a number whose index is damaged at {at}", answer, path)
            break
    else:
        expect("there is an index of numbers", False)
    with open(path, "wb") as file:
        file.write(whole)
    db = sqlite3.connect(path)
    db.execute("DELETE FROM gov_case WHERE id = ?", (int(ids[1]),))
    db.commit()
    db.close()
    for word in (number, ids[1]):
        told(f"case {word}, whose row is gone", gov("case", "show", path, word), path)


def check_endless(f):
    answer = gov("journal", "check", "/dev/zero", timeout=60)
    expect("journal check refuses a line without an end", answer.code == 2 and "67108864" in answer.err, answer)


def somebody(f):
    """Words before a command by which modes concern whoever runs it; None when that cannot be had."""
    own = []
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            return None
        own = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        os.chmod(f.path, 0o755)
    tried = subprocess.run([*own, GOV, "--version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return own if tried.returncode == 0 else None


def by(own, *words):
    done = subprocess.run([*own, GOV, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


def check_readonly(f):
    """A file and a folder that may only be read: reading goes on, writing is refused with one line."""
    path = fresh(f, "ro/readonly.db")
    before = contents(path)
    own = somebody(f)
    if own is None:
        skip("a store that cannot be written", "there is no other user to run the program")
        return
    os.chmod(path, 0o444)
    for name, mode in (("file", 0o755), ("folder", 0o555)):
        os.chmod(f("ro"), mode)
        told(f"a {name} that cannot be written", by(own, "record", "put", path, "unit", "U1", "name=x"), "cannot be written")
        for words in (["journal", "read", path, "--json"], ["record", "list", path, "unit", "--json"], ["verify", path],
                      ["report", path], ["about", path], ["case", "list", path]):
            answer = by(own, *words)
            expect(f"{' '.join(words[:-2] if '--json' in words else words[:1])} in a {name} that may only be read",
                   answer.code == 0 and answer.err == "", answer)
    os.chmod(f("ro"), 0o755)
    os.chmod(path, 0o644)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA wal_autocheckpoint = 0")
    other.execute("UPDATE gov_community SET name = name")
    f.write("ro/left.db", "")
    for end in ("", "-wal"):
        shutil.copyfile(path + end, f("ro/left.db" + end))
    other.close()
    os.chmod(f("ro"), 0o555)
    told("changes that lie beside a file in a folder that may only be read", by(own, "verify", f("ro/left.db")), "-wal", "copy")
    os.chmod(f("ro"), 0o755)
    expect("nothing was changed in it", contents(path) == before)


def check_parts(f):
    """Parts that were taken out of a store behind its back."""
    for name, change, word in (("a table", "DROP TABLE gov_case", "gov_case"),
                               ("an index", "DROP INDEX gov_case_by_parent", "gov_case_by_parent"),
                               ("a column", "ALTER TABLE gov_case_clock DROP COLUMN account", "gov_case_clock.account"),
                               ("the time zone", "UPDATE gov_rules SET tzif = x'00'", "rules"),
                               ("the rules' trees", "UPDATE gov_rules SET trees = CAST('x' AS BLOB)", "rulebook"),
                               ("the rules", "UPDATE gov_rules SET bundle = CAST('x' AS BLOB)", "rulebook")):
        path = fresh(f, "parts.db")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute(change)
        other.close()
        told(f"verify of a store that lost {name}", gov("verify", path), word, "damaged")
        if name == "a table":
            told(f"case list of a store that lost {name}", gov("case", "list", path), word, "damaged")
        os.remove(path)


def check_full(f):
    """As full as a limit on the size of files can make it: every write past it fails."""
    path = fresh(f, "full.db")
    before = contents(path)
    size = os.path.getsize(path)
    f.write("big.json", '{"name": "' + "x" * 3000000 + '"}')
    limit = (size + 65536) // 1024
    done = subprocess.run(["bash", "-c", f'ulimit -f {limit}; exec "$0" record put "$1" unit U1 --fields "@$2"', GOV,
                           path, f("big.json")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)
    told("a disk that is full", Answer(done.returncode, done.stdout, done.stderr), "no space left")
    expect("nothing was changed by it", contents(path) == before)


def check_community(f):
    path = fresh(f, "one.db")
    answer = gov("about", path, "--community", "nobody")
    expect("a community that is not there", answer.code == 2 and "nobody" in answer.err and answer.err.count("\n") == 1, answer)
    answer = gov("about", "postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=2")
    expect("a server that does not answer", answer.code == 3 and answer.err.count("\n") == 1, answer)


if present():
    with Folder() as folder:
        for check in (check_locked, check_newer, check_damaged, check_damaged_rows, check_damaged_index, check_endless, check_readonly, check_parts, check_full,
                      check_community):
            guarded(check, folder)
finish()
