"""docs/expressions.md says what is so: each example gives the answer behind it, in both languages, and no function is left out."""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import BUILD, ROOT, finish, notices, read, report, skip

NOW = "2026-03-02T09:00:00+08:00"
PAGES = ["expressions.md", "expressions.zh-CN.md"]


def blocks(text, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)


def examples(text):
    found = []
    for block in blocks(text, "cel"):
        for line in block.splitlines():
            source, answer = re.split(r"\s+// ", line, maxsplit=1)
            found.append((source, answer.strip()))
    return found


def declared(bindings):
    """Types of the names as a workflow would declare them."""
    kinds = {"int": "int", "timestamp": "timestamp", "map": "map(string, dyn)"}
    types = {}  # `now` and the values come from the rulebook
    for name, value in bindings.items():
        types[name] = "bool" if isinstance(value, bool) else "string" if isinstance(value, str) \
            else "list(int)" if isinstance(value, list) else "map(string, int)" if name == "case.place" \
            else kinds[next(iter(value))]
    return types


def ask(rules, lines):
    done = subprocess.run([os.path.join(BUILD, "bin", "gov"), "eval", "--rulebook", rules, "--now", NOW], text=True,
                          input="".join(json.dumps(line) + "\n" for line in lines), capture_output=True)
    return [json.loads(line) for line in done.stdout.splitlines()] if done.returncode == 0 else [done.stderr]


def wrong_answers(text, rules):
    bindings = json.loads(blocks(text, "json")[0])
    types, cases = declared(bindings), examples(text)
    types["it"] = "map(string, dyn)"
    lines = []
    for source, answer in cases:
        failing = answer.startswith("error: ")
        expr = source if failing else f"[{source}] == [{answer}] && type({source}) == type({answer})"
        lines.append({"expr": expr, "bindings": bindings, "variables": types})
    answers = ask(rules, lines)
    problems = [] if len(answers) == len(cases) and cases else [f"{len(cases)} examples, {answers[-1:]}"]
    for (source, answer), got in zip(cases, answers):
        want = {"value": True}
        if answer.startswith("error: "):
            got, want = got.get("error", {}).get("code", "no error"), answer[len("error: "):]
        if got != want:
            problems.append(f"{source} is not {answer}: {json.dumps(got, ensure_ascii=False)}")
    return problems


def wrong_filters(text, store):
    """The commands of docs/filters.md, on a new community of the examples."""
    problems = []
    gov = os.path.join(BUILD, "bin", "gov")
    made = subprocess.run([gov, "init", store, "--rulebook", os.path.join(ROOT, "examples", "community")], text=True, capture_output=True)
    commands = [line for block in blocks(text, "sh") for line in block.splitlines() if line.startswith(("gov case list", "gov record list"))]
    if made.returncode != 0 or not commands:
        return [f"no community, or no commands: {made.stderr}"]
    for line in commands:
        words = shlex.split(line)
        if "--as" in words:
            words = words[:words.index("--as")] + words[words.index("--as") + 2:]
        done = subprocess.run([gov, *[store if word == "xingfuli.db" else word for word in words[1:]]], text=True, capture_output=True)
        if done.returncode != 0:
            problems.append(f"{line}: {done.stderr}")
    return problems


def functions():
    names = set()
    for folder in ("expr", "rulebook", "case", "insight", "points", "timebank"):
        for file in sorted(os.listdir(os.path.join(ROOT, "libgov", folder))):
            if file.endswith(".c"):
                text = read(os.path.join(ROOT, "libgov", folder, file))
                names |= set(re.findall(r'\{"([\w.]+)",\s*CALL_', text)) | set(re.findall(r'(?:GETTER|OF_DURATION)\("(\w+)"\)', text))
                names |= set(re.findall(r'^    \{"(\w+)", \d, MACRO_', text, re.M))
                names |= set(re.findall(r'(?:OF_DAYS|BY_CALENDAR)\("(\w+)"', text))
                names |= set(re.findall(r'\.name = "(\w+)",\s*(?:\.pure = true,\s*)?\.argc', text))
    return names


def left_out(text, names):
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    said = set(re.findall(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", " ".join(re.findall(r"`([^`]+)`", text))))
    last = {name.split(".")[-1] if name.split(".")[0] in ("l", "m", "a") else name for name in said}
    return sorted(name for name in names if name not in last and name != "existsOne")


with tempfile.TemporaryDirectory(prefix="govexpr.") as tmp:
    rules = os.path.join(tmp, "rules.yaml")
    for page in PAGES:
        path = os.path.join(ROOT, "docs", page)
        if not os.path.exists(path):
            skip(f"{page}: the examples", "there is no such page")
            continue
        text = read(path)
        with open(rules, "w", encoding="utf-8") as f:
            f.write("---\n".join(blocks(text, "yaml rulebook") + blocks(text, "yaml")))
        report(f"{page}: each example gives its answer", wrong_answers(text, rules))
        checked = subprocess.run([os.path.join(BUILD, "bin", "gov"), "check", rules], text=True, capture_output=True)
        report(f"{page}: its workflow is sound", [checked.stdout] if checked.returncode != 0 else [])
        report(f"{page}: no function is left out", left_out(text, functions()))
    sample = '```json\n{}\n```\n```cel\n1 + 1   // 3\n```\n'
    with open(rules, "w", encoding="utf-8") as f:
        f.write('rulebook: page\nversion: "1"\ntime_zone: Asia/Shanghai\n')
        report("filters.md: its commands are answered", wrong_filters(read(os.path.join(ROOT, "docs", "filters.md")), os.path.join(tmp, "x.db")))
notices("a wrong answer", lambda root: wrong_answers(sample, rules), {"x": ""}, "is not 3")
notices("a function that the page does not name", lambda root: left_out("`size`", {"size", "sort"}), {"x": ""}, "sort")
finish()
