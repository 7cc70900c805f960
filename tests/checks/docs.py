"""Every public function and type says what it does, under which contract, and since when; the examples of the pages about rules run."""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import BUILD, ROOT, declarations, finish, notices, read, report, skip, walk

CONTRACT = re.compile(r"@contract\s+thread=(any|engine|store)\s+alloc=(yes|no)\s+block=(no|io|wait|cpu)\b")


def check_functions(root):
    problems = []
    for path in walk(root, "include", [".h"]):
        for d in declarations(read(os.path.join(root, path))):
            where = f"{path}:{d['line']}: {d['name']}"
            if not d["doc"]:
                problems.append(f"{where} has no comment")
            elif not CONTRACT.search(d["doc"]):
                problems.append(f"{where} has no @contract thread=any|engine|store alloc=yes|no block=no|io|wait|cpu")
            elif not re.search(r"@since \d+\.\d+", d["doc"]):
                problems.append(f"{where} has no @since")
    return problems


def check_types(root):
    problems = []
    for path in walk(root, "include", [".h"]):
        text = read(os.path.join(root, path))
        for match in re.finditer(r"^typedef\b", text, re.M):
            before = text[:match.start()].rstrip()
            start = before.rfind("/*")
            line = text.count("\n", 0, match.start()) + 1
            if not before.endswith("*/") or "@since" not in before[start:]:
                problems.append(f"{path}:{line}: a type without comment and @since")
    return problems


def run_scenarios(root, gov, page, more=""):
    """Puts the YAML examples of a page into one folder, and plays its scenarios."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", read(os.path.join(root, "docs", page)), re.M | re.S)
    rules = [b for b in blocks if b.startswith("rulebook:")]
    tests = [b for b in blocks if b.startswith("scenario:")]
    others = [b for b in blocks if b not in rules and b not in tests]
    if len(rules) != 1 or not tests:
        return [f"docs/{page} has no rulebook, or no scenario"]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("rulebook.yaml", "---\n".join(rules + others)), ("tests.yaml", "---\n".join(tests) + more)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write(text)
        done = subprocess.run([gov, "test", folder, "--lang", "en"], capture_output=True, text=True)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    return [] if done.returncode == 0 and last == f"{len(tests)} passed, 0 failed" else [done.stdout + done.stderr]


report("each public function has its comment, contract and version", check_functions(ROOT))
report("each public type has its comment and version", check_types(ROOT))
notices("a function without comment", check_functions,
        {"include/gov/a.h": "GOV_API int gov_a(void);\n"}, "no comment")
notices("a function without contract", check_functions,
        {"include/gov/a.h": "/** A. @since 0.1 */\nGOV_API int gov_a(void);\n"}, "no @contract")
notices("a function without version", check_functions,
        {"include/gov/a.h": "/** A. @contract thread=any alloc=no block=no */\nGOV_API int gov_a(void);\n"},
        "no @since")
notices("a type without comment", check_types, {"include/gov/a.h": "typedef int gov_a;\n"}, "a type without")
gov = os.path.join(BUILD, "bin", "gov")
for page in ("rulebook.md", "scenarios.md", "schedules.md", "timebank.md", "points.md", "funds.md"):
    if os.path.exists(gov):
        report(f"the examples of docs/{page} run", run_scenarios(ROOT, gov, page))
        report(f"an example of docs/{page} that fails is noticed", [] if run_scenarios(
            ROOT, gov, page, "---\nscenario: wrong\nsteps: [{expect: {cases: [{workflow: nothing}]}}]\n") else ["it is not"])
    else:
        skip(f"the examples of docs/{page} run", "the command line is not built")
finish()
