"""What libgov.so exports, what the headers declare, and what libgov.map lists are one set.

    exports.py --write    renews libgov/libgov.map from the headers
"""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import BUILD, ROOT, declarations, finish, have, notices, read, report, run, skip, walk

MAP = os.path.join("libgov", "libgov.map")


def declared(root):
    names = []
    for path in walk(root, "include", [".h"]):
        names += [d["name"] for d in declarations(read(os.path.join(root, path)))]
    return names


def mapped(root):
    text = re.sub(r"/\*.*?\*/|#[^\n]*", "", read(os.path.join(root, MAP)), flags=re.S)
    return re.findall(r"\b(gov_\w+)\s*;", text)


def check_map(root):
    heads, listed = declared(root), mapped(root)
    problems = [f"{n} is declared twice" for n in sorted({n for n in heads if heads.count(n) > 1})]
    problems += [f"{n} is listed twice in libgov.map" for n in sorted({n for n in listed if listed.count(n) > 1})]
    problems += [f"{n} is declared, and missing in libgov.map" for n in sorted(set(heads) - set(listed))]
    problems += [f"{n} is in libgov.map, and no header declares it" for n in sorted(set(listed) - set(heads))]
    text = read(os.path.join(root, MAP))
    if not re.search(r"\blocal:\s*\*;", text):
        problems.append("libgov.map does not hide the rest")
    return problems


def check_api_marks(root):
    """A function declared in a public header without GOV_API would be hidden."""
    problems = []
    for path in walk(root, "include", [".h"]):
        text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()),
                      read(os.path.join(root, path)), flags=re.S)
        for match in re.finditer(r"^(?!GOV_API|typedef|static|#|\s|\})[^\n;{}()]*\b(gov_\w+)\s*\([^;{]*\)\s*;", text, re.M):
            problems.append(f"{path}: {match.group(1)} lacks GOV_API")
    return problems


def exported(library):
    lines = run(["nm", "-D", "--defined-only", library]).stdout.splitlines()
    names = {line.split()[-1] for line in lines if line.split()}
    return {re.sub(r"@.*", "", n) for n in names if not re.match(r"GOV_\d", n)}


def write():
    names = sorted(set(declared(ROOT)))
    body = "".join(f"        {name};\n" for name in names)
    with open(os.path.join(ROOT, MAP), "w", encoding="utf-8") as f:
        f.write(f"GOV_0.1 {{\n    global:\n{body}    local:\n        *;\n}};\n")


if "--write" in sys.argv[1:]:
    write()
    sys.exit(0)

report("headers and libgov.map agree", check_map(ROOT))
report("each public function is marked GOV_API", check_api_marks(ROOT))
library = os.path.join(BUILD, "lib", "libgov.so")
if os.path.exists(library) and have("nm"):
    names, wanted = exported(library), set(mapped(ROOT))
    report("libgov.so exports nothing that libgov.map lacks",
           [f"{n} is exported, and not in libgov.map" for n in sorted(names - wanted)])
    if walk(ROOT, os.path.join("libgov", "api"), [".c"]):
        report("libgov.so exports all that libgov.map lists",
               [f"{n} is in libgov.map, and not in libgov.so" for n in sorted(wanted - names)])
    else:
        skip("libgov.so exports all that libgov.map lists", "its upper floors are still missing")
else:
    skip("libgov.so exports what libgov.map lists", "libgov.so or nm is missing")

good = "GOV_API int gov_a(void);\n"
notices("a function that the map lacks", check_map,
        {"include/gov/a.h": good, MAP: "X { global: gov_b; local: *; };"}, "gov_a is declared", "gov_b is in")
notices("a map that hides nothing", check_map,
        {"include/gov/a.h": good, MAP: "X { global: gov_a; };"}, "does not hide")
notices("a function without GOV_API", check_api_marks,
        {"include/gov/a.h": good + "int gov_b(int x,\n   int y);\n"}, "gov_b lacks")
finish()
