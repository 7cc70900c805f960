"""docs/rulebook.md: its examples are one rulebook without a fault, and it names every key and word of the language."""

import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish, notices, read, report

GOV = os.path.join(os.environ.get("GOV_BUILD", ""), "bin", "gov")
PAGE = os.path.join("docs", "rulebook.md")
SECTION, SECTION_PAGE = os.path.join("libgov", "points", "section.c"), os.path.join("docs", "points.md")
FUNDS, FUNDS_PAGE = os.path.join("libgov", "fund", "sections.c"), os.path.join("docs", "funds.md")
SCENARIOS = os.path.join("docs", "scenarios.md")
GRAMMAR = os.path.join("libgov", "rulebook", "grammar.def")


def blocks(text):
    return re.findall(r"^```yaml\n(.*?)^```$", text, re.S | re.M)


def check_examples(root):
    parts = blocks(read(os.path.join(root, PAGE)))
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "rulebook.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write("---\n".join(parts))
        done = subprocess.run([GOV, "--lang", "en", "check", path], capture_output=True, encoding="utf-8")
    told = [line.replace(place + os.sep, "") for line in done.stdout.splitlines() if ": error: " in line or ": warning: " in line]
    told = [line for line in told if "does not list the year" not in line]
    return told + ([] if done.returncode == 0 and len(parts) >= 6 else [f"status {done.returncode}, {len(parts)} examples {done.stderr}"])


def check_complete(root):
    grammar = re.sub(r"/\*.*?\*/", "", read(os.path.join(root, GRAMMAR)), flags=re.S)
    page = "".join(read(os.path.join(root, name)) for name in (PAGE, SCENARIOS) if os.path.exists(os.path.join(root, name)))
    words = set(re.findall(r'\bK\("!?([^"]+)"', grammar)) | set(re.findall(r'\bW\("([^"]+)"', grammar))
    named = set(re.findall(r"[A-Za-z_.]+", " ".join(re.findall(r"`([^`\n]+)`", page))))
    named |= set(re.findall(r"[A-Za-z_]+", " ".join(named)))
    return [f"{word} is not explained" for word in sorted(words - named)]


def check_section(root, section=SECTION, of=SECTION_PAGE):
    """Every key that a room reads stands in some table of its page."""
    source, page = read(os.path.join(root, section)), read(os.path.join(root, of))
    keys = {k for names in re.findall(r"(?:\bkeys|_keys|\bearn|\bdeduct)\[\] = \{([^}]*)\}", source)
            for k in re.findall(r'"!?(\w+)"', names)}
    named = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`\n]+)`", page))))
    return [f"{key} is not explained" for key in sorted(keys - named)] + ([] if len(keys) > 1 else ["no keys were found"])


# What `gov schema` knows, and the page that explains it; everything else stands in rulebook.md.
PAGES = {"points": SECTION_PAGE, "time_bank": os.path.join("docs", "timebank.md"), "fund": FUNDS_PAGE, "cost_share": FUNDS_PAGE,
         "grant": FUNDS_PAGE, "contract": FUNDS_PAGE, "scenario": os.path.join("docs", "scenarios.md")}
# Effects of a room's own have their parameters on that room's page, besides.
ROOMS = {"link": os.path.join("docs", "cases.md"), "merge": os.path.join("docs", "cases.md")}


def keys_of(schema):
    """The keys and words that a piece of the schema names itself, without what it refers to."""
    if isinstance(schema, list):
        return {k for part in schema for k in keys_of(part)}
    if not isinstance(schema, dict):
        return set()
    found = {k for k in schema.get("properties", {})} | {w for w in schema.get("enum", []) if isinstance(w, str)}
    return found.union(*(keys_of(part) for key, part in schema.items() if key != "enum" and isinstance(part, (dict, list))))


def check_schema(root, schema=None):
    """Every key, word, permission, effect and parameter that the loader's own tables name stands between backticks on its page."""
    if schema is None:
        schema = json.loads(subprocess.run([GOV, "schema"], capture_output=True, encoding="utf-8").stdout)
    named, problems = {}, []
    for page in {PAGE, *PAGES.values(), *ROOMS.values()}:
        text = read(os.path.join(root, page)) if os.path.exists(os.path.join(root, page)) else ""
        plain = set(re.findall(r"`([^`\n]+)`", text))
        named[page] = plain | set(re.findall(r"[a-z_]+(?:\.[a-z_]+)*", " ".join(plain))) | set(re.findall(r"[a-z_]+", " ".join(plain)))
    for name, part in schema["$defs"].items():
        page = PAGES["scenario"] if name.startswith("scenario") else PAGES.get(name, PAGE)
        actions = part.get("else", {}).get("properties", {}) if name == "action" else {}
        for effect, params in actions.items():
            known = named[PAGE] | named.get(ROOMS.get(effect), set())
            problems += [f"{PAGE}: the action {effect} is not explained"] if effect not in named[PAGE] else []
            problems += [f"{PAGE}: {effect}.{key} is not explained" for key in sorted(keys_of(params) - known)]
        if not actions:
            problems += [f"{page}: {name}.{key} is not explained" for key in sorted(keys_of(part) - named[page])]
    return problems if len(schema["$defs"]) > 1 else problems + ["no schema was found"]


def check_pages(root):
    """The examples of the pages of programmes are rulebooks without a fault, each page for itself."""
    problems = []
    for page in sorted(set(PAGES.values())):
        parts = blocks(read(os.path.join(root, page)))
        parts = sorted(parts, key=lambda p: not p.startswith("rulebook:"))
        parts = [p for p in parts if re.match(r"[a-z_]+:", p)]
        if not parts or not parts[0].startswith("rulebook:"):
            problems.append(f"{page}: no example begins a rulebook")
            continue
        with tempfile.TemporaryDirectory() as place:
            path = os.path.join(place, "rulebook.yaml")
            with open(path, "w", encoding="utf-8") as out:
                out.write("---\n".join(parts))
            done = subprocess.run([GOV, "--lang", "en", "check", path], capture_output=True, encoding="utf-8")
        problems += [f"{page}: {line}" for line in done.stdout.splitlines() if ": error: " in line]
    return problems


report("every key, effect and permission of the schema is explained on its page", check_schema(ROOT))
report("the examples of the programmes' pages are sound rulebooks", check_pages(ROOT))
notices("an effect and a parameter that the page leaves out",
        lambda root: check_schema(root, {"$defs": {"x": {}, "action": {"else": {"properties": {"one": {"properties": {"two": {}}}}}}}}),
        {PAGE: "`three`\n"}, "the action one is not", "one.two is not")
report("the examples of docs/rulebook.md are a sound rulebook", check_examples(ROOT))
report("docs/rulebook.md names every key and word", check_complete(ROOT))
report("docs/points.md names every key of the section", check_section(ROOT))
report("docs/funds.md names every key of its sections", check_section(ROOT, FUNDS, FUNDS_PAGE))
notices("a key of the section that its page leaves out", check_section,
        {SECTION: 'static const char *const keys[] = {"!one", "two", NULL};', SECTION_PAGE: "`one`\n"}, "two is not")
notices("a key that the page leaves out", check_complete, {GRAMMAR: 'MAP(a, K("!one", "name") K("two", "name"))', PAGE: "`one`\n"}, "two is not")
SOUND = "```yaml\nrulebook: r\nversion: x\ntime_zone: UTC\n```\n" + "".join(f"```yaml\ntemplate: t{i}\ntext: x\n```\n" for i in range(4))
notices("an example with a fault", check_examples, {PAGE: SOUND + "```yaml\ntemplate: last\ntxet: x\ntext: x\n```\n"},
        "unknown key", "status 1")
finish()
