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


# ---- YAML that says something else than was meant ----

FRAME = """rulebook: t
version: "1"
time_zone: Asia/Shanghai
roles: {clerk: {}}
---
workflow: w
events: {go: {by: [clerk]}}
fields: {anonymous: {type: bool, default: false}, n: {type: int, default: 0}, s: {type: string, default: x}}
"""
END = "  b: {type: final}\n"
FLOW = "states:\n  a: {on: {go: {when: %s, to: b}}}\n" + END
BLOCK = "states:\n  a:\n    on:\n      go:\n        when: %s\n        to: b\n" + END
TITLE = "title: %s\nstates: {a: {on: {go: b}}, b: {type: final}}\n"
# Where `%s` stands, what is written there with "^" before the place that is told, the code, and what the author then writes: None for
# what the message itself shows in quotes.
QUOTING = [
    (FLOW, "^!case.anonymous", "yaml_quote", None),
    (FLOW, "^!(case.n in [1, 2])", "yaml_quote", None),
    (FLOW.replace("when: %s, to: b", "to: b, when: %s"), "^!case.anonymous", "yaml_quote", None),
    (BLOCK, "^!case.anonymous && case.n > 1", "yaml_quote", None),
    (BLOCK, "^case.n > 1 ? true : false", "yaml_quote", None),
    (FLOW, "^case.n > 1 ? true : false", "yaml_quote", None),
    (BLOCK, "^case.s == 'a # b'", "yaml_quote", None),
    (BLOCK, "^[1, 2].exists(x, x == case.n)", "yaml_quote", None),
    (FLOW, "^[1, 2].exists(x, x == case.n)", "yaml_quote", None),
    (FLOW, "^case.n in [1, 2]", "yaml_quote", None),
    (BLOCK, "^{'a': 1}['a'] == case.n", "yaml_quote", None),
    (BLOCK, '^"x" == case.s', "yaml_quote", None),
    (TITLE, "^Notice: closed today", "yaml_text", None),
    (TITLE, "^@home", "yaml_text", None),
    (TITLE, "^%home", "yaml_text", None),
    (TITLE, "^`code` of it", "yaml_text", None),
    (TITLE, "^**new** rules", "yaml_text", None),
    (TITLE, "^& co", "yaml_text", None),
    (TITLE, "^&co", "yaml_text", None),
    (TITLE, '^"one" two', "yaml_text", None),
    (TITLE, "^*important", "yaml_alias_unknown", "'*important'"),
    (TITLE, '^"open', "yaml_unclosed", '"open"'),
    (BLOCK, "case.n > 1\n^\tx: 1", "yaml_tab", "case.n > 1"),
    (FLOW, "case.n > 1^，to: b", "yaml_wide", "case.n > 1"),
    (TITLE.replace("title: %s", "%s"), "title^： x", "yaml_wide", "title: x"),
    (TITLE.replace("title: %s", "%s"), "^title:x", "yaml_no_colon", "title: x"),
    (FLOW, "case.s == ^“x”", "expr_word", "case.s == 'x'"),
    (FLOW, '^"case.s == "noise""', "yaml_quote", None),
    (BLOCK, '^"case.s == "noise""', "yaml_quote", None),
    (FLOW, "^'case.s == 'noise''", "yaml_quote", None),
    (BLOCK, "^'case.s == 'noise''", "yaml_quote", None),
    (FLOW, '^"case.s in ["a", "b"]"', "yaml_quote", None),
    (FLOW, '^"case.s == string("a, b")"', "yaml_quote", None),
    (FLOW, '^case.s == "a #b"', "yaml_quote", None),
    (FLOW, "^case.s == 'a #b' && case.n > 1", "yaml_quote", None),
    (FLOW, "^sets.contains([1, 2], [case.n, 3])", "yaml_quote", None),
    (FLOW, "^['a', 'b', case.s].exists(x, x == 'a') || [1, [2, 3].size(), 4].size() > 1", "yaml_quote", None),
    (FLOW, "^if(case.n > 1, true, false)", "expr_word", "'case.n > 1 ? true : false'"),
    (FLOW, '"^if (case.n > 1) true"', "expr_word", "'case.n > 1 ? true : false'"),
    (BLOCK, "case.n ^＜ 3", "expr_word", "case.n < 3"),
    (BLOCK, "has^（case.n）", "expr_word", "has(case.n)"),
    (BLOCK, "case.n >^\u3000３", "yaml_blank", "case.n > 3"),
    (BLOCK, "case.n > ^３", "expr_word", "case.n > 3"),
    (BLOCK, "case.n ^≥ 3", "expr_word", "case.n >= 3"),
    (FLOW.replace("to: b", "to: %s").replace("when: %s, ", ""), "^【b】", "yaml_wide", "b"),
    (FLOW.replace("to: b", "to: %s").replace("when: %s, ", ""), "b^，", "yaml_wide", "b"),
    (FLOW.replace("to: b", "after: %s").replace("on: {go: {when: %s, ", "after: {delay: ").replace("after: %s}}}", "%s, to: b}}"),
     "^１ day", "yaml_wide", "1 day"),
    ("states:\n  a:\n    on:\n      error: {}\n%s: b\n    exit: [{log: x}]\n" + END, "^\u3000\u3000\u3000go", "yaml_blank", "      go"),
    ("states:\n  a:\n    on:\n%s: b\n      \"*\": {}\n" + END, "^\u00a0     go", "yaml_blank", "      go"),
    ("states:\n  a:\n    on:\n      go:%s\n      \"*\": {}\n" + END, "^\u3000b", "yaml_blank", " b"),
    (FLOW.replace("to: b", "to: %s").replace("when: %s, ", ""), "^“b”", "yaml_wide", '"b"'),
    (FLOW.replace("to: b", "to: %s").replace("when: %s, ", ""), "^［b］", "yaml_wide", "[b]"),
    (FLOW.replace("go: {when: %s, to: b}", "%s"), "^*: b", "yaml_text", "'*': b"),
    (FLOW.replace("{on: {go: {when: %s, to: b}}}", "%s"), "^｛on: {go: b}}", "yaml_wide", "{on: {go: b}}"),
    (TITLE.replace("%s", "x\n%s"), "entry: ^- log: x", "yaml_list_line", "entry: [{log: x}]"),
]


def spot(text):
    before = text[:text.index("^")]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def misquoted(cases):
    problems = []
    for frame, marked, code, instead in cases:
        line, column = spot(FRAME + frame.replace("%s", marked, 1))
        told = [d for d in found(FRAME + frame.replace("%s", marked.replace("^", ""), 1)) if d["severity"] == "error"]
        if [(d["code"], d["line"], d["column"]) for d in told] != [(code, line, column)]:
            problems.append(f"{marked}: not {code} at {line}:{column}: {told}")
            continue
        shown = instead if instead is not None else told[0]["message"].split("quotes: ", 1)[-1]
        left = [d for d in found(FRAME + frame.replace("%s", shown, 1)) if d["severity"] == "error" or "never" in d["code"]]
        problems += [f"{marked}: {shown} does not load: {left}"] if left else []
    return problems


# ---- slips of an author ----

RULES = """rulebook: t
version: "1"
time_zone: Asia/Shanghai
calendar: cn
roles: {clerk: {title: Clerk}, handler: {scope: assignee}}
values:
  sign_within: {is: 2 working hours, source: city}
  most: {is: 3, source: city}
---
calendar: cn
hours: {mon-fri: ["09:00-12:00", "13:30-17:30"]}
years:
  2026: {off: [2026-01-01..2026-01-03], work: [2026-01-04]}
  2027: {}
---
workflow: complaint
fields:
  n: {type: int, default: 0}
  note: {type: string, default: ""}
  urgency: {type: int, min: 1, max: 4, default: 3}
events:
  dispatch: {by: [clerk], input: {reason: {type: string, required: true}}}
  finish: {by: [handler]}
clocks:
  due:
    starts: [dispatch]
    stops: [closed]
    budget: 5 working days
    marks: {80%: remind}
on: {remind: {do: [{log: hurry}]}}
states:
  received:
    on: {dispatch: {to: handling, do: [{set: {note: event.data.reason}}]}}
    after: {delay: values.sign_within, do: [{log: late}]}
  handling:
    on:
      finish:
        when: case.n < values.most
        to: closed
  closed: {type: final, outcome: done, entry: [{notify: {to: case.unit, template: "hello"}}]}
---
schedule: weekly
every: week
do: [{open: {workflow: complaint, fields: {n: "1"}}}]
---
template: hello
text: {zh: 你好, en: hello}
"""
# What is replaced, by what ("^" before the place that is told), the one code that is told, and what its message must have.
SLIPS = [
    ("events:\n  d", "^event:\n  d", "unknown_key", "events"),
    ("after: {delay", "^aftr: {delay", "unknown_key", "after"),
    ("to: closed\n", "to: ^close\n", "unknown_name", "closed"),
    ("to: closed\n", "to: ^Closed\n", "unknown_name", "closed"),
    ("{to: handling", "{^target: handling", "unknown_key", '"to"'),
    ("when: case.n", "^guard: case.n", "unknown_key", '"when"'),
    ("{remind: {do: [{log: hurry}]}}", "{remind: [{^log: hurry}]}", "unknown_key", '"do"'),
    ("by: [handler]", "by: [^handlr]", "unknown_name", "handler"),
    ("by: [handler]", "by: [^承办人]", "invalid_name", "承办人"),
    ("5 working days", "^5 workdays", "duration_unit_near", "working days"),
    ("5 working days", "^5 wroking days", "duration_unit_near", "working days"),
    ("5 working days", "^5个工作日", "bad_duration", "5 working days"),
    ("5 working days", "^five working days", "bad_duration", "5 working days"),
    ("5 working days", "^5", "bad_duration", "5 working days"),
    ("values.sign_within", "^values.sign_witin", "unknown_name", "sign_within"),
    ("{delay: values.sign_within, do: [{log: late}]}", "^2 hours", "wrong_kind", "{delay: ..., to: ...}"),
    ("        when: case.n < values.most\n        to", "       when: case.n < values.most\n        ^to", "yaml_indent", None),
    ("    stops: [closed]", "      ^stops: [closed]", "yaml_indent", None),
    ("    starts: [dispatch]\n", "    starts: [dispatch]\n    ^starts: [finish]\n", "yaml_duplicate_key", "line 26"),
    ("case.n < values.most", "\"case.n < values.most && ^case.nte == 'x'\"", "undeclared_reference", "case.note"),
    ("case.n < values.most", ">-\n          case.n < values.most &&\n          ^case.not == 'x'", "undeclared_reference", "case.note"),
    ("case.n < values.most", "|\n          case.n < values.most &&\n          case.note ^= 'x'", "expr_word", "=="),
    ("case.n < values.most", "case.n ^= 3", "expr_word", "=="),
    ("case.n < values.most", "case.n < 3 ^and case.n > 1", "expr_word", "&&"),
    ("case.n < values.most", "case.n <^> 3", "expr_word", "!="),
    ("case.n < values.most", "case.n == ^'3'", "no_such_overload", "int"),
    ("case.n < values.most", "In(^'handlin')", "unknown_name", "handling"),
    ("calendar: cn\nroles", "calendar: ^china\nroles", "unknown_name", "china"),
    ("2026-01-01..2026-01-03", "^2026/01/01", "bad_dates", "2026-10-01"),
    ('"09:00-12:00"', '^"9:00-12:00"', "bad_span", "09:00-12:00"),
    ('"09:00-12:00"', '^"09:00–12:00"', "bad_span", "09:00-12:00"),
    ("mon-fri", "^monday-friday", "bad_weekdays", "mon-fri"),
    ("case.n < values.most", "^not case.n > 3", "expr_word", '"!"'),
    ("case.n < values.most", "case.n > 3 && (^not (case.n > 5))", "unknown_function", None),
    ("case.n < values.most", "case.note.^length > 3", "expr_word", '"size()"'),
    ('template: "hello"', '^tmpl: "hello"', "unknown_key", '"template"'),
    ('["09:00-12:00", "13:30-17:30"]', "^[]", "empty", "hours"),
    ("2027: {}", "2027: {}\n  ^27: {}", "bad_year", "four"),
    ("mon-fri", "^Mon-Fri", "bad_weekdays", "mon-fri"),
    ('"09:00-12:00"', '"09^：00-12：00"', "yaml_wide", ":"),
    ("      finish:\n        when", "      ^finsh:\n        when", "event_never_comes", "finish"),
    ("{80%: remind}", "{80%: remind, ^80%: late}", "yaml_duplicate_key", "80%"),
    ("{dispatch: {to: handling, do: [{set: {note: event.data.reason}}]}}",
     "[{^evnt: dispatch, to: handling, do: [{set: {note: event.data.reason}}]}]", "unknown_key", '"event"'),
    ("{dispatch: {to: handling, do: [{set: {note: event.data.reason}}]}}", "[{^dispatch: handling}]", "unknown_key", '"event: dispatch"'),
    ("by: [handler]", "by: [handler^，clerk]", "yaml_wide", ","),
    ("stops: [closed]", "stops: [^close]", "trigger_unknown", "closed"),
    ("80%: remind", "^0.8: remind", "bad_mark", "80%"),
    ("on: {remind:", "on: {^remnd:", "event_never_comes", "remind"),
    ("type: int, min", "type: ^integer, min", "unknown_word", '"int"'),
    ('{type: string, default: ""}', "{type: ^text}", "unknown_word", '"string"'),
    ("max: 4, default: 3", "max: 4, default: ^5", "above_max", "4"),
    ("required: true", "required: ^yes", "wrong_kind", "true or false"),
    ("{reason: {type: string, required: true}}", "^[reason]", "wrong_kind", "map"),
    ("{note: event.data", "{^nte: event.data", "unknown_name", "note"),
    ("{log: late}", "{^notfy: {to: case.unit, template: hello}}", "unknown_name", "notify"),
    ("{log: late}", "{notify: {to: case.unit, template: ^helo}}", "unknown_name", "hello"),
    ("do: [{log: late}]", "do: ^{log: late}", "wrong_kind", "list"),
    ("[{log: late}]", "[^{log: late, raise: remind}]", "one_key", None),
    ("{log: late}", "^{raise: remindd}", "raise_not_taken", "remind"),
    ("{type: final", "{type: ^finall", "unknown_word", '"final"'),
    ("every: week", "every: ^weekly", "bad_rhythm", "week"),
    ("complaint, fields", "^complain, fields", "unknown_name", "complaint"),
    ("template: hello", "^templat: hello", "unknown_definition", "template"),
    ("---\ntemplate: hello\ntext", "^template: hello\ntitle", "separator_missing", "---"),
    ("Asia/Shanghai", "^Asia/Beijing", "zone_unknown", "Asia/Shanghai"),
    ("{zh: 你好", "{^cn: 你好", "language_unknown", "zh"),
    ("calendar: cn\nroles", "include: ^workflows\ncalendar: cn\nroles", "include_empty", "workflows/*.yaml"),
    ("calendar: cn\nroles", "include: ^\"a|b/*.yaml\"\ncalendar: cn\nroles", "include_pattern", "list"),
    ("roles: {clerk", "permissions: {^case.opne: [clerk]}\nroles: {clerk", "unknown_key", "case.open"),
    ("{delay: values.sign_within, do", "{^dely: values.sign_within, do", "unknown_key", "delay"),
    ("do: [{log: late}]", "do: [{if: case.n > 1, ^do: [{log: late}]}]", "unknown_key", '"then"'),
    ("case.n < values.most", "case.note.^length() > 1", "unknown_function", '"size"'),
    ("most: {is: 3, source: city}", "most: {is: 3, source: city}\n  ^a b: {is: 1, source: city}", "invalid_name", "a b"),
    ("---\ntemplate", "---\nrecord: ^houshold\n---\ntemplate", "unknown_name", "household"),
    ('version: "1"', 'version: ^"' + "1" * 65 + '"', "too_large", "64"),
]


def slipped(cases):
    problems = []
    for old, marked, code, words in cases:
        if old not in RULES:
            problems.append(f"{old!r} is not in the rules")
            continue
        line, column = spot(RULES.replace(old, marked, 1))
        told = found(RULES.replace(old, marked.replace("^", ""), 1))
        if [(d["code"], d["line"], d["column"]) for d in told] != [(code, line, column)] or (words or "") not in told[0]["message"]:
            problems.append(f"{marked}: not {code} at {line}:{column} with {words}: {[(d['code'], d['line'], d['column'], d['message']) for d in told]}")
    return problems


# ---- limits, and what is said when the rules run ----


def once(rules, code, words):
    """Of what is past a limit the limit is told once, and nothing that follows from it."""
    told = [d for d in found(rules) if d["severity"] == "error"]
    return [] if [d["code"] for d in told] == [code] and words in told[0]["message"] else [str([(d["code"], d["message"]) for d in told[:5]])]


MANY_STATES = HEAD.split("workflow:")[0] + "workflow: w\nstates:\n" + "".join(
    f"  s{i}: {{always: s{i + 1}}}\n" for i in range(5000)) + "  s5000: {type: final}\n"
MANY_TRANSITIONS = HEAD.split("workflow:")[0] + "workflow: w\nevents: {go: {by: [clerk]}}\nstates:\n  b: {type: final}\n  a:\n    on:\n      go:\n" + \
    "        - {when: now > now, to: b}\n" * 16500 + "initial: a\n"
LIVE = """rulebook: t
version: "1"
time_zone: Asia/Shanghai
roles: {clerk: {}}
permissions: {case.open: [clerk], case.read: [clerk]}
---
workflow: w
fields: {note: {type: string}, n: {type: int, default: 0}}
events:
  close: {by: [clerk], input: {reason: {type: string, required: true}}}
  fail: {by: [clerk]}
states:
  a:
    on:
      close: b
      fail: {do: [{if: "case.n == 0", then: [{if: "case.n < 1", then: [{if: "case.n < 2", then: [{set: {n: 1 / case.n}}]}]}]}]}
  b: {type: final}
"""


def live():
    gov, problems = os.path.join(BUILD, "bin", "gov"), []
    with tempfile.TemporaryDirectory(prefix="govrules.") as tmp:
        rules, db = os.path.join(tmp, "rules.yaml"), os.path.join(tmp, "c.db")
        with open(rules, "w", encoding="utf-8") as f:
            f.write(LIVE)

        def run(*words):
            return subprocess.run([gov, "--lang", "en", *words], text=True, capture_output=True)
        made = [run("init", db, "--rulebook", rules), run("case", "open", db, "w")]
        problems += [d.stderr for d in made if d.returncode != 0]
        number = (made[1].stdout.split() + ["", ""])[1]
        for words, wanted in ((["claose", "reason=x"], 'did you mean "close"?'), (["close", "reasn=x"], 'did you mean "reason"?'),
                              (["close", "reason="], "its text is blank")):
            told = run("case", "send", db, number, *words).stderr
            problems += [] if wanted in told else [f"{words}: {told}"]
        told = run("case", "open", db, "w", "nte=x").stderr
        problems += [] if 'did you mean "note"?' in told else [f"open: {told}"]
        told = run("case", "send", db, number, "fail").stderr
        problems += [] if told.count("this is the rule that failed") == 1 and ":16:" in told else [f"fail: {told}"]
    return problems


report("states past their number are told of once", once(MANY_STATES, "too_large", "4096"))
report("transitions past their number are told of once", once(MANY_TRANSITIONS, "too_large", "16384"))
report("what a host misspells is answered with what was meant, and a failing rule is named once", live())
report("YAML that takes a value apart is told where it does, and what is proposed loads", misquoted(QUOTING))
report("the rules of the slips are sound without them", found(RULES))
report("each slip of an author is told once, at its place, with what was meant", slipped(SLIPS))
report("what is right is left alone", [d for d in found(rulebook(RIGHT)) if d["severity"] == "error"])
report("each mistake is told once, at its place, with what was meant", wrong(MISTAKES))
LINE = "case.s == '\u2028' && case.m > 1"
AT = len('        - {when: "') + 1
report("a character that may not stand there is one column wide",
       [] if [d["column"] for d in found(rulebook([LINE]))] == [AT + LINE.index("\u2028"), AT + LINE.index("case.m")]
       else [str(found(rulebook([LINE])))])
notices("a mistake that is not found", lambda root: wrong([("@case.n > 1", "wrong_type", None)]), {"x": ""}, "0 mistakes")
finish()
