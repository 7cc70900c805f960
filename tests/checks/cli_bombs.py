"""What is too much, or no file at all: each ends soon, with one clear answer."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import finish
from clilib import GOV, Folder, expect, gov, guarded, present

HEAD = "rulebook: t\nversion: '1'\ntime_zone: UTC\n"
SECONDS = 120  # under a sanitizer on a busy machine; without one all take less than a second


def soon(*words, stdin=None):
    """In a bounded time and a bounded memory where the build allows that (a sanitizer reserves its own)."""
    try:
        done = subprocess.run([GOV, *words], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=SECONDS,
                              env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)
    except subprocess.TimeoutExpired:
        return None
    return done


def check_pipes(f):
    os.mkfifo(f("pipe"))
    os.makedirs(f("folder"))
    os.mkfifo(f("folder/rulebook.yaml"))
    for path in ("pipe", "folder", "/dev/zero", "/dev/null"):
        done = soon("check", path if path.startswith("/") else f(path))
        expect(f"check of {path}", done is not None and done.returncode == 1 and "not a regular file" in done.stdout, done)
    done = soon("record", "put", f("none.db"), "unit", "U1", "--fields", "@/dev/zero")
    expect("fields from a device that never ends", done is not None and done.returncode == 2 and done.stderr.count("\n") == 1, done)


def many_errors():
    yield "unknown keys", "".join(f"k{i}: x\n" for i in range(100000)), 100000
    yield "targets that there are not", "---\nworkflow: w\nstates:\n" + "".join(f"  s{i}: {{on: {{e: t{i}}}}}\n" for i in range(4000)), None
    yield "too many states", "---\nworkflow: w\nstates:\n" + "".join(f"  s{i}: {{}}\n" for i in range(20000)), None
    yield "too many values", "values:\n" + "".join(f"  v{i}: {{is: 1}}\n" for i in range(100000)), 1
    yield ("expressions with unknown names", "---\nworkflow: w\nfields: {a: {type: int}}\nevents: {go: {}}\nstates:\n  s:\n    on:\n      go:\n" +
           "".join(f"        - {{when: case.b{i} > 1, to: s}}\n" for i in range(5000)), None)
    yield "a key that stands again and again", "values:\n" + "  v: {is: 1}\n" * 20000, 19999


def check_errors(f):
    for name, text, count in many_errors():
        path = f.write("many.yaml", HEAD + text)
        done = soon("check", path)
        ended = done is not None and done.returncode == 1
        expect(f"{name}: checked", ended, done and done.stderr)
        if ended:
            lines = done.stdout.splitlines()
            expect(f"{name}: at most so many are told", len(lines) <= 2003, len(lines))
            if count is not None:
                expect(f"{name}: all are counted", f"errors: {count}," in lines[-1], lines[-1])


def check_bombs(f):
    layers = "".join(f"  b{i}: &b{i} [{', '.join(['*b' + str(i - 1)] * 10)}]\n" for i in range(1, 12))
    bombs = {"aliases": ("values:\n  b0: &b0 [x, x]\n" + layers, "yaml_alias_limit"),
             "depth in brackets": ("title: " + "[" * 100000 + "]" * 100000 + "\n", "yaml_depth"),
             "depth by indentation": ("title:\n" + "".join(" " * i + "- \n" for i in range(1, 900)), "yaml_depth"),
             "size": ("# " + "x" * (9 << 20) + "\n", "too_large"),
             "an expression": ("---\nworkflow: w\nstates: {a: {always: {when: '" + "(" * 50000 + "', to: a}}}\n", "too_large"),
             "values in a circle": ("values:\n" + "".join(f"  v{i}: {{is: values.v{(i + 1) % 4000}, source: s}}\n" for i in range(4000)), "value_circle"),
             "a chain of values without an end": ("values:\n" + "".join(f"  v{i}: {{is: values.v{i + 1}, source: s}}\n" for i in range(4000)), "unknown_name")}
    for name, (text, code) in bombs.items():
        done = soon("check", f.write("bomb.yaml", HEAD + text), "--json")
        expect(f"a bomb of {name}", done is not None and done.returncode == 1 and f'"{code}"' in done.stdout,
               done and (done.stdout[:300], done.stderr[:300]))


def check_keys(f):
    path = f("keys.db")
    gov("init", path, "--rulebook", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/quickstart"))
    for key in ("a\nb", "tab\t", "bell\a", "\x7f", "\u0085"):
        answer = gov("record", "put", path, "unit", key, "name=x")
        expect(f"a key with {key!r}", answer.code == 2 and "control" in answer.err and answer.err.count("\n") == 1, answer)
    answer = gov("record", "put", path, "unit", "一处 A-1/b", "name=x")
    expect("a key with a blank and a slash", answer.code == 0, answer)


def check_edited(f):
    """A rulebook that is edited meanwhile: what was installed goes on as it was."""
    f.write("rules/rulebook.yaml", HEAD + "roles: {r: {}}\n---\nworkflow: w\nevents: {go: {by: [r]}}\n"
            "states: {a: {on: {go: b}}, b: {type: final}}\n")
    path = f("edited.db")
    expect("a community of these rules", gov("init", path, "--rulebook", f("rules")).code == 0)
    expect("a case", gov("case", "open", path, "w").code == 0)
    f.write("rules/rulebook.yaml", "rulebook: t\nbroken: [\n")
    answer = gov("case", "list", path, "--json")
    expect("its rules are those that were installed", answer.code == 0 and '"a"' in answer.out, answer)
    expect("the edited ones are refused", gov("install", path, "--rulebook", f("rules")).code in (1, 2))


if present():
    with Folder() as folder:
        for check in (check_pipes, check_errors, check_bombs, check_keys, check_edited):
            guarded(check, folder)
finish()
