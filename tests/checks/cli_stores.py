"""Stores that fail, through the command line: each gives status 3 and one clear line, and nothing is changed."""

import os
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import finish, skip
from clilib import GOV, Folder, expect, gov, guarded, present


def told(name, answer, *words):
    """Status 3, one line on stderr, nothing on stdout, and these words in the line."""
    return expect(name, answer.code == 3 and answer.out == "" and answer.err.count("\n") == 1 and
                  answer.err.startswith("gov: error: ") and all(word in answer.err for word in words), answer)


def fresh(f, name):
    path = f(name)
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


def check_readonly(f):
    path = fresh(f, "readonly.db")
    before = contents(path)
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            skip("a store that cannot be written", "root may write all")
            return
        own = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        os.chmod(f.path, 0o755)
    else:
        own = []
    os.chmod(path, 0o444)
    done = subprocess.run([*own, GOV, "record", "put", path, "unit", "U1", "name=x"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)
    if "cannot open shared object" in done.stderr or "Permission denied" in done.stderr and "gov: error" not in done.stderr:
        skip("a store that cannot be written", "the other user cannot run the program")
        return
    expect("a store that cannot be written", done.returncode == 3 and done.stderr.count("\n") == 1, done)
    os.chmod(path, 0o644)
    expect("nothing was changed in it", contents(path) == before)


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
    expect("a disk that is full", done.returncode == 3 and done.stderr.count("\n") == 1, done)
    expect("nothing was changed by it", contents(path) == before)


def check_community(f):
    path = fresh(f, "one.db")
    answer = gov("about", path, "--community", "nobody")
    expect("a community that is not there", answer.code == 2 and "nobody" in answer.err and answer.err.count("\n") == 1, answer)
    answer = gov("about", "postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=2")
    expect("a server that does not answer", answer.code == 3 and answer.err.count("\n") == 1, answer)


if present():
    with Folder() as folder:
        for check in (check_locked, check_newer, check_damaged, check_readonly, check_full, check_community):
            guarded(check, folder)
finish()
