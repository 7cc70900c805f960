"""docs/diagnostics.md has an entry for every code that the loader of rulebooks gives or the gate refuses with, and for none that there is not."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish, notices, read, report, table, walk

PAGE = os.path.join("docs", "diagnostics.md")
REGISTRY = os.path.join("libgov", "base", "messages.def")
# Whole sections of the registry, and codes of rooms that say more than the loader does.
SECTIONS = ("rulebook", "calendar", "access")
OTHER_FILES = re.compile(r"^libgov/(rulebook|chart/(build|compile|resolve))")


def registered(root):
    text = read(os.path.join(root, REGISTRY))
    every = set(re.findall(r"MESSAGE\(\s*(\w+)", text))
    wanted = set()
    for section in SECTIONS:
        part = re.search(rf"/\* -- {section} -- \*/(.*?)/\* -- end {section} -- \*/", text, re.S)
        wanted |= set(re.findall(r"MESSAGE\(\s*(\w+)", part.group(1))) if part else set()
    for path in walk(root, "libgov", [".c"]):
        if OTHER_FILES.match(path.replace(os.sep, "/")):
            wanted |= set(re.findall(r"\bM_(\w+)\b", read(os.path.join(root, path)))) & every
    return every, wanted


def check(root):
    every, wanted = registered(root)
    page = read(os.path.join(root, PAGE))
    listed, problems = set(), []
    for row in table(page, 4):
        codes = re.findall(r"`(\w+)`", row[0])
        problems += [f"{code} stands twice" for code in codes if code in listed]
        listed |= set(codes)
        if codes and not all(row[1:]):
            problems.append(f"{row[0]}: meaning, example and cure are wanted")
    problems += [f"{code} has no entry" for code in sorted(wanted - listed - {"out_of_memory", "internal", "bad_argument"})]
    problems += [f"{code} is no code" for code in sorted(listed - every)]
    return problems


report("each diagnostic of the loader is explained", check(ROOT))
FILES = {REGISTRY: '/* -- rulebook -- */\nMESSAGE(a, GOV_E_RULE, "a", "b")\n/* -- end rulebook -- */\n'}
notices("a code without an entry", check, {**FILES, PAGE: "# x\n"}, "a has no entry")
notices("a refusal of the gate without an entry", check, {REGISTRY: '/* -- access -- */\nMESSAGE(b, GOV_E_DENIED, "a", "b")\n/* -- end access -- */\n',
                                                           PAGE: "# x\n"}, "b has no entry")
notices("an entry without a code", check, {**FILES, PAGE: "| `a` | x | x | x |\n| `b` | x | x | x |\n"}, "b is no code")
notices("an entry without a cure", check, {**FILES, PAGE: "| `a` | x | x | |\n"}, "are wanted")
finish()
