"""Money of all on the command line: corrections that hledger reads, titles in the language that is asked for, lists with nothing in them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish, skip
from clilib import expect, gov, guarded, present

AT = ("--now", "2026-03-02T09:00")


class Books:
    def __init__(self, work):
        self.db = os.path.join(work, "f.db")
        self.path = os.path.join(work, "f.journal")
        gov("init", self.db, "--rulebook", os.path.join(ROOT, "tests", "cases", "fund"))
        for key, role in (("li", "officer"), ("hu", "treasurer")):
            done = gov("record", "put", self.db, "staff", key, f"name={key}", f'roles:=["{role}"]', *AT)
            expect(f"fund: {key} is there", done.code == 0, done)

    def run(self, name, *words, who="li"):
        done = gov("run", self.db, name, *words, "--as", who, *AT, "--json")
        expect(f"fund: {name} {' '.join(words)}", done.code == 0, done)
        return json.loads(done.out) if done.code == 0 and done.out.strip() else {}

    def correct(self, number, amount, two):
        got = self.run("fund.correct", f"id={number}", f"amount:={amount}", "reason=wrong")
        expect("fund: a correction says whether it waits", got.get("state") == ("proposed" if two else "done"), got)
        if two:
            self.run("fund.approve", f"id={got['id']}", who="hu")

    def share(self):
        project = self.run("share.open", "rule=door", "name=door", "cost:=1000", 'units:=[{"unit":"a"}]', "agreed:=true", "agreed_by=vote",
                           'sources:=[{"kind":"residents","amount":1000}]')["id"]
        self.run("share.start", f"project={project}", who="hu")
        return self.run("share.pay", f"project={project}", "unit=a", "amount:=700")["id"]


def check_corrections(books):
    gift = books.run("fund.give", "amount:=9000")["id"]
    spent = books.run("fund.propose_spend", "purpose=power", "amount:=5000")["id"]
    books.run("fund.approve", f"id={spent}", who="hu")
    books.correct(spent, 4500, True)
    books.correct(gift, 1000, True)
    books.correct(books.share(), 300, False)
    books.correct(books.run("fund.give_goods", "item=bulb", "count:=12")["id"], 2, False)
    told = books.run("fund.statement")
    expect("fund: the statement comes to the balance", (told["spent"], told["returned"], told["corrected"], told["closing"]) == (5000, 4500, 1000, 7500), told)
    expect("fund: what was corrected is in order", gov("verify", books.db).code == 0)
    done = gov("export", books.db, "--format", "hledger", "--output", books.path)
    expect("fund: export after corrections", done.code == 0, done)
    if shutil.which("hledger") is None:
        skip("fund: hledger reads corrections", "there is no hledger")
        return
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    read = subprocess.run(["hledger", "-f", books.path, "check", "--strict"], capture_output=True, text=True, env=env, check=False)
    expect("fund: hledger reads corrections, strictly", read.returncode == 0, read.stderr)
    total = subprocess.run(["hledger", "-f", books.path, "balance", "-N", "--flat", "-O", "csv", "L40:C1:"], capture_output=True, text=True, env=env,
                           check=False)
    expect("fund: hledger comes to the fund's balance", "7500" in total.stdout.replace(",", "").replace(".", ""), total.stdout)


def check_words(books):
    """What a person reads, in either language."""
    for words, want, others in (((), "楼道照明维护基金", "Hall lights"), (("--lang", "zh"), "楼道照明维护基金", "Hall lights"),
                                (("--lang", "en"), "Hall lights", "楼道照明维护基金")):
        done = gov("run", books.db, "fund.statement", "--as", "li", *AT, *words)
        expect(f"fund: the title of a statement {' '.join(words)}", want in done.out and others not in done.out, done)
    done = gov("run", books.db, "fund.statement", "lang=zh", "--lang", "en", "--as", "li", *AT)
    expect("fund: a language that is written counts", "换灯" in done.out and "Lamps" not in done.out, done)
    done = gov("run", books.db, "fund.balance", "--lang", "en", "--as", "li", *AT)
    expect("fund: an operation without titles knows no language", done.code == 0 and "balance" in done.out, done)


def check_nothing(books):
    for lang, want in (("en", "(none)"), ("zh", "（无）")):
        done = gov("run", books.db, "fund.list", "--as", "li", "--lang", lang, *AT)
        expect(f"fund: an empty list in {lang}", done.code == 0 and done.out.split() == ["entries", want], done)
        done = gov("run", books.db, "fund.statement", "--as", "li", "--lang", lang, *AT)
        expect(f"fund: a statement without gifts in {lang}", done.code == 0 and done.out.count(want) == 3, done)


if present():
    with tempfile.TemporaryDirectory() as folder:
        one = Books(folder)
        guarded(check_nothing, one)
        guarded(check_words, one)
        guarded(check_corrections, one)
finish()
