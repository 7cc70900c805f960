"""The library does not print, exit, abort, read the environment, start threads, keep mutable state,
set hooks that belong to the host, or call functions that overrun or depend on the locale."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import BUILD, ROOT, blank, finish, have, notices, ok, not_ok, read, report, run, skip, walk

BANNED = {
    "prints": "printf vprintf puts putchar perror psignal vfprintf fprintf putc fputc",
    "ends the process": "exit _exit _Exit quick_exit abort assert raise kill",
    "reads or sets the environment": "getenv secure_getenv setenv unsetenv putenv setlocale uselocale",
    "may overrun": "strcpy strcat sprintf vsprintf gets scanf fscanf sscanf stpcpy",
    "hides mistakes": "strtok atoi atol atoll atof strncpy strncat alloca",
    "keeps hidden state or the machine's zone":
        "localtime localtime_r mktime ctime asctime gmtime tzset rand srand random srandom strerror",
    "reads the clock": "time clock_gettime gettimeofday timespec_get clock",
    "starts a process, a thread or a jump":
        "system popen fork vfork execl execv execvp execve posix_spawn pthread_create thrd_create "
        "signal sigaction longjmp setjmp siglongjmp sleep usleep",
    "sets a hook that belongs to the host":
        "sqlite3_config sqlite3_auto_extension sqlite3_initialize sqlite3_shutdown json_set_alloc_funcs "
        "json_object_seed initGEOS finishGEOS sodium_set_misuse_handler randombytes_set_implementation",
    "takes memory past the allocator": "malloc calloc realloc reallocarray strdup strndup asprintf aligned_alloc",
}
WHY = {name: why for why, names in BANNED.items() for name in names.split()}

# The few places that must: what (path suffix) may call which functions, and why.
ALLOWED = {
    ("base/alloc.c", "malloc"): "the default allocator",
    ("base/alloc.c", "calloc"): "the default allocator",
    ("base/alloc.c", "realloc"): "the default allocator",
    ("base/num.c", "malloc"): "a number of more digits than any double needs; no handle is at hand",
    ("api/clock.c", "clock_gettime"): "the default clock of a host that gives none",
    ("store/store_sqlite.c", "sqlite3_initialize"): "not a hook",
}

IMPORTS = set("""printf puts putchar perror vprintf fprintf vfprintf __printf_chk __fprintf_chk __vfprintf_chk
    stdout stderr exit _exit _Exit abort __assert_fail getenv secure_getenv setenv putenv strcpy strcat sprintf
    vsprintf system popen fork pthread_create signal sigaction setlocale localtime mktime gets tzset
    sqlite3_config initGEOS rand srand""".split())


def check_source(root):
    problems = []
    for path in walk(root, "libgov", [".c", ".h"]):
        text = blank(read(os.path.join(root, path)))
        for match in re.finditer(r"(?<![\w.])(?<!->)([A-Za-z_]\w*)\s*\(", text):
            name = match.group(1)
            if name not in WHY or (path.split(os.sep, 1)[1].replace(os.sep, "/"), name) in ALLOWED:
                continue
            line = text.count("\n", 0, match.start()) + 1
            # "static bool time(" and the like define a name of their own
            problems.append(f"{path}:{line}: {name} {WHY[name]}")
        for match in re.finditer(r"\b(stdout|stderr|stdin|environ|errno_location)\b", text):
            line = text.count("\n", 0, match.start()) + 1
            problems.append(f"{path}:{line}: {match.group(1)} belongs to the host")
    return problems


def check_imports(library):
    lines = run(["nm", "-D", "--undefined-only", library]).stdout.splitlines()
    names = {re.sub(r"@.*", "", line.split()[-1]) for line in lines if line.split()}
    return [f"libgov.so imports {name}" for name in sorted(names & IMPORTS)]


# Not const, for it is handed out as an ordinary error, and yet never written: the error of want of memory.
CONSTANT = {"nomem_error", "nomem_item"}


def check_state(objects):
    """Variables that a program could write: nothing may live outside handles."""
    problems = []
    for path in objects:
        for line in run(["objdump", "-t", path]).stdout.splitlines():
            parts = line.split()
            section = next((p for p in parts if p.startswith((".data", ".bss", ".tdata", ".tbss", "*COM*"))), "")
            if not section or section.startswith((".data.rel.ro", ".data.rel.local.ro")):
                continue
            if " O " in line and parts[-1] not in CONSTANT:
                problems.append(f"{os.path.basename(path)}: {parts[-1]} is mutable state ({section})")
    return problems


report("libgov calls nothing that belongs to the host", check_source(ROOT))
library = os.path.join(BUILD, "lib", "libgov.so")
if os.path.exists(library) and have("nm"):
    report("libgov.so imports nothing that belongs to the host", check_imports(library))
else:
    skip("libgov.so imports nothing that belongs to the host", "libgov.so or nm is missing")
objects = [os.path.join(BUILD, p) for p in walk(BUILD, os.path.join("CMakeFiles", "govobj.dir"), [".o"])] \
    if os.path.isdir(BUILD) else []
if objects and have("objdump"):
    report("libgov keeps no mutable state", check_state(objects))
else:
    skip("libgov keeps no mutable state", "the objects or objdump are missing")

for call, word in {"printf(\"x\")": "prints", "exit(1)": "ends the process", "getenv(\"HOME\")": "environment",
                   "strcpy(a, b)": "overrun", "malloc(3)": "allocator", "time(NULL)": "clock"}.items():
    notices(call, check_source, {"libgov/base/a.c": f"void f(void)\n{{\n    {call};\n}}\n"}, word)
notices("stderr", check_source, {"libgov/base/a.c": "void *f = stderr;\n"}, "stderr")
notices("what only looks like it", check_source, {
    "libgov/base/a.c": '/* printf("x") */ const char *s = "exit(1)"; int f(struct s *x) { return x->time(3) + y.exit(1)'
                       " + base_printf(2); }\n"})
if have(os.environ.get("CC") or "gcc") and have("objdump"):
    from checklib import CC, Tree
    with Tree({"a.c": "static int n; int f(void); int f(void) { return ++n; }\n"
                      "static const char *const t[] = {\"a\"}; const char *g(int i); const char *g(int i) { return t[i]; }\n"
                      "#include <stdlib.h>\nvoid h(void); void h(void) { exit(1); }\n"}) as tmp:
        run([CC, "-fPIC", "-c", os.path.join(tmp, "a.c"), "-o", os.path.join(tmp, "a.o")])
        found = check_state([os.path.join(tmp, "a.o")])
        (ok if len(found) == 1 and " n " in found[0] else lambda n: not_ok(n, repr(found)))("notices a static counter")
        run([CC, "-shared", os.path.join(tmp, "a.o"), "-o", os.path.join(tmp, "a.so")])
        found = check_imports(os.path.join(tmp, "a.so"))
        (ok if found == ["libgov.so imports exit"] else lambda n: not_ok(n, repr(found)))("notices an imported exit")
finish()
