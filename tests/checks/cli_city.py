"""A city's half year through the command line on every store: what it reports, twice, and killed in the middle.

The first rows of the export; all of it when GOV_LONG is set."""

import gzip
import os
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish, skip
from clilib import GOV, Folder, Store, engines, expect, gov, guarded, present, shared

RULES = os.path.join(ROOT, "examples", "city311")
MAP = os.path.join(RULES, "data", "import.yaml")
WHOLE = bool(os.environ.get("GOV_LONG"))
ROWS = 58251 if WHOLE else 1500
KILLS = 8
PATIENCE = 5400


def data_folder(f):
    """The export as it is, or its head; None when it is absent."""
    requests, precincts = shared("data/city311/requests_2011.csv.gz"), shared("data/city311/precincts_2015.geojson")
    if not requests or not precincts:
        return None
    if WHOLE:
        return os.path.dirname(requests)
    os.makedirs(f("city"))
    shutil.copy(precincts, f("city"))
    with gzip.open(requests, "rt", encoding="utf-8", newline="") as source, \
            gzip.open(f("city/requests_2011.csv.gz"), "wt", encoding="utf-8", newline="") as target:
        for _, line in zip(range(ROWS + 1), source):
            target.write(line)
    return f("city")


def bring_in(url, data):
    return gov("import", url, "all", data, "--map", MAP, "--json", timeout=PATIENCE)


def state_of(url):
    """What two imports have in common: all but ids, salts and the machine's time, and so all but the tree's head."""
    report = gov("report", url, "--now", "replayed", "--json", timeout=PATIENCE)
    verified = gov("verify", url, "--json", timeout=PATIENCE)
    told = {k: v for k, v in report.json.items() if k != "journal"}
    return told, verified.code, {k: v for k, v in verified.json.items() if k != "root"}


def check_figures(kind, report):
    """As the city's own answers have them: on time, late, and late without an answer (158)."""
    if not WHOLE:
        expect(f"city: a report on {kind}", report["totals"]["opened"] == ROWS and report["on_time"]["on_time"] > 500, report)
        return
    expect(f"city: 35,591 on time on {kind}", report["on_time"]["on_time"] == 35591, report["on_time"])
    expect(f"city: 11,521 and 158 late on {kind}", report["on_time"]["late"] == 11521 + 158, report["on_time"])
    shown = {i["indicator"]: i for i in report["indicators"]}
    rate = shown["on_time_rate"]
    expect(f"city: of those with an answer on {kind}", (rate["numerator"], rate["denominator"]) == (35591, 35591 + 11521), rate)


def kill_at_times(url, data, took, dice):
    """Starts the import again and again, and ends it without warning each time."""
    kills = 0
    while kills < KILLS:
        process = subprocess.Popen([GOV, "import", url, "all", data, "--map", MAP], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            process.wait(dice.uniform(0.02, 0.25) * took)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    return kills


def check_city(f, kind, data):
    whole, killed = Store(kind, f, "city.db"), Store(kind, f, "killed.db")
    seed = int(os.environ.get("GOV_SEED", time.time_ns() % 100000))
    try:
        gov("init", whole.url, "--rulebook", RULES)
        began = time.monotonic()
        first = bring_in(whole.url, data)
        took = time.monotonic() - began
        expect(f"city: imported on {kind}", first.code == 0 and first.json["refused"] == 0 and
               first.json["added"] == 253 + ROWS, first)
        wanted = state_of(whole.url)
        print(f"  {ROWS} requests in {took:.1f} s on {kind}")
        expect(f"city: verifies on {kind}", wanted[1] == 0 and wanted[2]["unsealed"] == 0, wanted[1:])
        check_figures(kind, wanted[0])
        again = bring_in(whole.url, data)
        expect(f"city: imported again on {kind} adds nothing", again.code == 0 and
               again.json["added"] == again.json["changed"] == 0 and state_of(whole.url) == wanted, again)
        gov("init", killed.url, "--rulebook", RULES)
        kills = kill_at_times(killed.url, data, took, random.Random(seed))
        last = bring_in(killed.url, data)
        print(f"  killed {kills} times (GOV_SEED={seed})")
        expect(f"city: killed and run again ends the same on {kind}", kills > 0 and last.code == 0 and
               state_of(killed.url) == wanted, (seed, kills, last))
    finally:
        whole.close()
        killed.close()


if present():
    with Folder() as folder:
        city = data_folder(folder)
        if city is None:
            skip("a city's half year", "the data set is not here (GOV_SHARED)")
        for engine in engines() if city else []:
            guarded(check_city, folder, engine, city)
finish()
