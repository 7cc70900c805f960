"""`gov check` finds each slip of the pen in an expression once, at its column, and says what was probably meant."""

import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import BUILD, finish, notices, report

HEAD = """rulebook: t
version: "1"
time_zone: Asia/Shanghai
roles: {clerk: {}}
values: {limit: {is: 3, source: "city directory"}}
---
record: household
fields: {rooms: {type: int}}
---
workflow: w
fields:
  n: {type: int, default: 0}
  s: {type: string}
  i: {type: string, indexed: true}
  t: {type: timestamp}
clocks: {resolution: {budget: 3 days, starts: [home], stops: [away]}}
states:
  home:
    on:
      go:
"""
TAIL = """  away: {type: final}
events: {go: {by: [clerk], input: {reason: {type: string}}}}
"""
# "@" stands before the offending part; then the code, and an argument that the message must have.
MISTAKES = [
    ("@valus.limit > case.n", "undeclared_reference", "values.limit"),
    ("@values.limt > case.n", "undeclared_reference", "values.limit"),
    ("@clocks.resolutoin.due > now", "undeclared_reference", "clocks.resolution.due"),
    ("@event.data.reson == 'x'", "undeclared_reference", "event.data.reason"),
    ("'a' in @actor.rols", "undeclared_reference", "actor.roles"),
    ("[1, 2].@exist(x, x > case.n)", "unknown_function", "exists"),
    ("@math.greatst(case.n, 2) > 1", "unknown_function", "math.greatest"),
    ("case.s.@contians('x')", "unknown_function", "contains"),
    ("case.n + @case.s == 'x'", "no_such_overload", "int"),
    ("case.n > size(@1)", "wrong_argument", "string, bytes, list or map"),
    ("count(@'residnt') > 1", "unknown_name", "resident"),
    ("count('resident', '@it.brth_date != null') > 1", "undeclared_reference", "it.birth_date"),
    ("count('household', 'it.name != null && @it.room > 3') > 1", "undeclared_reference", "it.rooms"),
    ("count('resident', '@agee(it.birth_date, now) > 60') > 1", "unknown_function", "age"),
    ("count('resident', 'it.name + @1 == now') > 1", "no_such_overload", "string"),
    ("count('resident', \\\"it.name == 'x' && @it.nam == 1\\\") > 1", "undeclared_reference", "it.name"),
    ("count('resident', r'it.name == it.key && @it.nam == 1') > 1", "undeclared_reference", "it.name"),
    ("cases(@'ww', 's', 'x').size() > 0", "unknown_name", None),
    ("cases('w', @'sx', 'x').size() > 0", "unknown_name", None),
    ("cases('w', @'s', 'x').size() > 0", "field_not_indexed", "s"),
    ("count('w', '@it.m > 3') > 0", "undeclared_reference", None),
    ("count('w', 'it.open && @it.assigne != null') > 0", "undeclared_reference", "it.assignee"),
    ("In(@'hme')", "unknown_name", "home"),
    ("add_working(now, @'3 wroking days') > now", "duration_unit_near", "working days"),
    ("add_working(now, @'3 months') > now", "invalid_argument", None),
    ("working_days(@'2026-02-30', now) > 1", "invalid_argument", None),
    ("age(@'1990', now) > 1", "invalid_argument", None),
    ("@timestamp('2026-13-01T00:00:00Z') < now", "bad_conversion", None),
    ("case.n > 0 || now + @duration('9999999h') > now", "out_of_range", None),
    ("case.s.matches(@'(')", "bad_pattern", None),
    ("now.getHours(@'Asia/Shangai') > 3", "zone_unknown", "Asia/Shanghai"),
    ("@percentile([1, 2], 200) > 1", "invalid_argument", None),
    ("case.n > 1 @/ 0", "divide_by_zero", None),
    ("math.greatest(@case.s, 1) > 1", "wrong_argument", "int, uint or double"),
    ("'%d'.format([@case.s]) == 'x'", "wrong_type", "int, uint or double"),
    ("@'%y'.format([case.n]) == 'x'", "invalid_argument", "after %"),
    ("[[case.n]].flatten().exists(x, x == @'a')", "no_such_overload", "int"),
    ("[?@case.n].size() > 0", "wrong_type", "optional"),
    ("@[{'a': case.n}].sort().size() > 0", "wrong_target", "list(map(string, int))"),
    ("[case.n].sortBy(x, @[x]).size() > 0", "wrong_type", "list(int)"),
    ("sets.contains([case.s], @[case.n])", "wrong_argument", "list(string)"),
    ("case.s == '@\\\\ud800'", "bad_literal", "surrogate"),
]

RIGHT = [
    "count('w', 'it.open && it.n > 3 && it.assignee != null') > 0",
    "count('household', 'has(it.rooms) && it.rooms > 3 && it.name.startsWith(it.key)') > 0",
    "count('resident', \\\"'disabled' in it.tags && age(it.birth_date, now) > 60\\\") > 0",
    "cases('w', 'i', case.s).size() > 0",
    "cases(case.s, case.s, case.s).size() > 0",
    "add_working(now, '90 minutes') > now && working_days('2026-03-02', now) > 1",
    "In('home') && now.getHours('Asia/Shanghai') > 3 && now.getHours('+08:00') > 3",
]


def rulebook(lines):
    rules = "".join(f"        - {{when: \"{line}\", to: away}}\n" for line in lines)
    return HEAD + rules + TAIL


def found(rules):
    with tempfile.TemporaryDirectory(prefix="govrules.") as tmp:
        path = os.path.join(tmp, "rules.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(rules)
        done = subprocess.run([os.path.join(BUILD, "bin", "gov"), "check", "--json", path], text=True, capture_output=True)
    return json.loads(done.stdout)["diagnostics"]


def wrong(mistakes):
    problems = []
    answers = [d for d in found(rulebook([line.replace("@", "") for line, _, _ in mistakes])) if d["severity"] == "error"]
    first = HEAD.count("\n") + 1
    for i, (line, code, argument) in enumerate(mistakes):
        own = [d for d in answers if d["line"] == first + i]
        column = len('        - {when: "') + 1 + line.index("@")
        if len(own) != 1:
            problems.append(f"{line}: {len(own)} mistakes, not one: {own}")
        elif (own[0]["code"], own[0]["column"]) != (code, column) or (argument or "") not in own[0]["message"]:
            problems.append(f"{line}: not {code} at {column} with {argument}: {own[0]}")
    return problems


report("what is right is left alone", [d for d in found(rulebook(RIGHT)) if d["severity"] == "error"])
report("each mistake is told once, at its place, with what was meant", wrong(MISTAKES))
LINE = "case.s == '\u2028' && case.m > 1"
AT = len('        - {when: "') + 1
report("a character that may not stand there is one column wide",
       [] if [d["column"] for d in found(rulebook([LINE]))] == [AT + LINE.index("\u2028"), AT + LINE.index("case.m")]
       else [str(found(rulebook([LINE])))])
notices("a mistake that is not found", lambda root: wrong([("@case.n > 1", "wrong_type", None)]), {"x": ""}, "0 mistakes")
finish()
