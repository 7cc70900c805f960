"""Each public header compiles alone, and twice over, as C11 and as C++11, without a warning."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import CC, ROOT, Tree, finish, have, not_ok, ok, run, skip, walk

WARN = ["-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only"]


def compilers():
    """(language, command) for each compiler that is there."""
    seen = []
    for cc in dict.fromkeys([CC, "gcc", "clang"]):
        if have(cc):
            seen.append(("C11", [cc, "-std=c11", "-x", "c"]))
    for cxx in ["g++", "clang++"]:
        if have(cxx):
            seen.append(("C++11", [cxx, "-std=c++11", "-x", "c++"]))
    return seen


def compile_header(command, include, header):
    with Tree({"one.c": f"#include <{header}>\n#include <{header}>\nint main(void);\n"}) as tmp:
        return run(command + WARN + ["-I", include, os.path.join(tmp, "one.c")])


found = compilers()
for language in ("C11", "C++11"):
    if not any(name == language for name, _ in found):
        skip(f"headers as {language}", "no such compiler")
for path in walk(ROOT, "include", [".h"]):
    header = os.path.relpath(path, "include")
    for language, command in found:
        result = compile_header(command, os.path.join(ROOT, "include"), header)
        name = f"<{header}> alone as {language} with {os.path.basename(command[0])}"
        if result.returncode == 0:
            ok(name)
        else:
            print(result.stdout)
            not_ok(name, "it does not compile")

for what, text in {
    "a header that needs another": "size_t gov_x(void);\n",
    "a header that is no C++": "static inline int *gov_x(void *p) { return p; }\n",
}.items():
    with Tree({"gov/bad.h": "#ifndef B\n#define B\n" + text + "#endif\n"}) as root:
        failed = [run_ for _, c in found for run_ in [compile_header(c, root, "gov/bad.h")]
                  if run_.returncode != 0]
    if failed or not found:
        ok(f"notices {what}")
    else:
        not_ok(f"notices {what}", "every compiler took it")
finish()
