"""What the documents say is so: links lead somewhere, the programs in them compile, the packages are those that
the scripts look for."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import CC, ROOT, Tree, finish, have, not_ok, notices, ok, read, report, run, skip, walk

def documents(root):
    found = [n for n in sorted(os.listdir(root)) if n.endswith(".md")]
    for top in ("docs", "libgov", "examples", "tests", "bindings"):
        found += walk(root, top, [".md"])
    return [p for p in found if "/build/" not in p]


def check_links(root):
    problems = []
    for path in documents(root):
        text = re.sub(r"```.*?```", "", read(os.path.join(root, path)), flags=re.S)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            full = os.path.normpath(os.path.join(os.path.dirname(path), target))
            if not os.path.exists(os.path.join(root, full)):
                problems.append(f"{path}: {target} is not there")
    return problems


def check_programs(root):
    """Each ```c block with a main compiles against the headers."""
    problems = []
    for path in documents(root):
        for number, block in enumerate(re.findall(r"```c\n(.*?)```", read(os.path.join(root, path)), re.S), 1):
            if not re.search(r"\bmain\s*\(", block) or "#include <gov" not in block:
                continue
            with Tree({"main.c": block}) as tmp:
                result = run([CC, "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I",
                              os.path.join(ROOT, "include"), os.path.join(tmp, "main.c")])
            if result.returncode != 0:
                print(result.stdout)
                problems.append(f"{path}: program {number} does not compile")
    return problems


def check_packages(root):
    text = read(os.path.join(root, "tests", "support", "setup.sh"))
    said = read(os.path.join(root, "docs", "packages.md"))
    problems = []
    for line in re.search(r"<<'NEEDS'\n(.*?)\nNEEDS", text, re.S).group(1).splitlines():
        for name in line.split("|")[2:]:
            if not name.startswith("@") and f"`{name}`" not in said:
                problems.append(f"docs/packages.md does not name {name}")
    return problems


report("links in the documents lead somewhere", check_links(ROOT))
report("docs/packages.md names what the scripts look for", check_packages(ROOT))
if have(CC):
    report("programs in the documents compile", check_programs(ROOT))
    notices("a program that does not compile", check_programs,
            {"README.md": "```c\n#include <gov.h>\nint main(void) { return gov_no_such(); }\n```\n"}, "does not compile")
else:
    skip("programs in the documents compile", "no compiler")
notices("a link to nowhere", check_links, {"README.md": "[x](docs/none.md) [y](https://a.b/)\n"}, "none.md")
for path in ("README.md", "README.zh-CN.md"):
    text = read(os.path.join(ROOT, path))
    name = f"{path} names the two commands"
    (ok(name) if "examples/run" in text and "tests/run" in text else not_ok(name, "it does not"))
finish()
