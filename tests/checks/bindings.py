"""The bindings: what they export is what the headers declare; both install into an empty place without network; their
tests pass there; the quickstart says the same in three languages; the snippets of their pages run."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import BUILD, CC, ROOT, Tree, declarations, finish, have, not_ok, notices, ok, read, report, run, skip, walk


# --- what is written ---

def api(root):
    """Every public function with its contract."""
    found = {}
    for path in walk(root, "include", [".h"]):
        for d in declarations(read(os.path.join(root, path))):
            found[d["name"]] = d["doc"]
    return found


def wrapped(root):
    """(ignored names, names given back to twins) of gov.i."""
    text = read(os.path.join(root, "bindings", "gov.i"))
    handles = re.findall(r"^GOV_HANDLE\(\w+, (\w+)\)", text, re.M)
    ignored = set(re.findall(r"^%ignore (gov_\w+);", text, re.M))
    return ignored - set(re.findall(r"^%rename\((gov_\w+)\)", text, re.M)), set(handles)


def check_reach(root):
    """Each call is left out of the bindings on purpose, or used by both packages."""
    problems = []
    ignored, handles = wrapped(root)
    python = "".join(read(os.path.join(root, p)) for p in walk(root, "bindings/python/gov", [".py"]))
    lua = read(os.path.join(root, "bindings", "lua", "gov", "init.lua"))
    for name in api(root):
        if name in ignored:
            if re.search(rf"\b{name}\b", python + lua):
                problems.append(f"{name} is left out by gov.i, and used")
            continue
        for language, text in (("Python", python), ("Lua", lua)):
            if not re.search(rf"\b{name}\b", text) and name != "gov_error_free" and name != "gov_error_status":
                problems.append(f"{name} cannot be reached from {language}")
    for name in ignored:
        if name not in api(root) and not re.search(rf"\b{name}\b", "".join(
                read(os.path.join(root, p)) for p in walk(root, "include", [".h"]))):
            problems.append(f"gov.i leaves out {name}, which there is not")
    for path in walk(root, os.path.join("include", "gov"), [".h"]):
        if f"%include <gov/{os.path.basename(path)}>" not in read(os.path.join(root, "bindings", "gov.i")):
            problems.append(f"gov.i does not include {path}")
    return problems


def check_threads(root):
    """Calls that may block let other Python threads run."""
    text = read(os.path.join(root, "bindings", "python", "threads.i"))
    listed = {re.sub(r"_(now|warned|watched|scoped)$", "", n) for n in re.findall(r"^%thread (\w+);", text, re.M)}
    ignored, _ = wrapped(root)
    found = api(root)
    blocking = {name for name, doc in found.items() if "block=io" in doc} - ignored
    return [f"{n} may block and is not in threads.i" for n in sorted(blocking - listed)] + \
        [f"threads.i names {n}, which there is not" for n in sorted(listed - set(found))]


def public(tree, kind=ast.ClassDef):
    """{class: public members} of a module's source, with those of its own bases in it."""
    classes = {n.name: n for n in ast.walk(tree) if isinstance(n, kind)}

    def members(node):
        names = {n.name for n in node.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")}
        for base in node.bases:
            base = getattr(base, "id", "").lstrip("_")
            for name, other in classes.items():
                if name.lstrip("_") == base:
                    names |= members(other)
        return names
    return {name: members(node) for name, node in classes.items()}


def check_stubs(root):
    """The stubs list each public name, class and method of the package, and no other."""
    folder = os.path.join(root, "bindings", "python", "gov")
    stub = ast.parse(read(os.path.join(folder, "__init__.pyi")))
    init = ast.parse(read(os.path.join(folder, "__init__.py")))
    rest = ast.parse("\n".join(read(os.path.join(folder, n)) for n in sorted(os.listdir(folder)) if n.endswith(".py")))

    def names(tree):
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                return set(ast.literal_eval(node.value))
        return set()
    problems = [f"__all__ differs on {n}" for n in sorted(names(stub) ^ names(init))]
    declared = {getattr(n, "name", getattr(getattr(n, "target", None), "id", "")) for n in stub.body}
    problems += [f"the stubs do not have {n}" for n in sorted(names(init) - declared)]
    written, said = public(rest), public(stub)
    for name in sorted(names(init) & set(written)):
        problems += [f"the stubs differ on {name}.{m}" for m in sorted(written[name] ^ said.get(name, set()))]
    return problems


def check_annotations(root):
    """library/gov.lua lists each public function of the Lua module, and no other."""
    pattern = re.compile(r"^function ((?:gov|Rulebook|Scope|Expr|Simulation|Store|Community)[.:]\w+)", re.M)
    written = set(pattern.findall(read(os.path.join(root, "bindings/lua/gov/init.lua"))))
    said = set(pattern.findall(read(os.path.join(root, "bindings/lua/library/gov.lua"))))
    return [f"library/gov.lua differs on {n}" for n in sorted(written ^ said)]


# --- what is built ---

def step(name, args, **kwargs):
    result = run(args, **kwargs)
    if result.returncode == 0:
        return result.stdout
    print(" ".join(args), result.stdout, sep="\n")
    not_ok(name, f"{os.path.basename(args[0])} failed")
    return None


def clean_env(**more):
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LUA_PATH", "LUA_CPATH", "GOV_LIBRARY")}
    return dict(env, **more)


def find_lua():
    for name in ("lua5.4", "lua54", "lua"):
        if have(name) and "Lua 5.4" in run([name, "-v"]).stdout:
            return name
    return None


def install_python(tmp, env):
    """Installs the package by pip as people do, in a folder of its own; gives its environment."""
    name = "pip install ./bindings/python"
    if run([sys.executable, "-m", "pip", "--version"]).returncode != 0:
        return skip(name, "pip is missing")
    if run([sys.executable, "-c", "import os, sysconfig; raise SystemExit(not os.path.exists(os.path.join("
                                  "sysconfig.get_paths()['include'], 'Python.h')))"]).returncode != 0:
        return skip(name, "Python's headers are missing")
    place = os.path.join(tmp, "python")
    if step(name, [sys.executable, "-m", "pip", "install", "--no-index", "--disable-pip-version-check", "--no-cache-dir",
                   "--target", place, os.path.join(ROOT, "bindings", "python")],
            env=dict(env, CC=CC, CFLAGS="-Wall -Wextra -Werror")) is None:
        return None
    ok(name)
    files = walk(place, "gov", [""])
    wanted = ["__init__.py", "__init__.pyi", "py.typed"]
    report("the installed package is complete", [f"{w} is missing" for w in wanted if f"gov/{w}" not in files] +
           ([] if any(f.startswith("gov/_core.") and f.endswith(".so") for f in files) else ["gov/_core is missing"]))
    return dict(env, PYTHONPATH=place, PYTHONDONTWRITEBYTECODE="1")


def install_lua(tmp, env, lua):
    name = "luarocks make"
    if lua is None:
        return skip(name, "Lua 5.4 is missing")
    if not have("luarocks"):
        return skip(name, "luarocks is missing")
    if not os.path.exists("/usr/include/lua5.4/lua.h") and run(["pkg-config", "--exists", "lua >= 5.4"]).returncode != 0:
        return skip(name, "the headers of Lua 5.4 are missing")
    source, place = os.path.join(tmp, "bindings"), os.path.join(tmp, "rocks")
    shutil.copytree(os.path.join(ROOT, "bindings"), source,
                    ignore=shutil.ignore_patterns("build.luarocks", "*.so", "__pycache__"))
    if step(name, ["luarocks", "make", "--tree", place], cwd=os.path.join(source, "lua"),
            env=dict(env, CC=CC, HOME=tmp)) is None:
        return None
    ok(name)
    return dict(env, LUA_PATH=f"{place}/share/lua/5.4/?.lua;{place}/share/lua/5.4/?/init.lua;;",
                LUA_CPATH=f"{place}/lib/lua/5.4/?.so;;")


def tests(name, args, env):
    """Passes the lines of a test program on."""
    result = run(args, env=env, cwd=ROOT)
    print(result.stdout, end="")
    bad = len(re.findall(r"^not ok ", result.stdout, re.M))
    if bad:
        report_bad.append(name)
    elif result.returncode != 0:
        not_ok(name, f"it ended with {result.returncode}")


report_bad = []


def want_of_memory(tmp, env):
    """Fails Lua's allocations one by one in a host of our own."""
    name = "lua: want of memory"
    flags = next((run(["pkg-config", "--cflags", "--libs", m]).stdout.split() for m in ("lua5.4", "lua-5.4", "lua54", "lua")
                  if run(["pkg-config", "--exists", f"{m} >= 5.4"]).returncode == 0), None)
    program = os.path.join(tmp, "lua_oom")
    if flags is None or run([CC, "-std=gnu11", os.path.join(ROOT, "tests", "bindings", "lua_oom.c"), "-o", program,
                             *flags]).returncode != 0:
        return skip(name, "no Lua library to link")
    return tests(name, [program], env)


def quickstart(tmp, prefix, python, lua_env, lua):
    rules = os.path.join(ROOT, "examples", "quickstart")
    said = {}
    flags = run(["pkg-config", "--cflags", "--libs", "libgov"], env=clean_env(PKG_CONFIG_PATH=prefix["pc"])).stdout.split()
    program = os.path.join(tmp, "quickstart")
    name = "quickstart.c builds against the installed library"
    if step(name, [CC, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror",
                   os.path.join(ROOT, "examples", "quickstart.c"), "-o", program, *flags,
                   f"-Wl,-rpath,{prefix['lib']}"]) is not None:
        ok(name)
        said["C"] = run([program, os.path.join(tmp, "c.db"), rules])
    if python:
        said["Python"] = run([sys.executable, os.path.join(ROOT, "examples", "quickstart.py"),
                              os.path.join(tmp, "py.db"), rules], env=python)
    if lua_env:
        said["Lua"] = run([lua, os.path.join(ROOT, "examples", "quickstart.lua"), os.path.join(tmp, "lua.db"), rules],
                          env=lua_env)
    for language, result in said.items():
        name = f"the quickstart runs in {language}"
        if result.returncode == 0 and len(result.stdout.splitlines()) == 10:
            ok(name)
        else:
            print(result.stdout)
            not_ok(name, f"status {result.returncode}")
    for language in ("Python", "Lua"):
        name = f"the quickstart says the same in C and {language}"
        if language not in said or "C" not in said:
            skip(name, "one of them was not built")
        elif said[language].stdout == said["C"].stdout:
            ok(name)
        else:
            print(said["C"].stdout, said[language].stdout, sep="--\n")
            not_ok(name, "it does not")


def snippets(page, language, args, env):
    """The blocks of a page, one after another, make a program that runs from the root of the tree."""
    name = f"the snippets of {page} run"
    blocks = re.findall(rf"```{language}\n(.*?)```", read(os.path.join(ROOT, page)), re.S)
    if env is None:
        return skip(name, "the binding was not built")
    with Tree({f"page.{language}": "\n".join(blocks)}) as tmp:
        os.symlink(os.path.join(ROOT, "examples"), os.path.join(tmp, "examples"))
        if blocks and step(name, [*args, f"page.{language}"], env=env, cwd=tmp) is not None:
            ok(name)


def stubtest(env):
    name = "stubtest agrees with the stubs"
    if env is None or run([sys.executable, "-c", "import mypy.stubtest"], env=env).returncode != 0:
        return skip(name, "mypy is not installed")
    with Tree({"allow": "gov\\._.*\n"}) as tmp:
        if step(name, [sys.executable, "-m", "mypy.stubtest", "gov", "--allowlist", os.path.join(tmp, "allow")],
                env=env, cwd=tmp) is not None:
            ok(name)


def main():
    names = ["pip install ./bindings/python", "luarocks make"]
    why = None
    if not os.path.exists(os.path.join(BUILD, "lib", "libgov.so")) or not have("cmake"):
        why = f"nothing is built in {BUILD}"
    elif not (have("swig") or have("swig4.0")):
        why = "SWIG is missing"
    elif not have("pkg-config"):
        why = "pkg-config is missing"
    if why:
        for name in names:
            skip(name, why)
        return
    with tempfile.TemporaryDirectory(prefix="govbind.") as tmp:
        place = os.path.join(tmp, "prefix")
        if step("install", ["cmake", "--install", BUILD, "--prefix", place]) is None:
            return
        lib = os.path.dirname(os.path.join(place, next(f for f in walk(place, ".", [""]) if f.endswith("libgov.so.0"))))
        prefix = {"lib": lib, "pc": os.path.join(lib, "pkgconfig")}
        env = clean_env(PKG_CONFIG_PATH=prefix["pc"])
        lua = find_lua()
        python_env, lua_env = install_python(tmp, env), install_lua(tmp, env, lua)
        if python_env:
            tests("the Python tests", [sys.executable, "-B", "tests/bindings/test_python.py"], python_env)
        if lua_env:
            tests("the Lua tests", [lua, "tests/bindings/test_lua.lua"], lua_env)
            want_of_memory(tmp, lua_env)
        quickstart(tmp, prefix, python_env, lua_env, lua)
        snippets("docs/python.md", "python", [sys.executable, "-B"], python_env)
        snippets("docs/lua.md", "lua", [lua], lua_env)
        stubtest(python_env)


report("each public call can be reached from Python and Lua, or is left out on purpose", check_reach(ROOT))
report("calls that block let Python's threads run", check_threads(ROOT))
report("the Python stubs list every name", check_stubs(ROOT))
report("the Lua annotations list every function", check_annotations(ROOT))

_tree = {
    "include/gov/a.h": "/** A. @contract thread=any alloc=no block=io */\nGOV_API int gov_a(void);\n",
    "bindings/gov.i": "%include <gov/a.h>\n", "bindings/python/threads.i": "", "bindings/python/gov/a.py": "",
    "bindings/lua/gov/init.lua": "function gov.a() return core.gov_a() end\n",
    "bindings/lua/library/gov.lua": "",
    "bindings/python/gov/__init__.py": "__all__ = ['a', 'B']\nclass B:\n    def f(self): pass\n",
    "bindings/python/gov/__init__.pyi": "__all__ = ['B']\nclass B: ...\n",
}
notices("a call that Python cannot reach", check_reach, _tree, "gov_a cannot be reached from Python")
notices("a call that blocks", check_threads, _tree, "gov_a may block")
notices("a name that the stubs lack", check_stubs, _tree, "__all__ differs on a", "do not have a", "differ on B.f")
notices("a function without annotation", check_annotations, _tree, "gov.a")
main()
if report_bad:
    sys.exit(1)
finish()
