"""docs/rulebook.md: its examples are one rulebook without a fault, and it names every key and word of the language."""

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
