"""The library's binary interface is the committed one, or more: functions with the types that they take, layouts, constants.

    abi.py --write    records the interface that the headers have now in tests/abi/libgov.txt

Types are read from the headers, sizes and offsets from a small program that the compiler makes of them. It holds on every
machine with 64-bit pointers and longs. A struct whose first member is its `size` may grow; nothing else may change.
"""

import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import CC, ROOT, Tree, finish, have, not_ok, ok, read, report, run, skip, walk

LIST = os.path.join("tests", "abi", "libgov.txt")
NAME = "the binary interface keeps what it had"
TYPES = r"(?:void|char|bool|int|size_t|u?int\d+_t|double|gov(?:_\w+)?|struct gov_\w+|unsigned)"


def plain(text):
    """Without comments, with single spaces."""
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def squeeze(text):
    return re.sub(r"\s*([*(),\[\];])\s*", r"\1", re.sub(r"\s+", " ", text.strip()))


def split_commas(text):
    parts, depth = [""], 0
    for c in text:
        depth += (c in "([{") - (c in ")]}")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return [p.strip() for p in parts if p.strip()]


def name_of(declarator):
    """The name that is declared, and the declarator without it: its type."""
    pointer = re.match(r"(.*?\(\s*\*\s*)(\w+)(.*)$", declarator, re.S)
    if pointer and re.match(r"\s*\)\s*\(", pointer.group(3)):
        inside = re.match(r"\s*\)\s*\((.*)\)\s*$", pointer.group(3), re.S)
        return pointer.group(2), squeeze(pointer.group(1)) + ")(" + ",".join(map(type_of, split_commas(inside.group(1)))) + ")"
    found = re.match(r"(.*?)\b(\w+)\s*((?:\[[^\]]*\])*)$", declarator, re.S)
    return found.group(2), squeeze(found.group(1) + found.group(3))


def type_of(parameter):
    """Names of parameters are no part of the interface."""
    if re.fullmatch(r"(?:const\s+)?" + TYPES + r"(?:\s*\*|\s*const\b)*", parameter):
        return squeeze(parameter)
    return name_of(parameter)[1]


def read_headers(root):
    return [plain(read(os.path.join(root, path))) for path in walk(root, "include", [".h"])]


def functions(texts):
    lines = []
    for text in texts:
        for match in re.finditer(r"\bGOV_API\s+([^;{]*?)\b(gov_\w+)\s*\(([^;]*)\)\s*;", text):
            answer, name, takes = match.groups()
            lines.append(f"function {squeeze(answer)} {name}({','.join(map(type_of, split_commas(takes)))})")
    return lines


def callbacks(texts):
    return [f"type {squeeze(m.group(1))}" for text in texts for m in re.finditer(r"\btypedef\s+((?!struct\b|enum\b)[^;{]*);", text)]


def structs(texts):
    """Name, and the fields as they are declared; anonymous unions and nested structs do not occur."""
    for text in texts:
        for match in re.finditer(r"\btypedef\s+struct\s+\w+\s*\{([^{}]*)\}\s*(\w+)\s*;", text):
            fields = []
            for line in match.group(1).split(";"):
                parts = split_commas(line)
                if not parts:
                    continue
                first, kind = name_of(parts[0])
                fields.append((first, kind))
                base = re.match(r"[^*\[]*", kind).group(0).strip()
                fields += [(name_of(base + " " + more)[0], base + ("*" if more.startswith("*") else "")) for more in parts[1:]]
            yield match.group(2), fields


def constants(texts):
    for text in texts:
        for name, value in re.findall(r"^#define (GOV_\w+)[ \t]+(\S.*)$", text, re.M):
            if not name.startswith("GOV_VERSION") and name != "GOV_API" and re.fullmatch(r'[\w\s()|<+*"-]+', value):
                yield name, value.startswith('"')
        for body in re.findall(r"\benum\b[^{;]*\{([^}]*)\}", text):
            for part in split_commas(body):
                yield re.match(r"\w+", part).group(0), False


def program(texts):
    out = ["#include <gov.h>", "#include <stddef.h>", "#include <stdio.h>", "int main(void)", "{",
           "    if (sizeof(void *) != 8 || sizeof(long) != 8)", "        return 3;"]
    for name, fields in structs(texts):
        out.append(f'    printf("struct {name} size %zu\\n", sizeof({name}));')
        for field, kind in fields:
            out.append(f'    printf("field {name}.{field} at %zu size %zu {kind}\\n", offsetof({name}, {field}), '
                       f"sizeof((({name} *)0)->{field}));")
    for name, is_text in constants(texts):
        out.append(f'    puts("constant {name} " {name});' if is_text else
                   f'    printf("constant {name} %lld\\n", (long long){name});')
    return "\n".join(out + ["    return 0;", "}", ""])


def interface(root):
    """The lines, or why there are none."""
    texts = read_headers(root)
    with tempfile.TemporaryDirectory(prefix="govabi.") as tmp:
        source, binary = os.path.join(tmp, "abi.c"), os.path.join(tmp, "abi")
        with open(source, "w", encoding="utf-8") as f:
            f.write(program(texts))
        made = run([CC, "-std=c11", "-I", os.path.join(root, "include"), "-o", binary, source])
        if made.returncode != 0:
            return None, made.stdout + made.stderr
        told = run([binary])
    if told.returncode != 0:
        return None, "pointers and longs are not of 64 bits here"
    return sorted(set(functions(texts) + callbacks(texts) + told.stdout.splitlines())), ""


def compare(had, has):
    problems = []
    grows = {line.split()[1].split(".")[0] for line in had if re.match(r"field \w+\.size at 0 ", line)}
    kept = set(has)
    sizes = {line.split()[1]: int(line.split()[3]) for line in has if line.startswith("struct ")}
    for line in had:
        words = line.split()
        grown = words[0] == "struct" and words[1] in grows and sizes.get(words[1], 0) >= int(words[3])
        if line not in kept and not grown:
            problems.append(f"gone or changed: {line}")
    return problems


def check(root):
    has, why = interface(root)
    if has is None:
        return [why]
    return compare(read(os.path.join(root, LIST)).splitlines(), has)


def try_changes():
    """A small interface of its own, changed in each way that breaks programs, and in one that does not."""
    head = ("#define GOV_API\n#include <stddef.h>\n#include <stdint.h>\n#define GOV_ONE 1\n"
            "typedef struct gov_o { size_t size; int32_t a; } gov_o;\ntypedef struct gov_p { int32_t a, b; } gov_p;\n"
            "GOV_API int32_t gov_f(const gov_o *o, int64_t n);\n")
    changes = {"a constant": ("GOV_ONE 1", "GOV_ONE 2"), "a field's type": ("size; int32_t a", "size; uint32_t a"),
               "a field's place": ("int32_t a, b", "int32_t b, a"), "a struct that grew": ("a, b;", "a, b, c;"),
               "a parameter's type": ("int64_t n", "int32_t n"), "an answer's type": ("int32_t gov_f", "int64_t gov_f"),
               "a function that is gone": ("GOV_API int32_t gov_f", "int32_t gov_f")}
    with Tree({"include/gov.h": head}) as tree:
        had, why = interface(tree)
    if had is None:
        return not_ok("notices what breaks programs", why)
    for name, (old, new) in changes.items():
        with Tree({"include/gov.h": head.replace(old, new)}) as tree:
            has, why = interface(tree)
        ok(f"notices {name}") if has is not None and compare(had, has) else not_ok(f"notices {name}", why or "no difference")
    more = head.replace("int32_t a; }", "int32_t a; int64_t more; }").replace("o, int64_t n", "other, int64_t many")
    with Tree({"include/gov.h": more + "GOV_API void gov_new(void);\n"}) as tree:
        has, why = interface(tree)
    report("lets options grow, and functions be added", [why] if has is None else compare(had, has))


if not have(CC):
    skip(NAME, f"{CC} is missing")
elif "--write" in sys.argv[1:]:
    lines, why = interface(ROOT)
    if lines is None:
        sys.exit(why)
    os.makedirs(os.path.dirname(os.path.join(ROOT, LIST)), exist_ok=True)
    with open(os.path.join(ROOT, LIST), "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    sys.exit(0)
else:
    lines, why = interface(ROOT)
    if lines is None and "64 bits" in why:
        skip(NAME, why)
    else:
        report(NAME, check(ROOT))
    try_changes()
finish()
