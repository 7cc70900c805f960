"""The JSON Schema of rulebooks takes what the loader takes, and refuses the misspelt and misplaced as the loader does."""

import copy
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish, report, skip

try:
    import jsonschema
    import yaml
    jsonschema.Draft202012Validator
except (ImportError, AttributeError):
    # The system's Python may have what the one in front of it has not.
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", os.path.abspath(__file__)])
    skip("the schema takes the examples", "python3-jsonschema 4 or python3-yaml is not installed")
    finish()
    sys.exit(0)

GOV = os.path.join(os.environ.get("GOV_BUILD", ""), "bin", "gov")
FORM = ("unknown_key", "missing_key", "wrong_kind", "unknown_word", "invalid_name", "empty")


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, in which `on` is a word and a date is text."""


Core.yaml_implicit_resolvers = {}
for tag, pattern, first in (("null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
                            ("bool", r"^(true|True|TRUE|false|False|FALSE)$", list("tTfF")),
                            ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
                            ("float", r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", list("-+.0123456789"))):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)


def as_json(value):
    if isinstance(value, dict):
        return {k if isinstance(k, str) else json.dumps(k): as_json(v) for k, v in value.items()}
    return [as_json(v) for v in value] if isinstance(value, list) else value


def documents(path):
    with open(path, encoding="utf-8-sig") as f:
        return [as_json(d) for d in yaml.load_all(f, Core) if d is not None]


def rulebooks():
    """Files of rulebooks that the loader takes."""
    for top, _, names in sorted(os.walk(os.path.join(ROOT, "examples"))):
        if os.path.basename(top) != "data":
            yield from (os.path.join(top, n) for n in sorted(names) if n.endswith(".yaml"))
    cases = os.path.join(ROOT, "tests", "cases", "rulebook")
    for case in sorted(os.listdir(cases)):
        with open(os.path.join(cases, case, "expect.txt"), encoding="utf-8") as f:
            if ": error: " in f.read():
                continue
        for top, _, names in sorted(os.walk(os.path.join(cases, case))):
            yield from (os.path.join(top, n) for n in sorted(names) if n.endswith(".yaml"))


def check_taken(validator):
    problems, count = [], 0
    for path in rulebooks():
        for doc in documents(path):
            count += 1
            error = jsonschema.exceptions.best_match(validator.iter_errors(doc))
            if error is not None:
                problems.append(f"{os.path.relpath(path, ROOT)}: {list(error.absolute_path)}: {error.message[:160]}")
    return problems if count > 40 else problems + [f"only {count} documents were looked at"]


def spots(value, path=()):
    if isinstance(value, dict):
        for k in value:
            yield path + (k,)
            yield from spots(value[k], path + (k,))
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from spots(v, path + (i,))


def mutated(rng, doc):
    doc = copy.deepcopy(doc)
    path = rng.choice([p for p in spots(doc) if len(p) > 1])
    holder = doc
    for step in path[:-1]:
        holder = holder[step]
    what = rng.choice(["rename", "list", "map", "drop"])
    if what == "rename":
        value = holder.pop(path[-1])
        holder[path[-1] + "x"] = value
    elif what == "drop":
        del holder[path[-1]]
    else:
        holder[path[-1]] = [["odd"]] if what == "list" else {"odd": {"odder": [1]}}
    return doc, f"{what} {'.'.join(map(str, path))}"


def check_mutated(validator, count):
    """Where the loader finds fault with the form of a changed workflow, so does the schema."""
    problems, faults = [], 0
    source = os.path.join(ROOT, "examples", "community")
    doc = documents(os.path.join(source, "workflows", "complaint.yaml"))[0]
    with tempfile.TemporaryDirectory() as place:
        folder = os.path.join(place, "rules")
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("data"))
        for seed in range(count):
            bad, what = mutated(random.Random(seed), doc)
            with open(os.path.join(folder, "workflows", "complaint.yaml"), "w", encoding="utf-8") as out:
                yaml.safe_dump(bad, out, allow_unicode=True, sort_keys=False, width=1000)
            done = subprocess.run([GOV, "check", "--json", folder], capture_output=True)
            codes = {d["code"] for d in json.loads(done.stdout)["diagnostics"] if d["severity"] == "error"}
            refused = not validator.is_valid(bad)
            faults += refused
            if refused and done.returncode == 0:
                problems.append(f"{what}: the schema refuses what the loader takes")
            if codes & {"unknown_key", "missing_key", "wrong_kind"} and not refused:
                problems.append(f"{what}: the schema takes it, the loader says {sorted(codes)}")
    return problems if faults > count // 4 else problems + [f"only {faults} of {count} were refused"]


SMALL = """rulebook: t
version: "1"
time_zone: Asia/Shanghai
languages: [zh, en]
roles: {clerk: {}}
---
calendar: cn
hours: {mon-fri: ["09:00-12:00"]}
years: {2026: {}}
---
workflow: w
events: {go: {by: [clerk]}, more: {by: [clerk]}}
clocks: {k: {starts: [a], stops: [b], budget: 2 days, marks: {80%: late}, extend: {event: more, amount: 1 day, times: 1}}}
on: {late: {}}
states:
  a: {on: {go: {to: b, do: [{assign: {unit: case.unit}}]}}}
  b: {type: final}
"""
# What of it is replaced, by what, and whether both take it.
EDGES = [
    ("unit: case.unit", "unit: null", True), ("a: {on", "a: {states: {}, on", True), ("2026: {}", "2026: {}, 27: {}", False),
    ("times: 1", "times: 0", False), ("times: 1", "times: 1000001", False), ("80%", "0%", False), ("80%", "10001%", False),
    ("80%", "10000%", True), ("[zh, en]", "[]", False), ("[zh, en]", "[zh, zh]", False), ("[zh, en]", "zh", True),
    ('["09:00-12:00"]', "[]", False), ("09:00-", "9:00-", False), ("-12:00", "-24:00", True), ("-12:00", "-24:30", False),
]


def check_edges(validator):
    """Both draw the line at the same place."""
    problems = []
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "rules.yaml")
        for old, new, taken in [("w", "w", True)] + EDGES:
            with open(path, "w", encoding="utf-8") as out:
                out.write(SMALL.replace(old, new, 1) if old != new else SMALL)
            loads = subprocess.run([GOV, "check", path], capture_output=True).returncode == 0
            fits = all(validator.is_valid(d) for d in documents(path))
            if (loads, fits) != (taken, taken):
                problems.append(f"{old} -> {new}: the loader says {loads}, the schema {fits}, not {taken}")
    return problems


def main():
    text = subprocess.run([GOV, "schema"], capture_output=True).stdout
    schema = json.loads(text)
    validator = jsonschema.Draft202012Validator(schema)
    problems = []
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.exceptions.SchemaError as e:
        problems.append(str(e)[:300])
    names = set(schema["$defs"])
    problems += [f"nothing defines {n}" for n in sorted(set(re.findall(r"#/\$defs/(\w+)", text.decode())) - names)]
    report("the schema is one", problems)
    report("the schema takes what the loader takes", check_taken(validator))
    report("the schema and the loader draw the line at the same place", check_edges(validator))
    report("the schema refuses what the loader refuses for its form", check_mutated(validator, 150))


main()
finish()
