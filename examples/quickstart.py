"""A street lamp is reported, dispatched, forgotten for three days, and urged: quickstart.py STORE [RULES]"""

import sys
from datetime import datetime, timedelta, timezone

import gov

path = sys.argv[1] if len(sys.argv) > 1 else "quickstart.db"
rules = sys.argv[2] if len(sys.argv) > 2 else "examples/quickstart"


def show(g, id):
    case = g.case(id)
    due = case["clocks"][0]["due"] if case["clocks"] else None
    hours = f", due in {int((due - g.now) / timedelta(hours=1))} hours" if due else ""
    print(f"{case['number']} {case['state'][0]}{hours}")


with gov.create(path, rules, now=datetime(2026, 3, 2, 1, tzinfo=timezone.utc)) as g:
    g.act_as_host("quickstart")
    g.put("unit", "U05", name="Lamps")
    g.put("staff", "li", name="Li", roles=["dispatcher"])
    g.put("staff", "wang", name="Wang", roles=["repairer"], unit="U05")

    with g.acting("li", purpose="handle_case"):
        id = g.open_case("lamp", text="路灯不亮", place=(30.28, 120.15))
        show(g, id)
        g.send(id, "dispatch", unit="U05")
        show(g, id)

    g.freeze(timedelta(days=3))
    print("fired", g.tick()["fired"])

    with g.acting("wang", purpose="handle_case"):
        show(g, id)
        for h in g.history(id):
            print(f"{h['kind']} {h.get('event') or '-'} by {h['actor']}: {h['to'][0]}")
        for e in g.explain(id)["events"]:
            print("may" if e["allowed"] else "may not", e["event"])

    print("verified", g.verify()["entries"], "entries")
