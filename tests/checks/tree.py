"""The tree holds what belongs there: known top-level entries, no machine's paths, clean text."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import BUILD, ROOT, finish, have, notices, report, run, skip

TOP = {"libgov", "include", "bindings", "examples", "tests", "pkgconfig", "docs", "CMakeLists.txt",
       "CMakePresets.json", "README.md", "README.zh-CN.md", "LICENSE", "CHANGELOG.md", ".clang-format", ".ci"}
TEXT = (".c", ".h", ".i", ".py", ".pyi", ".lua", ".sh", ".md", ".yaml", ".yml", ".txt", ".json", ".cmake", ".in",
        ".def", ".map", ".toml", ".rockspec", ".html")
# Put together from pieces, or this file would find itself.
PATHS = re.compile("(?<![\\w.~])/(?:" + "|".join(["ho" + "me", "ro" + "ot", "Us" + "ers", "wo" + "rk"]) + ")/[\\w.-]+")
LIMIT = 4 << 20


def files(root):
    """What git tracks or would track; in a tree without git, all files outside build/."""
    if os.path.exists(os.path.join(root, ".git")) and have("git"):
        out = run(["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "-co", "--exclude-standard"]).stdout
        return sorted({p for p in out.split("\0") if p and os.path.lexists(os.path.join(root, p))})
    found = []
    for folder, dirs, names in os.walk(root):
        if folder == root:
            dirs[:] = [d for d in dirs if d not in ("build", ".git")]
        found += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return sorted(found)


def check_top(root):
    entries = {p.split(os.sep)[0] for p in files(root)}
    return [f"{e} does not belong at the top" for e in sorted(entries - TOP)]


def contents(root):
    for path in files(root):
        full = os.path.join(root, path)
        if os.path.isfile(full) and not os.path.islink(full):
            with open(full, "rb") as f:
                yield path, f.read()


def check_paths(root):
    problems = []
    for path, data in contents(root):
        for match in PATHS.finditer(data.decode("utf-8", "replace")):
            problems.append(f"{path}: {match.group()} is a path of one machine")
    return problems


def check_text(root):
    problems = []
    for path, data in contents(root):
        if len(data) > LIMIT:
            problems.append(f"{path}: {len(data)} bytes are too many")
        if not path.endswith(TEXT) or "/corpus/" in path or path.startswith(("tests/data/", "tests/cases/")):
            continue
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as e:
            problems.append(f"{path}: not UTF-8 at byte {e.start}")
            continue
        if "\r" in text:
            problems.append(f"{path}: carriage returns")
        if text and not text.endswith("\n"):
            problems.append(f"{path}: no newline at its end")
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                problems.append(f"{path}:{number}: white space at the end of the line")
                break
        if "\t" in text and path.endswith((".c", ".h", ".py", ".yaml", ".yml", ".lua")):
            problems.append(f"{path}: tabs")
    return problems


report("only known entries at the top", check_top(ROOT))
report("no machine's paths", check_paths(ROOT))
report("text files are clean", check_text(ROOT))

library = os.path.join(BUILD, "lib", "libgov.so")
if os.path.exists(library):
    with open(library, "rb") as f:
        inside = os.fsencode(ROOT) + b"/" in f.read()
    report("libgov.so does not know where it was built", [f"{ROOT} is in it"] if inside else [])
else:
    skip("libgov.so does not know where it was built", "it is not built")

notices("a stranger at the top", check_top, {"libgov/a.c": "", "scripts/x": ""}, "scripts")
notices("a machine's path", check_paths, {"docs/a.md": "see /" + "home/anna/x\n"}, "path of one machine")
notices("no path in a URL or a relative one", check_paths, {"docs/a.md": "https://a.b/" + "work/x ../" + "home/x\n"})
notices("untidy text", check_text, {"docs/a.md": "a \nb\n", "docs/b.md": "a\r\n", "docs/c.md": "a"},
        "a.md:1", "b.md: carriage", "b.md:1", "c.md: no newline")
finish()
