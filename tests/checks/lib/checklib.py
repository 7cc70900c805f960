"""What the checks share: where things are, how results are printed, and C source taken apart."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("GOV_BUILD") or os.path.join(ROOT, "build", "release")
CC = os.environ.get("CC") or "gcc"

_failures = 0


def ok(name):
    print(f"ok {name}", flush=True)


def not_ok(name, why):
    global _failures
    _failures += 1
    print(f"not ok {name} - {why}", flush=True)


def skip(name, why):
    print(f"skip {name} - {why}", flush=True)


def report(name, problems, limit=40):
    """One line for a list of problems; the problems themselves are indented above it."""
    for problem in problems[:limit]:
        print(f"  {problem}", flush=True)
    if problems:
        more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        not_ok(name, f"{problems[0]}{more}")
    else:
        ok(name)


def finish():
    sys.exit(1 if _failures else 0)


def have(program):
    return shutil.which(program) is not None


def run(args, **kwargs):
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, **kwargs)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def walk(root, top, suffixes):
    """Paths below root/top with one of the suffixes, relative to root, sorted."""
    found = []
    for folder, dirs, files in os.walk(os.path.join(root, top)):
        dirs.sort()
        for name in files:
            if name.endswith(tuple(suffixes)):
                found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found)


class Tree:
    """A temporary tree of bad examples: Tree({"libgov/a/a.c": "..."}) used with `with`."""

    def __init__(self, files):
        self.files = files

    def __enter__(self):
        self.root = tempfile.mkdtemp(prefix="govcheck.")
        for path, text in self.files.items():
            full = os.path.join(self.root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as f:
                f.write(text)
        return self.root

    def __exit__(self, *_):
        shutil.rmtree(self.root, ignore_errors=True)


def notices(name, check, files, *expect):
    """Self-test: check(root) finds in this tree one problem for each expected word, and no other."""
    with Tree(files) as root:
        problems = check(root)
    missing = [word for word in expect if not any(word in p for p in problems)]
    if missing:
        not_ok(f"notices {name}", f"no problem with {missing[0]!r} among {problems!r}")
    elif len(problems) != len(expect):
        not_ok(f"notices {name}", f"{len(expect)} problems expected, found {problems!r}")
    else:
        ok(f"notices {name}")


_token = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)
      | (?P<string>(?:u8|u|U|L)?"(?:\\.|[^"\\\n])*")
      | (?P<char>'(?:\\.|[^'\\\n])*')
      | (?P<word>[A-Za-z_]\w*)
      | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
      | (?P<space>(?:\s|\\\n)+)
      | (?P<other>.)""", re.S | re.X)


def tokens(text):
    """(kind, text, line) of C source; comments and white space are left out."""
    line = 1
    for match in _token.finditer(text):
        kind = match.lastgroup
        if kind not in ("comment", "space"):
            yield kind, match.group(), line
        line += match.group().count("\n")


def blank(text, keep_strings=False):
    """C source with comments (and the insides of literals) replaced by blanks; lines stay put."""
    def cover(match):
        kind, piece = match.lastgroup, match.group()
        if kind == "comment":
            return re.sub(r"[^\n]", " ", piece)
        if kind in ("string", "char") and not keep_strings:
            return piece[0] + re.sub(r"[^\n]", " ", piece[1:-1]) + piece[-1]
        return piece
    return _token.sub(cover, text)


def unquote(literal):
    """The bytes a C string literal stands for, as text; only what SQL and messages need."""
    body = literal[literal.index('"') + 1:-1]
    table = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", '"': '"', "\\": "\\", "'": "'", "?": "?"}
    return re.sub(r"\\(.)", lambda m: table.get(m.group(1), m.group(0)), body, flags=re.S)


def literals_defined(text):
    """The macros of a source that are string literals: name -> value."""
    macros = {}
    for match in re.finditer(r'^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+((?:"(?:\\.|[^"\\])*"|\s|\\\n)+)$',
                             text, re.M):
        parts = re.findall(r'"(?:\\.|[^"\\\n])*"', match.group(2))
        macros[match.group(1)] = "".join(unquote(p) for p in parts)
    return macros


def strings(text, shared=None):
    """(string, line) for each run of adjacent literals. A macro between them stands as its literal
    value where the same file defines one, or `shared` does, else as a blank."""
    macros = {**(shared or {}), **literals_defined(text)}
    run_, start, pending = None, 0, []
    for kind, piece, line in tokens(text):
        if kind == "string":
            if run_ is None:
                run_, start = "", line
            run_ += "".join(pending) + unquote(piece)
            pending = []
        elif run_ is not None and kind == "word":
            pending.append(macros.get(piece, " "))
        elif run_ is not None:
            if pending and all(p == " " for p in pending) is False:
                run_ += "".join(pending)
            yield run_, start
            run_, pending = None, []
    if run_ is not None:
        yield run_, start


def declarations(header_text):
    """Public functions of a header: dicts of name, text (one line), line, doc (comment before it)."""
    found = []
    pattern = re.compile(r"^GOV_API\b(?P<decl>[^;{]*?\b(?P<name>gov_\w+)\s*\((?P<args>[^;]*)\)\s*);", re.M)
    for match in pattern.finditer(header_text):
        before = header_text[:match.start()].rstrip()
        doc = ""
        if before.endswith("*/"):
            start = before.rfind("/*")
            doc = before[start:] if before.startswith("/**", start) else ""
        found.append({
            "name": match.group("name"),
            "args": " ".join(match.group("args").split()),
            "text": " ".join(match.group("decl").split()),
            "line": header_text.count("\n", 0, match.start()) + 1,
            "doc": doc,
        })
    return found


def functions(source):
    """Function definitions of C source in the house style: (name, first line, last line, body)."""
    text = blank(source)
    found = []
    for match in re.finditer(r"^(?P<head>[A-Za-z_][^;{}#]*?\b(?P<name>\w+)\s*\([^;{}]*\)\s*)\n\{", text, re.M):
        end = text.find("\n}", match.end())
        if end < 0:
            continue
        first = text.count("\n", 0, match.start()) + 1
        last = text.count("\n", 0, end) + 2
        found.append((match.group("name"), first, last, text[match.end():end]))
    return found


def table(markdown, columns):
    """Rows of the markdown tables with that many columns, cells stripped, headings left out."""
    rows = []
    for line in markdown.splitlines():
        if line.startswith("|") and not re.match(r"^\|[\s:|-]+$", line):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) == columns:
                rows.append(cells)
    return rows
