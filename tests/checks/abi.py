"""The library's binary interface is the committed one, or more: abidiff against tests/abi/libgov.abi.

    abi.py --write    records the interface of build/debug (configure it with the preset debug)
"""

import os
import platform
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import BUILD, ROOT, CC, finish, have, not_ok, ok, read, run, skip

DUMP = os.path.join(ROOT, "tests", "abi", "libgov.abi")
NAME = "the binary interface keeps what it had"


def debug_library():
    for build in (os.path.join(os.path.dirname(BUILD), "debug"), os.path.join(os.path.dirname(BUILD), "gcc-debug")):
        path = os.path.join(build, "lib", "libgov.so")
        if os.path.exists(path):
            return path
    return None


def build_library(tmp):
    """A shared library with debug information, since the release has none."""
    flags = ["-DCMAKE_BUILD_TYPE=Debug", "-DGOV_CLI=OFF", "-DGOV_EXAMPLES=OFF", "-DGOV_TESTS=OFF",
             "-DGOV_STATIC_LIB=OFF", f"-DCMAKE_C_COMPILER={CC}"]
    steps = [["cmake", "-S", ROOT, "-B", tmp, *flags], ["cmake", "--build", tmp, "-j2", "--target", "gov"]]
    for step in steps:
        result = run(step)
        if result.returncode != 0:
            print(result.stdout)
            return None
    return os.path.join(tmp, "lib", "libgov.so")


def dump(library, out):
    return run(["abidw", "--headers-dir", os.path.join(ROOT, "include"), "--no-comp-dir-path", "--no-corpus-path",
                "--no-show-locs", "--out-file", out, library])


def machine_of(text):
    match = re.search(r"architecture='([^']+)'", text)
    return match.group(1) if match else ""


def compare(old, library):
    return run(["abidiff", "--headers-dir2", os.path.join(ROOT, "include"), "--no-added-syms", old, library])


if "--write" in sys.argv[1:]:
    with tempfile.TemporaryDirectory(prefix="govabi.") as tmp:
        lib = build_library(tmp)
        os.makedirs(os.path.dirname(DUMP), exist_ok=True)
        sys.exit(1 if lib is None else dump(lib, DUMP).returncode)

if not os.path.exists(DUMP):
    skip(NAME, "no dump is committed yet")
elif not have("abidw") or not have("abidiff"):
    skip(NAME, "abidw and abidiff are missing")
elif platform.machine() not in machine_of(read(DUMP)).replace("amd-", "").replace("elf-", "") \
        and not (platform.machine() == "x86_64" and "x86_64" in machine_of(read(DUMP))):
    skip(NAME, f"the dump is of {machine_of(read(DUMP))}")
else:
    with tempfile.TemporaryDirectory(prefix="govabi.") as tmp:
        lib = build_library(tmp)
        if lib is None:
            not_ok(NAME, "the library did not build")
        else:
            result = compare(DUMP, lib)
            # bit 3 of the status: an incompatible change; bit 2: a change
            if result.returncode == 0:
                ok(NAME)
            else:
                print(result.stdout)
                not_ok(NAME, f"abidiff answers {result.returncode}")

if have("abidw") and have("abidiff") and have(CC):
    with tempfile.TemporaryDirectory(prefix="govabi.") as tmp:
        for name, text in {"old": "struct s { int a; }; int gov_f(struct s *s) { return s->a; }",
                           "new": "struct s { long a; }; int gov_f(struct s *s) { return (int)s->a; }"}.items():
            with open(os.path.join(tmp, name + ".c"), "w", encoding="utf-8") as f:
                f.write(text + "\n")
            run([CC, "-g", "-shared", "-fPIC", "-o", os.path.join(tmp, name + ".so"), os.path.join(tmp, name + ".c")])
        run(["abidw", "--out-file", os.path.join(tmp, "old.abi"), os.path.join(tmp, "old.so")])
        result = run(["abidiff", os.path.join(tmp, "old.abi"), os.path.join(tmp, "new.so")])
        if result.returncode != 0:
            ok("notices a struct whose layout changed")
        else:
            not_ok("notices a struct whose layout changed", "abidiff saw no difference")
else:
    skip("notices a struct whose layout changed", "abidw and abidiff are missing")
finish()
