"""What the checks of the command line share: the program, stores of its own, a small rulebook."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import uuid

from checklib import BUILD, not_ok, ok, skip

GOV = os.path.join(BUILD, "bin", "gov")

RULEBOOK = """\
rulebook: hamlet
version: "1"
title: {zh: 小村, en: Hamlet}
languages: [en, zh]
time_zone: Asia/Shanghai
calendar: plain
include: [more.yaml]
values:
  answer_within: {is: 2 working days, source: "the hamlet's own promise"}
roles:
  clerk:  {title: {zh: 文员, en: Clerk}}
  mender: {title: {zh: 修理工, en: Mender}, scope: unit}
permissions:
  case.open:    [clerk]
  case.read:    [clerk, mender]
  record.read:  [clerk]
  record.write: [clerk]
  report.read:  [clerk]
  journal.read: [clerk]
sensitivity:
  contact:
    mask: phone
    see: [{role: clerk, purpose: handle_case}]
"""

MORE = """\
calendar: plain
hours: {mon-fri: ["09:00-12:00", "13:30-17:30"]}
years:
  2026: {}
  2027: {}
  2028: {}
---
workflow: request
title: {zh: 诉求, en: Request}
fields:
  category: {type: string, one_of: [lamp, noise], required: true, indexed: true}
  detail:   {type: string, max_length: 100}
  urgency:  {type: int, min: 1, max: 3, default: 2}
  phone:    {type: string, sensitive: contact}
  late:     {type: bool, default: false}
events:
  dispatch: {by: [clerk], input: {unit: {type: unit, required: true}, note: {type: string}}}
  finish:   {by: [mender], input: {answer: {type: string, required: true}}}
  refuse:   {by: [clerk]}
clocks:
  answer:
    starts: [dispatch]
    stops: [closed.done]
    again: reset
    budget: values.answer_within
    per: case
    marks: {100%: overdue}
initial: received
on:
  overdue: {do: [{set: {late: true}}]}
states:
  received:
    on:
      dispatch: {to: handling, do: [{assign: {unit: event.data.unit}}]}
      refuse: {when: case.urgency < 2, to: closed.refused}
  handling:
    on: {finish: closed.done}
  closed:
    states:
      done:    {type: final, outcome: done}
      refused: {type: final, outcome: refused}
"""


class Folder:
    """A temporary folder, with the small rulebook in it."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="govcli.")
        self.write("rules/rulebook.yaml", RULEBOOK)
        self.write("rules/more.yaml", MORE)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def __call__(self, name):
        return os.path.join(self.path, name)

    def write(self, name, text):
        path = self(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path


class Store:
    """A place for a store on each engine: a file that is not there yet, a schema of its own on PostgreSQL."""

    def __init__(self, kind, folder, name="store.db"):
        self.kind, self.schema = kind, None
        self.url = folder(name)
        if kind == "postgresql":
            self.schema = "c" + uuid.uuid4().hex[:12]
            sql(f"CREATE SCHEMA {self.schema}")
            base = os.environ["GOV_TEST_PG"]
            self.url = f"{base}{'&' if '?' in base else '?'}options=-csearch_path%3D{self.schema}"

    def close(self):
        if self.schema:
            sql(f"SET client_min_messages = error; DROP SCHEMA {self.schema} CASCADE")


def sql(text):
    return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", os.environ["GOV_TEST_PG"],
                           "-c", text], check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout.strip()


def engines():
    """The engines to run on, as the unit tests choose them."""
    found = ["sqlite"]
    if os.environ.get("GOV_TEST_PG") and shutil.which("psql"):
        found.append("postgresql")
    else:
        skip("the command line on PostgreSQL", "no GOV_TEST_PG, or no psql")
    return found


class Answer:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"status {self.code}, stdout {self.out[:600]!r}, stderr {self.err[:600]!r}"

    @property
    def json(self):
        return json.loads(self.out)


def gov(*words, stdin=None, lang="C.UTF-8", env=None, cwd=None, timeout=300):
    """Runs the program in an environment where only `lang` says a language."""
    around = {k: v for k, v in os.environ.items() if not k.startswith("LC_") and k not in ("LANG", "LANGUAGE")}
    around.update({"LC_ALL": lang, **(env or {})})
    done = subprocess.run([GOV, *words], input=stdin if stdin is not None else "", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=around, cwd=cwd, text=True, encoding="utf-8", errors="replace",
                          timeout=timeout, check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


def terminal(*words, stdin=b""):
    """What a person sees: both ends are a terminal."""
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    env.pop("NO_COLOR", None)
    child = subprocess.Popen([GOV, *words], stdin=slave, stdout=slave, stderr=slave, env=env)
    os.close(slave)
    seen = b""
    while True:
        ready, _, _ = select.select([master], [], [], 60)
        try:
            piece = os.read(master, 65536) if ready else b""
        except OSError:
            piece = b""
        if not piece:
            break
        seen += piece
    os.close(master)
    child.wait()
    return child.returncode, seen.decode("utf-8", "replace")


def commands():
    """Every command's name, groups opened, as the program's own help lists them."""
    found = []
    for name in re.findall(r"^  (\w+)", gov("--help").out, re.M):
        group = gov(name).err
        inner = re.findall(rf"^  {name} (\w+)", group, re.M)
        found += [f"{name} {word}" for word in inner] if inner else [name]
    return found


def expect(name, condition, why=""):
    if condition:
        ok(name)
    else:
        not_ok(name, " ".join(str(why).split())[:900] or "it is not so")
    return bool(condition)


def expect_answer(name, answer, code, out=None, err=None):
    """The exit status, and words (or patterns) that stand in the output and on stderr. err="": nothing there."""
    if answer.code != code:
        return expect(name, False, f"status {code} expected; {answer}")
    for what, text, pattern in (("stdout", answer.out, out), ("stderr", answer.err, err)):
        if pattern == "" and text != "":
            return expect(name, False, f"nothing expected on {what}; {answer}")
        if pattern and not re.search(pattern, text, re.M):
            return expect(name, False, f"{pattern!r} expected on {what}; {answer}")
    return expect(name, True)


def shared(path):
    """A public data file, None when it is absent."""
    root = os.environ.get("GOV_SHARED")
    full = os.path.join(root, path) if root else ""
    return full if full and os.path.exists(full) else None


def guarded(check, *args):
    """A check that stumbles over an unexpected answer has failed; the others go on."""
    try:
        return check(*args)
    except Exception as error:  # whatever it was
        return not_ok(f"{check.__name__} to its end", f"{type(error).__name__}: {' '.join(str(error).split())[:500]}")


def present():
    if os.path.exists(GOV):
        return True
    skip("the command line", "it is not built")
    return False
