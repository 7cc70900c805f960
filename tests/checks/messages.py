"""The registry of diagnostics: each code is raised somewhere, and both texts name the same arguments."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish, notices, read, report, unquote, walk

REGISTRY = os.path.join("libgov", "base", "messages.def")
ENTRY = re.compile(r'MESSAGE\(\s*(\w+)\s*,\s*(GOV_\w+)\s*,((?:\s*"(?:\\.|[^"\\])*")+)\s*,((?:\s*"(?:\\.|[^"\\])*")+)\s*\)')


def entries(root):
    def join(text):
        return "".join(unquote(s) for s in re.findall(r'"(?:\\.|[^"\\])*"', text))
    text = re.sub(r"/\*.*?\*/", "", read(os.path.join(root, REGISTRY)), flags=re.S)
    return [(m[1], m[2], join(m[3]), join(m[4])) for m in ENTRY.finditer(text)], len(re.findall(r"\bMESSAGE\(", text))


def check(root):
    found, total = entries(root)
    problems = [] if len(found) == total else [f"{total - len(found)} entries were not understood"]
    sources = "\n".join(read(os.path.join(root, p)) for p in walk(root, "libgov", [".c", ".h"]))
    used = set(re.findall(r"\bM_(\w+)\b", sources))
    statuses = set()
    for path in walk(root, "include", [".h"]):
        statuses |= set(re.findall(r"#define (GOV_\w+)", read(os.path.join(root, path))))
    seen = set()
    # While rooms are still being built, their codes may wait for them.
    complete = bool(walk(root, os.path.join("libgov", "api"), [".c"]))
    for code, status, en, zh in found:
        if code in seen:
            problems.append(f"{code} is registered twice")
        seen.add(code)
        if code not in used and complete:
            problems.append(f"{code} is raised nowhere")
        if statuses and status not in statuses:
            problems.append(f"{code}: {status} is no status")
        names = [sorted(set(re.findall(r"\{(\w+)\}", text))) for text in (en, zh)]
        if names[0] != names[1]:
            problems.append(f"{code}: English names {names[0]}, Chinese {names[1]}")
        if not re.search(r"[\u4e00-\u9fff]", zh):
            problems.append(f"{code}: its Chinese text has no Chinese")
        if re.search(r"[\u4e00-\u9fff]", en):
            problems.append(f"{code}: its English text has Chinese")
    return problems


report("each diagnostic is raised and speaks both languages", check(ROOT))
notices("a code that nothing raises", check,
        {REGISTRY: 'MESSAGE(a, GOV_E_ARG, "a", "甲")\n', "libgov/api/x.c": ""}, "raised nowhere")
notices("texts with other arguments", check,
        {REGISTRY: 'MESSAGE(a, GOV_E_ARG, "a {x}", "甲 {y}")\n', "libgov/base/x.c": "M_a"}, "English names")
finish()
