"""Includes go down the house: to lower floors only, through a room's one header."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, blank, finish, notices, ok, read, report, table, walk

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>\n]+)>|"([^"\n]+)")', re.M)

# A dependency that belongs to one place: nobody else may know it is there.
OWNED = {
    "sqlite3.h": {"store"}, "libpq-fe.h": {"store"}, "yaml.h": {"rulebook"}, "geos_c.h": {"geo"},
    "jansson.h": {"value"}, "pcre2.h": {"expr"},
}
PUBLIC_MAY = {"stddef.h", "stdint.h"}


def floors(root):
    text = read(os.path.join(root, "libgov", "README.md"))
    rows = [row for row in table(text, 3) if row[0].isdigit()]
    return {row[1].strip("`/ "): int(row[0]) for row in rows}


def includes(root, path):
    text = read(os.path.join(root, path))
    plain = blank(text, keep_strings=True)
    for match in INCLUDE.finditer(plain):
        yield plain.count("\n", 0, match.start()) + 1, match.group(1), match.group(2)


def check_quoted(room, floor, where, quoted):
    other, _, rest = quoted.partition("/")
    if not rest:
        return f'{where}: "{quoted}" does not name its room'
    if other == room:
        return None
    if other not in floor:
        return f'{where}: "{quoted}" is in no room of libgov/README.md'
    if floor[other] >= floor[room]:
        way = "sideways" if floor[other] == floor[room] else "up"
        return f'{where}: "{quoted}" goes {way}, from {room} to {other}'
    if rest != f"{other}.h":
        return f'{where}: "{quoted}" is private to {other}'
    return None


def check_angled(room, floor, where, angled):
    if angled in OWNED and room not in OWNED[angled]:
        return f"{where}: <{angled}> belongs to {', '.join(sorted(OWNED[angled]))}"
    if angled == "gov.h":
        return None if room == "api" else f"{where}: <gov.h> shows every floor; name the header needed"
    if angled.startswith("gov/"):
        other = angled[4:].removesuffix(".h")
        if other in floor and floor[other] > floor[room]:
            return f"{where}: <{angled}> goes up, from {room}"
        if other in floor and floor[other] == floor[room] and other != room:
            return f"{where}: <{angled}> goes sideways, from {room}"
    return None


def check_rooms(root):
    floor, problems = floors(root), []
    for path in walk(root, "libgov", [".c", ".h", ".def", ".inc"]):
        parts = path.split(os.sep)
        if len(parts) != 3 or parts[1] not in floor:
            problems.append(f"{path}: not in a room of libgov/README.md")
            continue
        for line, angled, quoted in includes(root, path):
            check, name = (check_quoted, quoted) if quoted else (check_angled, angled)
            problem = check(parts[1], floor, f"{path}:{line}", name)
            if problem:
                problems.append(problem)
    return problems


def check_public(root):
    """Public headers stand on each other and on two C headers; nothing of a dependency shows."""
    problems = []
    for path in walk(root, "include", [".h"]):
        for line, angled, quoted in includes(root, path):
            if quoted or not (angled in PUBLIC_MAY or angled.startswith("gov/")):
                problems.append(f"{path}:{line}: <{angled or quoted}> in a public header")
    return problems


def check_examples(root):
    """The examples, the command line among them, see the public headers and no internals."""
    floor, problems = floors(root), []
    for path in walk(root, "examples", [".c", ".h"]) + walk(root, "bindings", [".c", ".h", ".i"]):
        for line, angled, quoted in includes(root, path):
            first = (quoted or angled).split("/")[0]
            if "libgov" in (quoted or angled) or (quoted and "/" in quoted and first in floor):
                problems.append(f"{path}:{line}: {quoted or angled} is an internal header")
    return problems


def self_test():
    readme = "| floor | room | what |\n|---|---|---|\n| 2 | `top` | t |\n| 1 | `left` | l |\n" \
        "| 1 | `right` | r |\n| 0 | `low` | x |\n"

    def bad(path, text, *expect):
        notices(f"{path}: {text}", check_rooms, {"libgov/README.md": readme, path: text + "\n"}, *expect)

    bad("libgov/low/a.c", '#include "top/top.h"', "goes up")
    bad("libgov/left/a.c", '#include "right/right.h"', "goes sideways")
    bad("libgov/top/a.c", '#include "low/private.h"', "is private to low")
    bad("libgov/top/a.c", '#include "a.h"', "does not name its room")
    bad("libgov/low/a.c", "#include <gov/top.h>", "goes up")
    bad("libgov/low/a.c", "#include <sqlite3.h>", "belongs to store")
    bad("libgov/cellar/a.c", "int a;", "not in a room")
    bad("libgov/low/a.c", "#include <gov.h>", "shows every floor")
    notices("what is allowed", check_rooms, {
        "libgov/README.md": readme,
        "libgov/top/a.c": '#include "top/top.h"\n#include "top/inner.h"\n#include "low/low.h"\n'
                          '#include <gov/low.h>\n/* #include "up/up.h" */\n#include <string.h>\n'})
    notices("a dependency in a public header", check_public,
            {"include/gov/a.h": "#include <stdint.h>\n#include <sqlite3.h>\n"}, "sqlite3.h")
    notices("an internal header in an example", check_examples,
            {"libgov/README.md": readme, "examples/gov/a.c": '#include "low/low.h"\n'}, "internal")


if len(floors(ROOT)) < 20:
    report("libgov/README.md lists the floors", ["its table was not understood"])
else:
    ok("libgov/README.md lists the floors")
report("includes inside libgov go down", check_rooms(ROOT))
report("public headers include only one another", check_public(ROOT))
report("examples and bindings use public headers only", check_examples(ROOT))
self_test()
finish()
