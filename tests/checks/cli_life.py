"""The whole life of a small community through the command line, on each engine; then damage, which must be found."""

import json
import os
import re
import shutil
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import finish
from clilib import Folder, Store, engines, expect, expect_answer, gov, guarded, present

MONDAY = "2026-03-02T09:00"          # a working day
NOTE = "the third lamp by the well"  # stands in the journal and nowhere else


class Life:
    def __init__(self, folder, store):
        self.f, self.url, self.on = folder, store.url, store.kind
        self.case = ""

    def name(self, text):
        return f"{text} on {self.on}"

    def gov(self, command, *words, **options):
        own = command.split()
        return gov(*own, self.url, *words, **options)

    def answer(self, name, answer, code, out=None, err=None):
        return expect_answer(self.name(name), answer, code, out, err)

    def begin(self):
        made = self.gov("init", "--rulebook", self.f("rules"))
        self.answer("init", made, 0, "hamlet", "")
        again = self.gov("init", "--rulebook", self.f("rules"))
        self.answer("init refuses a community that is there", again, 2, "", r"\Agov: error: .*already.*\n\Z")
        other = self.gov("init", "--rulebook", self.f("rules"), "--name", "other", "--json")
        self.answer("a second community of another name", other, 0, '"name":"other"', "")
        self.answer("two communities need a name", self.gov("about"), 2, "", "several")
        about = self.gov("about", "--community", "hamlet", "--json")
        expect(self.name("about"), about.code == 0 and about.json["rulebook"] == "hamlet" and
               about.json["time_zone"] == "Asia/Shanghai" and re.fullmatch(r"\d{15,}", about.json["id"]), about)

    def people(self):
        for kind, key, fields in (("unit", "U1", ["name=Menders"]), ("unit", "U2", ["name=Others"]),
                                  ("staff", "S1", ["name=Ann", "roles:=[\"clerk\"]", "unit=U1"]),
                                  ("staff", "S2", ["name=Bob", "roles:=[\"mender\"]", "unit=U1"]),
                                  ("staff", "S3", ["name=Cay", "roles:=[\"mender\"]", "unit=U2"])):
            self.answer(f"record put {kind} {key}", self.gov("record put", kind, key, *fields, *self.only), 0, None, "")
        got = self.gov("record get", "staff", "S2", "--json", *self.only)
        expect(self.name("record get"), got.code == 0 and got.json["name"] == "Bob" and got.json["roles"] == ["mender"], got)
        listed = self.gov("record list", "staff", "--json", "--limit", "2", *self.only)
        rest = self.gov("record list", "staff", "--json", "--after", str(listed.json["next"]), *self.only)
        expect(self.name("record list by pages"), [r["key"] for r in listed.json["records"] + rest.json["records"]] ==
               ["S1", "S2", "S3"] and rest.json["next"] is None, (listed, rest))
        last = self.gov("record list", "staff", "--json", "--where", '"mender" in it.roles && it.unit == "U1"', *self.only)
        expect(self.name("record list where"), [r["key"] for r in last.json["records"]] == ["S2"], last)
        down = self.gov("record list", "staff", "--json", "--order", "it.name desc", *self.only)
        expect(self.name("record list in an order"), [r["key"] for r in down.json["records"]] == ["S3", "S2", "S1"], down)
        self.answer("record list by a reference", self.gov("record list", "staff", "--order", "it.unit", *self.only), 2, "", "it.unit")
        self.answer("a record that is not there", self.gov("record get", "staff", "S9", *self.only), 2, "", "S9")
        self.answer("a reference to nobody", self.gov("record put", "staff", "S4", "name=Dan", "unit=U9", *self.only), 2, "", "U9")

    def open(self):
        at = ["--now", MONDAY, *self.only]
        made = self.gov("case open", "request", "category=lamp", "urgency:=3", "phone=13812345678", "--source", "hotline",
                        "--number", "H-1", "--json", *at)
        expect(self.name("case open"), made.code == 0 and made.json["state"] == ["received"] and
               re.fullmatch(r"\d{15,}", made.json["id"]), made)
        self.case = made.json["id"]
        self.number = str(made.json["number"])
        bad = self.gov("case open", "request", "category=moon", "urgency:=9", *at)
        expect(self.name("every bad field is named"), bad.code == 2 and "category" in bad.err and "urgency" in bad.err, bad)
        self.answer("an unknown workflow", self.gov("case open", "reqest", *at), 2, "", "reqest")
        self.answer("the same number of the other system again", self.gov(
            "case open", "request", "category=lamp", "--source", "hotline", "--number", "H-1", *at), 2, "", "H-1")
        first = self.gov("case open", "request", "category=noise", "--once", "k1", "--json", *at)
        second = self.gov("case open", "request", "category=noise", "--once", "k1", "--json", *at)
        expect(self.name("once is once"), first.code == 0 and first.json["id"] == second.json["id"], (first, second))
        self.other = first.json["id"]
        self.answer("once with another input", self.gov("case open", "request", "category=lamp", "--once", "k1", *at), 2, "", "k1|key")
        self.answer("case find by another system's number", self.gov("case find", "H-1", "--source", "hotline", *self.only), 0,
                    f"^{self.case}$", "")
        self.answer("case find by the community's number", self.gov("case find", self.number, *self.only), 0, f"^{self.case}$", "")
        self.answer("case find finds none", self.gov("case find", "H-2", "--source", "hotline", *self.only), 1, "", "H-2")

    def work(self):
        send = lambda case, event, *words: self.gov("case send", case, event, *words, *self.only)
        refused = send(self.case, "refuse", "--now", MONDAY)
        self.answer("a guard refuses, with the rule's place", refused, 1, "", r"more\.yaml")
        self.answer("nothing accepts the event", send(self.case, "finish", "answer=x", "--now", MONDAY), 1, "", "finish")
        self.answer("an unknown event", send(self.case, "dispach", "--now", MONDAY), 2, "", "dispach")
        self.answer("a missing input", send(self.case, "dispatch", "--now", MONDAY), 2, "", "unit")
        self.answer("an actor without the role to see it finds no case", send(self.case, "dispatch", "unit=U1", "--as", "S2", "--now", MONDAY), 2, "", self.case)
        self.answer("an unknown actor", send(self.case, "dispatch", "unit=U1", "--as", "S9"), 2, "", "S9")
        done = send(self.number, "dispatch", "unit=U1", f"note={NOTE}", "--as", "S1", "--purpose", "handle_case", "--now", MONDAY)
        self.answer("case send", done, 0, "handling", "")
        self.answer("the same for the other case", send(self.other, "dispatch", "unit=U1", "--now", MONDAY, "--json"), 0, "handling", "")

    def look(self):
        shown = self.gov("case show", self.case, "--json", *self.only)
        clocks = {c["name"]: c for c in shown.json["clocks"]}
        # two working days after a Monday end at the close of Wednesday: 17:30 in Shanghai
        expect(self.name("case show"), shown.code == 0 and shown.json["unit"] == "U1" and shown.json["fields"]["urgency"] == 3 and
               clocks["answer"]["due"] == "2026-03-04T09:30:00Z" and shown.json["opened_at"] == "2026-03-02T01:00:00Z", shown)
        expect(self.name("the host sees a masked phone"), shown.json["fields"]["phone"] == "138****5678", shown)
        plain = self.gov("case show", self.case, "--json", "--as", "S1", "--purpose", "handle_case", *self.only)
        other = self.gov("case show", self.case, "--json", "--as", "S1", "--purpose", "curiosity", *self.only)
        expect(self.name("a role with the purpose sees it"), plain.json["fields"]["phone"] == "13812345678", plain)
        expect(self.name("the role without the purpose does not"), other.json["fields"]["phone"] == "138****5678", other)
        text = self.gov("case show", self.case, *self.only, lang="zh_CN.UTF-8")
        self.answer("case show for people", text, 0, r"2026-03-04 17:30", "")
        self.answer("a case that is not there", self.gov("case show", "999", *self.only), 2, "", "999")
        self.answer("a case for somebody of another unit", self.gov("case show", self.case, "--as", "S3", *self.only), 2, "", "there is no case")
        told = self.gov("case explain", self.case, "--json", "--as", "S2", "--now", "2026-03-02T10:00", *self.only)
        events = {e["event"]: e for e in told.json["events"]}
        expect(self.name("case explain"), events["finish"]["allowed"] is True and events["dispatch"]["allowed"] is False and
               "answer" in json.dumps(events["finish"]["input"]), told)
        text = self.gov("case explain", self.case, "--now", "2026-03-02T10:00", *self.only)
        self.answer("case explain for people", text, 0, r"^  \+ finish .*answer \(string\*\)", "")
        self.answer("case explain tells the due instant", text, 0, r"due 2026-03-04 17:30", "")
        self.answer("case history", self.gov("case history", self.case, *self.only), 0, r"received -> handling", "")
        listed = self.gov("case list", "--json", "--open", "--where", "category=lamp", *self.only)
        expect(self.name("case list"), [c["id"] for c in listed.json["cases"]] == [self.case] and listed.json["next"] is None, listed)
        for where, found in (('case.category == "lamp" && case.closed_at == null', [self.case]),
                             ('case.number.endsWith("1") && now - case.opened_at > duration("24h")', [self.case]),
                             ('case.category != "noise" && case.unit == "U2"', [])):
            chosen = self.gov("case list", "--json", "--where", where, "--now", "2026-03-05", *self.only)
            expect(self.name(f"case list where {where}"), [c["id"] for c in chosen.json["cases"]] == found, chosen)
        self.answer("case list by an expression that the store cannot answer",
                    self.gov("case list", "--where", 'case.detail == "x"', *self.only), 2, "", "case.detail.*not indexed")
        self.answer("case list by a wrong expression", self.gov("case list", "--where", 'case.categry == "x"', *self.only), 2, "",
                    "case.category")
        self.answer("case list by a field that is not indexed", self.gov("case list", "--where", "detail=x", *self.only), 2, "", "detail")

    def time(self):
        # at the due instant itself it is not late yet
        early = self.gov("tick", "--until", "2026-03-04T17:30", "--json", *self.only)
        expect(self.name("tick before anything is due"), early.code == 0 and early.json["fired"] == 0 and
               re.fullmatch(r"2026-03-04T09:30:00(\.\d+)?Z", early.json["next"]), early)
        done = self.gov("case send", self.case, "finish", "answer=mended", "--as", "S2", "--now", "2026-03-03T10:00", "--json", *self.only)
        expect(self.name("finish"), done.code == 0 and done.json["outcome"] == "done", done)
        dry = self.gov("tick", "--until", "2026-03-05", "--dry-run", *self.only)
        expect(self.name("a dry run lists what would fire, and keeps nothing"), dry.code == 0 and "case.mark" in dry.out and "1 fired" in dry.out)
        late = self.gov("tick", "--until", "2026-03-05", "--json", *self.only)
        expect(self.name("tick fires the deadline of the other"), late.code == 0 and late.json["fired"] == 1 and
               late.json["parked"] == 0 and late.json["next"] is None, late)
        overdue = self.gov("case list", "--overdue", "--json", "--now", "2026-03-05", *self.only)
        expect(self.name("it is overdue"), [c["id"] for c in overdue.json["cases"]] == [self.other], overdue)
        again = self.gov("tick", "--until", "2026-03-05", *self.only)
        self.answer("a second tick does nothing", again, 0, r"^0 fired", "")
        self.answer("a time that is none", self.gov("tick", "--until", "soon", *self.only), 2, "", "soon")
        self.answer("case send after the end", self.gov("case send", self.case, "finish", "answer=x", *self.only), 1, "", "finish")

    def report(self):
        page = self.f(f"{self.on}.html")
        period = ["--from", "2026-03-01", "--to", "2026-04-01"]
        self.answer("report --html", self.gov("report", "--html", page, *period, *self.only), 0, re.escape(page), "")
        full = self.gov("report", "--html", "/dev/full", *period, *self.only)
        self.answer("report --html on a full disk", full, 3, "", "/dev/full")
        nowhere = os.path.join(page, "in.html")
        self.answer("report --html where nothing can be", self.gov("report", "--html", nowhere, *period, *self.only), 2, "", re.escape(nowhere))
        expect(self.name("a page leaves nothing beside it"), not [n for n in os.listdir(os.path.dirname(page)) if n.endswith(".tmp")])
        with open(page, encoding="utf-8") as f:
            html = f.read()
        expect(self.name("the page stands on its own"), html.startswith("<!DOCTYPE html>") and "</html>" in html and
               not re.search(r"(src|href)=\"?https?:", html), html[:300])
        self.answer("report as text", self.gov("report", *period, *self.only), 0, ".", "")
        figures = self.gov("report", "--json", *period, *self.only)
        expect(self.name("report --json"), figures.code == 0 and isinstance(figures.json, dict), figures)
        public = self.gov("report", "--public", "--json", *period, *self.only)
        expect(self.name("report --public masks small counts"), public.code == 0 and public.out != figures.out, public)
        zh = self.gov("report", *period, "--lang", "zh", *self.only)
        expect(self.name("report --lang zh"), zh.code == 0 and any("\u4e00" <= ch for ch in zh.out), zh)
        self.answer("a period that runs backwards", self.gov("report", "--from", "2026-04-01", "--to", "2026-03-01", *self.only), 2, "", "--to")

    def prove(self):
        self.answer("verify", self.gov("verify", *self.only), 0, "entries", "")
        found = self.gov("verify", "--json", *self.only)
        expect(self.name("verify --json"), found.json["ok"] is True and found.json["entries"] > 10 and
               len(found.json["root"]) == 64, found)
        read = self.gov("journal read", "--json", *self.only)
        entries = read.json["entries"]
        expect(self.name("journal read"), len(entries) == found.json["entries"] and read.json["next"] is None and
               NOTE in json.dumps(entries), read)
        sent = next(e for e in entries if NOTE in json.dumps(e))
        expect(self.name("an entry names actor, purpose and rule"), sent["actor"] == "S1" and sent["purpose"] == "handle_case" and
               re.fullmatch(r"more\.yaml:\d+", sent["rule"]) and entries[0]["actor"] == "host", (sent, entries[0]))
        some = self.gov("journal read", "--json", "--limit", "3", "--after", entries[2]["entry"], *self.only)
        expect(self.name("journal read by pages"), [e["entry"] for e in some.json["entries"]] ==
               [e["entry"] for e in entries[3:6]], some)
        file = self.f(f"{self.on}.journal")
        self.answer("journal export", self.gov("journal export", file, *self.only), 0, None, "")
        self.answer("journal check", gov("journal", "check", file), 0, None, "")
        key, signed = self.f(f"{self.on}.key"), self.f(f"{self.on}.signed")
        self.answer("journal key", gov("journal", "key", key), 0, re.escape(key + ".pub"), "")
        expect(self.name("the key is its owner's alone"), stat.S_IMODE(os.stat(key).st_mode) == 0o600 and
               os.path.getsize(key) == 64 and os.path.getsize(key + ".pub") == 32, os.stat(key))
        self.answer("journal key overwrites none", gov("journal", "key", key), 2, "", re.escape(key))
        self.answer("journal export --key", self.gov("journal export", signed, "--key", key, *self.only), 0, None, "")
        self.answer("journal check --key", gov("journal", "check", signed, "--key", key + ".pub"), 0, None, "")
        self.answer("another key", gov("journal", "key", key + "2"), 0, None, "")
        self.answer("journal check with another key", gov("journal", "check", signed, "--key", key + "2.pub"), 1, "", ".")
        with open(file, "rb") as f:
            text = bytearray(f.read())
        text[text.index(NOTE.encode())] ^= 1
        with open(file, "wb") as f:
            f.write(text)
        self.answer("journal check finds one changed byte", gov("journal", "check", file), 1, "", r"\d{15,}")

    def rules(self):
        more = self.f("rules/more.yaml")
        with open(more, encoding="utf-8") as f:
            text = f.read()
        shutil.copytree(self.f("rules"), self.f(f"rules-{self.on}"))
        self.f.write(f"rules-{self.on}/more.yaml", text.replace("title: {zh: 诉求, en: Request}", "title: {zh: 事项, en: Matter}"))
        self.f.write(f"rules-{self.on}/rulebook.yaml", open(self.f("rules/rulebook.yaml"), encoding="utf-8").read().replace(
            'version: "1"', 'version: "2"'))
        self.answer("install", self.gov("install", "--rulebook", self.f(f"rules-{self.on}"), *self.only), 0, "hamlet 2", "")
        expect(self.name("about tells the new version"), self.gov("about", "--json", *self.only).json["version"] == "2")
        self.move(text)
        up = self.gov("upgrade", "--json")
        expect(self.name("upgrade of what is up to date"), up.code == 0 and up.json["from"] == up.json["to"], up)

    def move(self, text):
        """Cases that run go over to a third version, once it says how those of the first do."""
        name = re.search(r"^workflow: (\w+)", text, re.M).group(0)
        unwritten = self.gov("migrate", "--json", *self.only)
        held = unwritten.json["refused"]
        expect(self.name("migrate without a map moves nothing"), unwritten.code == (1 if held else 0) and
               unwritten.json["migrated"] == 0, unwritten)
        third = f"rules-{self.on}-3"
        shutil.copytree(self.f("rules"), self.f(third))
        self.f.write(f"{third}/more.yaml", text.replace(name, name + '\nmigrate: {from: "1"}'))
        self.f.write(f"{third}/rulebook.yaml", open(self.f("rules/rulebook.yaml"), encoding="utf-8").read().replace(
            'version: "1"', 'version: "3"'))
        dry = self.gov("migrate", self.f(third), "--dry-run", "--json", *self.only)
        expect(self.name("migrate --dry-run"), dry.code == 0 and dry.json["migrated"] == held and
               dry.json["past"]["cases"] >= held, dry)
        expect(self.name("a dry run installs nothing"), self.gov("about", "--json", *self.only).json["version"] == "2")
        self.answer("migrate", self.gov("migrate", self.f(third), *self.only), 0, rf"version 3: {held} cases moved", "")
        expect(self.name("migrate again"), self.gov("migrate", "--json", *self.only).json["migrated"] == 0)
        self.answer("verify after it", self.gov("verify", *self.only), 0, "entries", None)

    def live(self):
        self.only = ["--community", "hamlet"]
        for part in (self.begin, self.people, self.open, self.work, self.look, self.time, self.report, self.prove, self.rules):
            guarded(part)


def check_backup(f, life):
    copy = f("copy.db")
    expect_answer("backup", gov("backup", life.url, copy), 0, "copy.db", "")
    expect_answer("backup does not overwrite", gov("backup", life.url, copy), 2, "", r"\A.*copy\.db.*\n\Z")
    expect_answer("a backup verifies", gov("verify", copy, "--community", "hamlet"), 0, "entries", "")
    same = [gov("journal", "read", url, "--json", "--community", "hamlet").out for url in (life.url, copy)]
    expect("a backup holds the same journal", same[0] == same[1])


def check_damage(f, _):
    """One byte of the journal is flipped in the file: verify names the entry and its status is 1."""
    copy = f("copy.db")
    with open(copy, "rb") as file:
        data = bytearray(file.read())
    entries = gov("journal", "read", copy, "--json", "--community", "hamlet").json["entries"]
    wanted = next(e["entry"] for e in entries if NOTE in json.dumps(e))
    place = data.index(NOTE.encode())
    data[place + 4] ^= 0x20
    with open(f("bad.db"), "wb") as file:
        file.write(data)
    answer = gov("verify", f("bad.db"), "--community", "hamlet")
    expect("verify names the entry whose byte was flipped", answer.code == 1 and wanted in answer.err and
           answer.err.count("\n") == 1, (wanted, answer))
    told = gov("verify", f("bad.db"), "--community", "hamlet", "--json")
    expect("verify --json names it", told.code == 1 and told.json["ok"] is False and str(told.json["bad_entry"]) == wanted, told)


def check_readonly(f, _):
    copy = f("copy.db")
    if os.geteuid() == 0:
        return
    os.chmod(copy, 0o444)
    answer = gov("tick", copy, "--community", "hamlet")
    expect("a store that cannot be written", answer.code == 3 and answer.err.count("\n") == 1, answer)


def main():
    for kind in engines():
        with Folder() as f:
            store = Store(kind, f)
            try:
                life = Life(f, store)
                life.live()
                if kind == "sqlite":
                    for check in (check_backup, check_damage, check_readonly):
                        guarded(check, f, life)
            finally:
                store.close()


if present():
    main()
finish()
