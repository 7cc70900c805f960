"""gov ledger: the line protocol, in memory and over a store, through the process."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish, skip
from clilib import expect, gov, guarded, present

MAX = 2**63 - 1


def answers(lines, *more):
    done = gov("ledger", *more, stdin="".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return done, [json.loads(line) for line in done.out.splitlines()]


def account(number, *flags, **more):
    return {"id": str(number), "ledger": 1, "code": 1, "flags": list(flags), **more}


def transfer(number, debit, credit, amount, *flags, **more):
    return {"id": str(number), "debit_account": str(debit), "credit_account": str(credit), "amount": str(amount),
            "ledger": 1, "code": 1, "flags": list(flags), **more}


def four(row):
    return [int(row[k]) for k in ("debits_pending", "debits_posted", "credits_pending", "credits_posted")]


def walk(where, *more):
    """A reservation posted in part, one that expires, one voided; the history of it."""
    lines = [
        {"accounts": [account(1, "history"), account(2, "debits_must_not_exceed_credits"), account(2), account(3, "no_such_flag")]},
        {"transfers": [transfer(10, 1, 2, 100), transfer(11, 2, 1, 60, "pending", timeout=5), transfer(12, 2, 1, 60),
                       transfer(13, 2, 1, 20, "pending")]},
        {"transfers": [{"id": "14", "pending_id": "13", "amount": "15", "flags": ["post_pending"]}]},
        {"lookup_accounts": ["2", "9"]},
        {"advance_s": 4},
        {"changes": {"limit": 1, "reversed": True}},
        {"advance_s": 2},
        {"lookup_accounts": ["2"]},
        {"transfers": [{"id": "15", "pending_id": "11", "flags": ["void_pending"]}, transfer(12, 2, 1, 1)]},
        {"changes": {"limit": 10}},
        {"account_balances": {"account": "1", "limit": 10}},
        {"account_balances": {"account": "2", "limit": 10}},
        {"account_transfers": {"account": "1", "limit": 10, "credits": False}},
        {"account_transfers": {"account": "1", "limit": 2, "reversed": True}},
        {"query_transfers": {"limit": 10, "code": 1}},
        {"query_accounts": {"limit": 10, "ledger": 1}},
        {"query_accounts": {"ledger": 1}},
        {"lookup_transfers": ["11", "99", "14"]},
    ]
    done, got = answers(lines, *more)
    say = lambda what, good: expect(f"ledger {where}: {what}", good, got)
    if not expect(f"ledger {where}: every line is answered", done.code == 0 and len(got) == len(lines), done):
        return
    say("results have their names", got[0]["results"] == ["created", "created", "exists_with_different_flags", "reserved_flag"] and
        got[1]["results"] == ["created", "created", "exceeds_credits", "created"] and got[2]["results"] == ["created"])
    say("a reservation is posted in part", four(got[3]["accounts"][0]) == [60, 15, 0, 100] and got[3]["accounts"][1] is None)
    say("nothing expires before its time", got[5]["changes"][0]["type"] == "posted")
    say("what is due expires", got[6] == {} and four(got[7]["accounts"][0]) == [0, 15, 0, 100])
    say("what has expired stays so, what has failed too", got[8]["results"] == ["pending_transfer_expired", "id_already_failed"])
    kinds = [(c["type"], c["transfer"], c["pending"], c["amount"]) for c in got[9]["changes"]]
    say("changes", kinds == [("single", "10", None, "100"), ("pending", "11", None, "60"), ("pending", "13", None, "20"),
                             ("posted", "14", "13", "15"), ("expired", None, "11", "60")])
    last = got[9]["changes"][-1]
    say("changes have the balances after them", four(last["debit_account"]) == [0, 15, 0, 100] and
        four(last["credit_account"]) == [0, 100, 0, 15] and last["debit_account"]["closed"] is False)
    say("balances of an account with history", [(b["transfer"], four(b)) for b in got[10]["balances"]] == [
        ("10", [0, 100, 0, 0]), ("11", [0, 100, 60, 0]), ("13", [0, 100, 80, 0]), ("14", [0, 100, 60, 15])])
    say("none of one without", got[11] == {"balances": []})
    ids = lambda answer: [t["id"] for t in answer["transfers"]]
    say("transfers of an account", ids(got[12]) == ["10"] and ids(got[13]) == ["14", "13"])
    say("queries", ids(got[14]) == ["10", "11", "13", "14"] and [a["id"] for a in got[15]["accounts"]] == ["1", "2"])
    say("a filter without a limit matches nothing", got[16] == {"accounts": []})
    looked = got[17]["transfers"]
    say("look-ups in the order asked", looked[1] is None and looked[0]["timeout"] == 5 and looked[2]["amount"] == "15" and
        looked[2]["debit_account"] == "2" and looked[0]["flags"] == ["pending"])


def check_lines():
    lines = ["nonsense", "[1]", "{}", '{"accounts": 5}', '{"accounts": [5]}', '{"accounts": [{"idd": "1"}]}',
             '{"accounts": [{"id": "-1"}]}', '{"accounts": [{"id": "9223372036854775808"}]}', '{"accounts": [{"id": "1", "ledger": "1"}]}',
             '{"accounts": [], "transfers": []}', '{"lookup_accounts": [""]}', '{"advance_s": -1}',
             '{"advance_us": "9223372036854775808"}', '{"changes": {"limit": true}}', '{"set_balances": {"id": "7"}}', ""]
    good = [{"accounts": []}, {"accounts": [account(1)]}, {"lookup_accounts": ["1"]}]
    done, got = answers(lines + good)
    expect("ledger: a wrong line gives an error, changes nothing, and the stream goes on",
           len(got) == len(lines) + 3 and all(set(a) == {"error"} and set(a["error"]) == {"code", "message"} for a in got[:len(lines)]) and
           got[-3] == {"results": []} and got[-1]["accounts"][0]["timestamp"] == "1", got)
    expect("ledger: nothing in, nothing out", gov("ledger", stdin="").out == "")


def check_clock():
    past = {"id": "7", "ledger": 1, "code": 1, "flags": ["imported"], "timestamp": "15"}
    lines = [{"accounts": [account(1), account(1), account(2)]}, {"lookup_accounts": ["1", "2"]}, {"advance_us": "10"},
             {"accounts": [past]}, {"accounts": [{**past, "timestamp": "14"}]},
             {"accounts": [{**past, "timestamp": "13"}]}, {"advance_us": str(MAX - 16)},
             {"accounts": [account(8)]}, {"advance_us": "1"}]
    _, got = answers(lines)
    stamps = [a["timestamp"] for a in got[1]["accounts"]]
    expect("ledger: event i happens at the old instant plus i", stamps == ["1", "3"], got)
    expect("ledger: imported events lie before the clock", got[3]["results"] == ["imported_event_timestamp_must_not_advance"] and
           got[4]["results"] == ["created"] and got[5]["results"] == ["exists"], got)
    expect("ledger: the clock ends with 63 bits", got[6] == {} and "error" in got[7] and "error" in got[8], got)


def check_limits():
    lines = [{"accounts": [account(1), account(2)]}, {"set_balances": {"id": "1", "debits_posted": str(MAX - 5)}},
             {"transfers": [transfer(1, 1, 2, 6), transfer(2, 1, 2, 6, "pending"), transfer(3, 1, 2, 5),
                            {**transfer(4, 2, 1, 0), "amount": "max"}]},
             {"set_balances": {"id": "1", "debits_posted": str(MAX), "debits_pending": "1"}}]
    _, got = answers(lines)
    expect("ledger: sums of 63 bits", got[2]["results"] == ["overflows_debits_posted", "overflows_debits_posted", "created", "created"] and
           "error" in got[3], got)


def check_store():
    with tempfile.TemporaryDirectory() as work:
        db = os.path.join(work, "l.db")
        made = gov("init", db, "--rulebook", os.path.join(ROOT, "examples", "quickstart"))
        expect("ledger: a community to work on", made.code == 0, made)
        walk("over a store", "--db", db)
        again = answers([{"transfers": [transfer(10, 1, 2, 100)]}, {"set_balances": {"id": "1"}}], "--db", db)[1]
        expect("ledger: it is there the next time", again[0]["results"] == ["exists"] and "error" in again[1], again)
        expect("ledger: the store is in order afterwards", gov("verify", db).code == 0)


def check_same():
    """What a line answers does not hang on whether the ledger lives in memory or over a store."""
    past = lambda number, ledger, at: {"id": str(number), "ledger": ledger, "code": 1, "flags": ["imported"], "timestamp": str(at)}
    lines = [
        # An imported instant has to be later than those of its own ledger, and no other's.
        {"accounts": [past(1, 1, 50), past(2, 2, 10), past(3, 1, 60), past(4, 2, 20), past(5, 1, 60), past(6, 2, 15)]},
        {"transfers": [transfer(10, 1, 3, 5, "imported", timestamp="90"),
                       {**transfer(11, 2, 4, 5, "imported", timestamp="70"), "ledger": 2},
                       {**transfer(12, 2, 4, 5, "imported", timestamp="90"), "ledger": 2},
                       transfer(13, 1, 3, 5, "imported", timestamp="80")]},
        {"accounts": [{**account(7, "approval", "debits_must_not_exceed_credits")}]},
        {"transfers": [transfer(20, 1, 7, 100), {"id": "21", "reversal_of": "20", "amount": "max"},
                       {"id": "22", "reversal_of": "20", "amount": "60", "flags": ["pending"]},
                       {"id": "23", "reversal_of": "20", "amount": "41", "flags": ["pending"]},
                       {"id": "24", "pending_id": "22", "amount": "max", "flags": ["post_pending"]},
                       {"id": "25", "pending_id": "22", "flags": ["void_pending"]},
                       {"id": "26", "reversal_of": "20", "amount": "max", "flags": ["pending"]}]},
    ]
    want = [["created", "created", "created", "created", "imported_event_timestamp_must_not_regress", "imported_event_timestamp_must_not_regress"],
            ["created", "created", "created", "imported_event_timestamp_must_not_regress"],
            ["created"],
            ["created", "approval_required", "created", "exceeds_reversed_transfer_amount", "approval_needs_another_actor", "created", "created"]]
    with tempfile.TemporaryDirectory() as work:
        db = os.path.join(work, "s.db")
        gov("init", db, "--rulebook", os.path.join(ROOT, "examples", "quickstart"))
        for where, more in (("in memory", ()), ("over a store", ("--db", db))):
            got = answers([{"advance_s": 1}, *lines], *more)[1][1:]
            expect(f"ledger {where}: imports and reversals answer alike", [x.get("results") for x in got] == want, got)
        expect("ledger: what was taken back is in order", gov("verify", db).code == 0)


def check_desk():
    """Caps, notes, lots, balances, and the export that hledger reads."""
    with tempfile.TemporaryDirectory() as work:
        db = os.path.join(work, "d.db")
        gov("init", db, "--rulebook", os.path.join(ROOT, "examples", "quickstart"))
        lots = account(2, "lots", "debits_must_not_exceed_credits", breakage="4")
        stamp = "1772409900000000"
        moves = [transfer(n, 1, 2, 10 * n, expires_at=str(int(stamp) + n * 86400 * 10**6)) for n in range(1, 6)]
        answers([{"accounts": [account(1), account(4), lots, account(6)]}, {"transfers": moves},
                 {"transfers": [transfer(20, 2, 6, 35), transfer(21, 2, 6, 30, "pending", timeout=60)]},
                 {"transfers": [{"id": "22", "reversal_of": "20", "amount": "5"}]},
                 {"transfers": [transfer(23, 1, 6, 7, effective_at=str(int(stamp) - 40 * 86400 * 10**6))]},
                 {"advance_s": 90000}], "--db", db, "--now", "2026-03-02T08:05:00Z")
        shown = json.loads(gov("ledger", "lots", db, "2", "--json").out)
        expect("ledger lots", [x["left"] for x in shown] == [30, 40, 50] or sum(x["left"] for x in shown) == 120, shown)
        done = gov("ledger", "cap", db, "ledger:=1", "number:=1", "per=day", "side=received", "code:=1", "amount:=50")
        listed = json.loads(gov("ledger", "caps", db, "1", "--json").out)
        expect("ledger cap, ledger caps", done.code == 0 and len(listed) == 1 and listed[0]["per"] == "day" and listed[0]["amount"] == 50,
               (done, listed))
        expect("ledger cap: what is wrong is said", gov("ledger", "cap", db, "ledger:=1", "per=hour").code == 2)
        capped = answers([{"transfers": [transfer(30, 1, 6, 51), transfer(31, 1, 6, 50), transfer(32, 1, 6, 1)]}], "--db", db)[1]
        expect("a cap holds", capped[0]["results"] == ["exceeds_cap", "created", "exceeds_cap"], capped)
        done = gov("ledger", "note", db, "account", "6", "name=Corner: shop;  west")
        again = gov("ledger", "note", db, "account", "6", "name=another")
        note = gov("ledger", "note", db, "account", "6", "--json")
        expect("ledger note, once", done.code == 0 and again.code != 0 and json.loads(note.out) == {"name": "Corner: shop;  west"},
               (done, again, note))
        late = json.loads(gov("ledger", "balance", db, "6", "--at", "2026-02-01", "--effective", "--json").out)
        then = json.loads(gov("ledger", "balance", db, "6", "--at", "2026-02-01", "--json").out)
        expect("ledger balance, recorded and effective", late["balance"] == 7 and then["balance"] == 0, (late, then))
        rows = json.loads(gov("ledger", "statement", db, "2", "--json").out)
        last = json.loads(gov("ledger", "statement", db, "2", "--limit", "1", "--reverse", "--json").out)
        added = all(rows[i - 1]["balance"] + rows[i]["change"] == rows[i]["balance"] for i in range(1, len(rows)))
        expect("ledger statement: the changes come to the balances", len(rows) > 8 and added and last == rows[-1:], (rows, last))
        empty = gov("ledger", "statement", db, "2", "--to", "2020-01-01", "--json")
        expect("ledger statement of a time before", empty.code == 0 and json.loads(empty.out) == [], empty)
        path = os.path.join(work, "l.journal")
        done = gov("export", db, "--format", "hledger", "--output", path)
        expect("export for hledger", done.code == 0 and os.path.getsize(path) > 500, done)
        expect("export: an unknown format is refused", gov("export", db, "--format", "odt").code == 2)
        if shutil.which("hledger") is None:
            skip("hledger reads the export and its assertions pass", "there is no hledger")
            return
        env = {**os.environ, "LC_ALL": "C.UTF-8"}
        read = subprocess.run(["hledger", "-f", path, "check", "--strict"], capture_output=True, text=True, env=env, check=False)
        expect("hledger reads the export and its assertions pass", read.returncode == 0, read.stderr)
        total = subprocess.run(["hledger", "-f", path, "balance", "-N", "--flat", "-O", "csv", "L1:C1:4"], capture_output=True,
                               text=True, env=env, check=False)
        have = sum(x["left"] for x in shown)  # all of it has expired by the machine's clock
        expect("hledger comes to the same balance", f"-{have} " in total.stdout, total.stdout)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace('  -10 "L1" = -10 "L1"', '  -10 "L1" = -11 "L1"', 1))
        read = subprocess.run(["hledger", "-f", path, "check"], capture_output=True, text=True, env=env, check=False)
        expect("hledger notices a balance that is none", read.returncode != 0, read)


if present():
    guarded(walk, "in memory")
    for check in (check_lines, check_clock, check_limits, check_store, check_same, check_desk):
        guarded(check)
finish()
