"""What `cmake --install` leaves is complete: a consumer builds and runs through pkg-config, shared and
static, and through find_package; the archive keeps our internals to itself."""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import BUILD, CC, ROOT, finish, have, not_ok, ok, read, report, run, skip, walk

CONSUMER = """#include <gov.h>
#include <stdio.h>
#include <string.h>

/* Names that libgov uses inside: the host may have its own. */
int base_alloc(void);
int base_alloc(void) { return 1; }
int value_free(void);
int value_free(void) { return 2; }

int main(void)
{
    printf("%s\\n", gov_version());
    return strcmp(gov_version(), GOV_VERSION_STRING) != 0 || base_alloc() != 1 || value_free() != 2;
}
"""
CMAKE = """cmake_minimum_required(VERSION 3.16)
project(consumer C)
find_package(gov 0.1 REQUIRED)
add_executable(shared main.c)
target_link_libraries(shared PRIVATE gov::gov)
add_executable(static main.c)
target_link_libraries(static PRIVATE gov::gov_static)
"""


def step(name, args, env=None):
    result = run(args, env=env)
    if result.returncode == 0:
        return result.stdout
    print(" ".join(args), result.stdout, sep="\n")
    not_ok(name, f"{os.path.basename(args[0])} failed")
    return None


def pkg_config(env, *args):
    result = subprocess.run(["pkg-config", *args, "libgov"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env=env, check=False)
    if result.returncode != 0:
        print(result.stderr)
    return result.stdout.split()


def consume_pkg_config(tmp, prefix, libdir, env):
    main = os.path.join(tmp, "main.c")
    name = "a consumer builds through pkg-config"
    flags = pkg_config(env, "--cflags", "--libs")
    if any(f in ("-lsqlite3", "-ljansson", "-lpq") for f in flags):
        not_ok(name, f"dependencies show: {flags}")
    elif step(name, [CC, main, "-o", os.path.join(tmp, "a"), *flags]) is not None:
        if step(name, [os.path.join(tmp, "a")], dict(env, LD_LIBRARY_PATH=libdir)) is not None:
            ok(name)
    name = "a consumer builds through pkg-config --static"
    if not os.path.exists(os.path.join(libdir, "libgov.a")):
        skip(name, "libgov.a was not built")
        return
    flags = [f if f != "-lgov" else os.path.join(libdir, "libgov.a")
             for f in pkg_config(env, "--cflags", "--libs", "--static")]
    if step(name, [CC, main, "-o", os.path.join(tmp, "b"), *flags]) is not None:
        if step(name, [os.path.join(tmp, "b")]) is not None:
            ok(name)


def consume_cmake(tmp, prefix, env):
    name = "a consumer builds through find_package"
    build = os.path.join(tmp, "consumer")
    with open(os.path.join(tmp, "CMakeLists.txt"), "w", encoding="utf-8") as f:
        f.write(CMAKE)
    if step(name, ["cmake", "-S", tmp, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_C_COMPILER={CC}"]) \
            is not None and step(name, ["cmake", "--build", build]) is not None:
        for program in ("shared", "static"):
            if step(name, [os.path.join(build, program)]) is None:
                return
        ok(name)
    name = "find_package refuses another major version"
    with open(os.path.join(tmp, "CMakeLists.txt"), "w", encoding="utf-8") as f:
        f.write(CMAKE.replace("gov 0.1", "gov 1.0"))
    result = run(["cmake", "-S", tmp, "-B", build + "2", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_C_COMPILER={CC}"])
    (ok(name) if result.returncode != 0 else not_ok(name, "it was taken"))


def main():
    if not os.path.exists(os.path.join(BUILD, "lib", "libgov.so")) or not have("cmake"):
        skip("install", f"nothing is built in {BUILD}")
        return
    with tempfile.TemporaryDirectory(prefix="govinstall.") as tmp:
        prefix = os.path.join(tmp, "prefix")
        if step("install", ["cmake", "--install", BUILD, "--prefix", prefix]) is None:
            return
        files = walk(prefix, ".", [""])
        wanted = ["include/gov.h", "pkgconfig/libgov.pc", "pkgconfig/gov.pc", "gov-config.cmake", "gov-config-version.cmake", "libgov.so.0"]
        wanted += walk(ROOT, "include", [".h"])
        if walk(ROOT, os.path.join("examples", "gov"), [".c"]):
            wanted.append("bin/gov")
        report("everything is installed", [f"{w} is not installed" for w in wanted
                                           if not any(f.endswith(w) for f in files)])
        text = "".join(read(os.path.join(prefix, f)) for f in files if f.endswith((".pc", ".cmake", ".h")))
        report("what is installed names no path of the build", [f"{p} is in it" for p in (ROOT, BUILD) if p in text])
        libdir = os.path.dirname(os.path.join(prefix, next(f for f in files if f.endswith("libgov.so.0"))))
        with open(os.path.join(tmp, "main.c"), "w", encoding="utf-8") as f:
            f.write(CONSUMER)
        env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(libdir, "pkgconfig"))
        consume_pkg_config(tmp, prefix, libdir, env)
        consume_cmake(tmp, prefix, env)
        archive = os.path.join(libdir, "libgov.a")
        if os.path.exists(archive):
            names = re.findall(r" [TDBRVW] (\w+)$", run(["nm", "-g", "--defined-only", archive]).stdout, re.M)
            report("libgov.a shows its public names only", [f"{n} shows" for n in names if not n.startswith("gov_")])
        program = os.path.join(prefix, "bin", "gov")
        if os.path.exists(program):
            out = step("the installed gov runs", [program, "--version"])
            if out is not None:
                ok("the installed gov runs")
        else:
            skip("the installed gov runs", "there is none yet")


main()
finish()
