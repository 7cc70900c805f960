"""Functions fit on a screen and files stay small. The exceptions below may shrink, never grow."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish, functions, notices, read, report, walk

FUNCTION, FILE = 70, 900

# What is longer than it should be, and by how much at most: "file" or "file:function": lines
ALLOWED = {"tests/unit/test_timebank.c": 1100}


def check(root):
    problems = []
    for path in walk(root, "libgov", [".c", ".h"]) + walk(root, "examples", [".c"]) + walk(root, "tests", [".c", ".h"]):
        text = read(os.path.join(root, path))
        found = [(path, text.count("\n"), FILE)]
        if not path.startswith("tests"):
            found += [(f"{path}:{name}", last - first + 1, FUNCTION) for name, first, last, _ in functions(text)]
        for name, lines, limit in found:
            if lines > max(limit, ALLOWED.get(name, 0)):
                problems.append(f"{name} has {lines} lines, {limit} are allowed")
    return problems


report("functions and files are small", check(ROOT))
notices("a function that is too long", check,
        {"libgov/base/a.c": "int f(int a)\n{\n" + "    a++;\n" * 70 + "    return a;\n}\n"}, "f has 74 lines")
notices("a file that is too long", check, {"libgov/base/a.c": "int a;\n" * 901}, "901 lines")
notices("a test file that is too long", check, {"tests/unit/test_a.c": "int a;\n" * 901}, "901 lines")
finish()
