"""docs/first-rule.md does what it says, in both languages: its commands are run as they stand, one after the other."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish, read
from clilib import GOV, expect, guarded, present


def percent(report):
    """The on-time rate of a report as text."""
    found = re.search(r"(?:on[ -]time|按期)[^\n%]*?(\d+(?:\.\d+)?)\s*%", report, re.I)
    return float(found.group(1)) if found else None


def check_page(name):
    text = read(os.path.join(ROOT, "docs", name))
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    said = [float(n) for n in re.findall(r"(\d+)(?: of 100|%)", text)]
    with tempfile.TemporaryDirectory(prefix="govfirst.") as folder:
        shutil.copytree(os.path.join(ROOT, "examples"), os.path.join(folder, "examples"))
        env = {**os.environ, "PATH": os.path.dirname(GOV) + ":" + os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        outs = []
        for number, block in enumerate(blocks, 1):
            done = subprocess.run(["bash", "-e", "-c", block], cwd=folder, env=env, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=600, check=False)
            outs.append(done.stdout)
            if not expect(f"{name}: its commands, part {number}", done.returncode == 0, done.stdout):
                return
    wrong = [out for out in outs if "wroking" in out]
    expect(f"{name}: the mistake is shown with its place", wrong and re.search(r"rulebook\.yaml:\d+:\d+: error: ", wrong[0]), outs)
    rates = [percent(out) for out in outs if percent(out) is not None]
    expect(f"{name}: the report changes as it says", len(rates) == 2 and len(said) == 2 and
           all(abs(rate - word) < 1.5 for rate, word in zip(rates, said)), f"said {said}, reported {rates}")


if present():
    for page in ("first-rule.md", "first-rule.zh-CN.md"):
        guarded(check_page, page)
finish()
