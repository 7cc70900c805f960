"""Every public call on a community passes access.

A public function that takes a `gov *` must reach access_check in its definition: directly, through the
macro ACCESS(, or through functions of libgov that it calls. What needs no check stands, with the reason, in the
table "Calls without a check" of libgov/access/README.md: | `gov_x` | why |.
"""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, declarations, finish, functions, notices, read, report, skip, table, walk

DIRECT = re.compile(r"\b(access_check\w*|access_enter|access_run|ACCESS\w*)\s*\(")
DEPTH = 4


def public_calls(root):
    names = []
    for path in walk(root, "include", [".h"]):
        for d in declarations(read(os.path.join(root, path))):
            if re.search(r"(^|,)\s*(const\s+)?gov\s*\*\s*\w+", d["args"]):
                names.append(d["name"])
    return names


def exempt(root):
    path = os.path.join(root, "libgov", "access", "README.md")
    if not os.path.exists(path):
        return {}
    rows = [r for r in table(read(path), 2) if re.match(r"^`gov_\w+`$", r[0])]
    return {r[0].strip("`"): r[1] for r in rows}


def bodies(root):
    found = {}
    for path in walk(root, "libgov", [".c"]):
        for name, _, _, body in functions(read(os.path.join(root, path))):
            found.setdefault(name, []).append(body)
    return found


def reaches(name, found, depth, seen):
    if depth == 0 or name in seen:
        return False
    seen.add(name)
    for body in found.get(name, []):
        if DIRECT.search(body):
            return True
        for callee in set(re.findall(r"\b([a-z_]\w*)\s*\(", body)):
            if callee in found and reaches(callee, found, depth - 1, seen):
                return True
    return False


def check(root):
    found, free, problems = bodies(root), exempt(root), []
    calls = public_calls(root)
    for name in calls:
        if name not in found:
            problems.append(f"{name} has no definition in libgov")
        elif name not in free and not reaches(name, found, DEPTH, set()):
            problems.append(f"{name} does not pass access_check")
    problems += [f"{name} is exempt, and no call on a community" for name in sorted(set(free) - set(calls))]
    problems += [f"{name} is exempt without a reason" for name, why in free.items() if len(why) < 10]
    return problems


if walk(ROOT, os.path.join("libgov", "access"), [".c"]) and public_calls(ROOT):
    report("every call on a community passes access", check(ROOT))
else:
    skip("every call on a community passes access", "there are none yet")

head = "GOV_API int gov_x(gov *g, int a);\nGOV_API int gov_free_text(char *text);\n"
notices("a call that passes nobody", check, {
    "include/gov/a.h": head,
    "libgov/api/a.c": "int gov_x(gov *g, int a)\n{\n    /* access_check(g) */\n    return helper(a);\n}\n"},
    "does not pass")
notices("no fault in a call through a helper", check, {
    "include/gov/a.h": head,
    "libgov/api/a.c": "static int helper(gov *g)\n{\n    return access_check(g);\n}\n\n"
                      "int gov_x(gov *g, int a)\n{\n    return helper(g) + a;\n}\n"})
notices("no fault in an exemption with a reason", check, {
    "include/gov/a.h": head,
    "libgov/access/README.md": "| call | why |\n|---|---|\n| `gov_x` | it frees the handle and reads nothing |\n",
    "libgov/api/a.c": "int gov_x(gov *g, int a)\n{\n    return a;\n}\n"})
finish()
