"""The line protocols: gov eval and gov simulate, by hand and by the public test vectors, through the process."""

import base64
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish, report, skip
from clilib import expect, gov, guarded, present, shared


def answers(command, lines):
    """One answer for each line, in order."""
    done = gov(*command, stdin="".join(line + "\n" for line in lines))
    return done, [json.loads(line) for line in done.out.splitlines()]


# ---- expressions ----

def same(a, b):
    """Values of the protocol: doubles by value (NaN is NaN), maps without regard to order."""
    if isinstance(a, dict) and isinstance(b, dict) and len(a) == len(b) == 1:
        (ka, va), (kb, vb) = *a.items(), *b.items()
        if ka != kb:
            return False
        if ka == "double":
            x, y = float(va), float(vb)
            return (x != x and y != y) or (x == y and str(x) == str(y))
        if ka == "map":
            return len(va) == len(vb) and all(any(same(x[0], y[0]) and same(x[1], y[1]) for y in vb) for x in va)
        if ka == "bytes":
            return base64.b64decode(va) == base64.b64decode(vb)
        return va == vb
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return type(a) is type(b) and a == b


def check_eval():
    lines = ['{"expr": "1 + 2"}', "nonsense", '{"expr": "a.b.c", "bindings": {"a.b.c": {"int": "7"}}}', "",
             '{"expr": "1 +"}', '{"expr": "f_unknown(17) || true"}', '{"expr": "1 / 0"}', '{"expr": 5}', '{"exp": "1"}',
             '{"expr": "x", "bindings": {"x": {"double": "NaN"}}}', '{"expr": "nothing"}', '[1]', '{"expr": "b\'\\\\xff\'"}',
             '{"expr": "\'\u4f60\u597d\'.size()"}']
    done, got = answers(["eval"], lines)
    expect("eval answers every line", done.code == 0 and len(got) == len(lines) and done.err == "", done)
    expect("eval: values", got[0] == {"value": {"int": "3"}} and got[2] == {"value": {"int": "7"}} and
           got[5] == {"value": True} and same(got[9], {"value": {"double": "NaN"}}) and got[12] == {"value": {"bytes": "/w=="}} and
           got[13] == {"value": {"int": "2"}}, got)
    expect("eval: a malformed line gives an error and the stream goes on", all(
        set(got[i]) == {"error"} and {"code", "message"} <= set(got[i]["error"]) for i in (1, 3, 4, 6, 7, 8, 10, 11)), got)
    expect("eval: the error has its code", got[6]["error"]["code"] == "divide_by_zero", got[6])
    last = gov("eval", stdin='{"expr": "2"}')
    expect("eval: a last line without its end", last.out == '{"value":{"int":"2"}}\n', last)
    expect("eval: nothing in, nothing out", gov("eval", stdin="").out == "")
    huge = "x" * (64 * 1024 * 1024 + 5)
    for command, line in ((["eval"], '{"expr": "1"}'), (["ledger"], '{"op": "balance"}')):
        done, got = answers(command, [line, huge, line])
        expect(f"{command[0]}: a line beyond 64 MiB is one error, and the stream goes on",
               done.code == 0 and len(got) == 3 and got[1]["error"]["code"] == "too_large" and got[0] == got[2], (done.code, got))
    done, got = answers(["eval"], [json.dumps({"expr": "size(x)", "bindings": {"x": "y" * (63 * 1024 * 1024)}}),
                                   huge, '{"expr": "2"}'], )
    expect("eval: a line of almost 64 MiB has a value or an error", done.code == 0 and len(got) == 3 and
           got[2] == {"value": {"int": "2"}}, (done.code, got))
    long = "+".join(["1"] * 2000)
    done, got = answers(["eval"], [json.dumps({"expr": long}), json.dumps({"expr": "[" * 5000}), '{"expr": "1"}'])
    expect("eval: long lines", len(got) == 3 and set(got[1]) == {"error"} and got[2] == {"value": {"int": "1"}}, got)


CORE = {"time", "wkt_names"}
EXTENSIONS = {"macros2", "optionals", "string_ext", "math_ext", "bindings_ext", "encoders_ext", "quoted_fields", "typed_result"}
LEFT_OUT = {
    "network_ext": "no rule of a community looks at network addresses",
    "block_ext": "the form in which optimisers write expressions, not people",
    "check_only": "asks what a checker with type parameters of its own deduces; nothing is evaluated",
}


def check_vectors():
    path = shared("conformance/cel.jsonl")
    if not path:
        skip("eval replays the public CEL vectors", "no shared data")
        return
    with open(path, encoding="utf-8") as f:
        cases = [json.loads(line) for line in f]
    wanted = ("expr", "bindings", "container", "disable_macros")
    done, got = answers(["eval"], [json.dumps({k: c[k] for k in wanted if k in c}) for c in cases])
    if not expect("eval answers all the public CEL vectors", len(got) == len(cases) and done.code == 0, done.err):
        return
    def right(case, out):
        if "value" not in case["expect"]:
            return "error" in out
        return "value" in out and same(out["value"], case["expect"]["value"])
    left = {why: 0 for why in LEFT_OUT}
    kinds = {"core": [], "extensions": []}
    for case, out in zip(cases, got):
        needs = set(case["needs"])
        why = next((group for group in LEFT_OUT if group in needs), None)
        if why:
            left[why] += 1
        else:
            kinds["core" if needs <= CORE else "extensions"].append((case, out))
    for kind, lines in kinds.items():
        wrong = [f"{c['file']}/{c['section']}/{c['name']}: {c['expr']!r} gave {json.dumps(o)}" for c, o in lines if not right(c, o)]
        wrong += [f"{c['file']}/{c['name']}: nobody knows the group {need}" for c, _ in lines
                  for need in set(c["needs"]) - CORE - EXTENSIONS]
        print(f"note {len(lines) - len(wrong)} of {len(lines)} CEL vectors of the {kind} agree")
        report(f"eval agrees with the public CEL vectors of the {kind}", wrong)
    for group, why in LEFT_OUT.items():
        print(f"note {left[group]} CEL vectors of {group} are left out: {why}")


# ---- statecharts ----

class Chart:
    """A vector's chart as a workflow: names that a rulebook allows, targets as paths from the root."""

    def __init__(self, vector):
        self.v, self.names, self.paths, self.events = vector, {}, {}, set()
        self.place(vector["chart"], "")
        for step in vector["steps"]:
            self.events.add(step["event"])

    def place(self, state, prefix):
        for child in state.get("states", []):
            name = "s_" + "".join(ch if ch.isalnum() else "_" for ch in child["id"]) + f"_{len(self.names)}"
            self.names[child["id"]] = name
            self.paths[child["id"]] = prefix + name
            self.place(child, prefix + name + ".")

    def expr(self, text):
        out = text.replace("===", "==").replace("!==", "!=")
        for name in self.v.get("data", {}):
            out = "".join(f"case.{piece}" if piece == name else piece for piece in words(out))
        for state, path in sorted(self.paths.items(), key=lambda item: -len(item[0])):
            out = out.replace(f"'{state}'", f"'{path}'").replace(f'"{state}"', f"'{path}'")
        return out

    def actions(self, blocks):
        out = []
        for a in blocks:
            if "raise" in a:
                self.events.add(a["raise"])
                out.append({"raise": a["raise"]})
            elif "send" in a:
                self.events.add(a["send"])
                send = {"event": a["send"]}
                if a.get("delay_ms"):
                    send["after"] = f"PT{a['delay_ms'] / 1000:.3f}S"
                out.append({"send": send})
            elif "assign" in a:
                out.append({"set": {a["assign"]: self.expr(a["expr"])}})
            elif "log" in a:
                out.append({"log": str(a["log"])})
            elif "if" in a:
                out += self.branches(a["if"])
            else:
                raise ValueError(f"unknown action {a}")
        return out

    def branches(self, list_):
        if not list_:
            return []
        cond, then = list_[0]
        if cond is None:
            return self.actions(then)
        one = {"if": self.expr(cond), "then": self.actions(then)}
        if len(list_) > 1:
            one["else"] = self.branches(list_[1:])
        return [one]

    def transition(self, t, with_event):
        out = {}
        if with_event:
            for event in t["event"]:
                if "*" not in event:
                    self.events.add(event)
            out["event"] = " ".join(t["event"])
        if t.get("target"):
            out["to"] = [self.paths[x] for x in t["target"]]
        if t.get("cond"):
            out["when"] = self.expr(t["cond"])
        if t.get("actions"):
            out["do"] = self.actions(t["actions"])
        if t.get("type") == "internal":
            out["internal"] = True
        return out

    def state(self, s):
        out = {}
        if s["type"] == "parallel":
            out["type"] = "parallel"
        elif s["type"] == "final":
            out["type"] = "final"
        elif s["type"] == "history":
            out["type"] = "history"
            out["deep"] = s["history"] == "deep"
            if s.get("default"):
                to = {"to": [self.paths[x] for x in s["default"]["target"]]}
                if s["default"].get("actions"):
                    to["do"] = self.actions(s["default"]["actions"])
                out["to"] = to
            return out
        if s.get("initial"):
            out["initial"] = {"to": [self.paths[x] for x in s["initial"]["target"]], "do": self.actions(s["initial"]["actions"])}
        for key, ours in (("onentry", "entry"), ("onexit", "exit")):
            if s.get(key):
                out[ours] = [a for block in s[key] for a in self.actions(block)]
        on = [self.transition(t, True) for t in s.get("transitions", []) if t.get("event")]
        always = [self.transition(t, False) for t in s.get("transitions", []) if not t.get("event")]
        if on:
            out["on"] = on
        if always:
            out["always"] = always
        if s.get("states"):
            out["states"] = {self.names[c["id"]]: self.state(c) for c in s["states"]}
        return out

    def workflow(self):
        root = self.state(self.v["chart"])
        root.pop("type", None)
        fields = {name: {"type": "any"} if value == "null" else {"type": "any", "default": json.loads(value)}
                  for name, value in self.v.get("data", {}).items()}
        return {"workflow": "vector", **({"fields": fields} if fields else {}),
                "events": {e: {} for e in sorted(self.events)}, **root}

    def leaves(self, active):
        back = {path: state for state, path in self.paths.items()}
        return sorted(back[path] for path in active)


def words(text):
    """Identifiers and what lies between them."""
    out, word = [], ""
    for ch in text:
        if ch.isalnum() or ch == "_":
            word += ch
        else:
            out += [word, ch]
            word = ""
    return [*out, word]


def replay(vector, folder):
    chart = Chart(vector)
    path = os.path.join(folder, "vector.yaml")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(chart.workflow(), f)
    lines, keep = [], [0]
    for step in vector["steps"]:
        if step.get("after_ms"):
            lines.append({"advance_ms": step["after_ms"]})
        lines.append({"event": step["event"]})
        keep.append(len(lines))
    done, got = answers(["simulate", path], [json.dumps(line) for line in lines])
    if len(got) != len(lines) + 1:
        return f"{vector['name']}: {done}"
    wanted = [vector["initialConfiguration"]] + [s["nextConfiguration"] for s in vector["steps"]]
    for at, expected in zip(keep, wanted):
        if "active" not in got[at] or chart.leaves(got[at]["active"]) != sorted(expected):
            return f"{vector['name']}: after {at} lines {sorted(expected)} expected, got {json.dumps(got[at])}"
    return None


def check_charts():
    path = shared("conformance/statecharts.jsonl")
    if not path:
        skip("simulate replays the public statechart vectors", "no shared data")
        return
    with open(path, encoding="utf-8") as f, tempfile.TemporaryDirectory() as folder:
        results = [replay(json.loads(line), folder) for line in f]
    report(f"simulate agrees with the {len(results)} public statechart vectors", [r for r in results if r])


FLOW = """\
workflow: lamp
fields: {count: {type: int, default: 0}}
events: {press: {}, fail: {input: {n: {type: int}}}, stop: {}}
states:
  off: {on: {press: on, stop: end}}
  on:
    entry: [{set: {count: case.count + 1}}]
    on: {press: off, fail: {to: off, do: [{set: {count: 1 / event.data.n}}]}}
    after: {delay: PT90S, to: off}
  end: {type: final}
"""


def check_simulate():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "lamp.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(FLOW)
        lines = ['{"event":"press"}', '{"advance_ms":89999}', '{"advance_ms":1}', '{"event":"unknown"}', "nonsense",
                 '{"event":"press"}', '{"event":"fail","data":{"map":[["n",{"int":"0"}]]}}', '{"snapshot":true}', '{"event":"press"}']
        done, got = answers(["simulate", path], lines)
        active = [g.get("active") for g in got]
        expect("simulate: events and time", done.code == 0 and active[:5] == [["off"], ["on"], ["on"], ["off"], ["off"]] and
               got[0]["done"] is False, (done, got))
        expect("simulate: a malformed line and a failing step give errors", set(got[5]) == {"error"} and set(got[7]) == {"error"} and
               active[6] == ["on"] and active[9] == ["off"], got)
        saved = got[8]["snapshot"]
        done, again = answers(["simulate", path], [json.dumps({"restore": saved}), '{"advance_ms":90000}', '{"event":"stop"}',
                                                   '{"event":"press"}', '{"restore":"damaged"}'])
        expect("simulate: a snapshot goes on where it was", [a.get("active") for a in again[:5]] ==
               [["off"], ["on"], ["off"], ["end"], ["end"]] and again[3]["done"] is True and set(again[5]) == {"error"}, again)
        with open(path, "w", encoding="utf-8") as f:
            f.write(FLOW + "  lost: {}\n")
        doubtful = gov("simulate", path, stdin="")
        expect("simulate: doubts are warnings on stderr", doubtful.code == 0 and "lost" in doubtful.err and
               ": warning: " in doubtful.err and doubtful.out.count("\n") == 1, doubtful)
        with open(path, "w", encoding="utf-8") as f:
            f.write(FLOW.replace("press: off", "press: of"))
        wrong = gov("simulate", path, stdin="")
        expect("simulate: mistakes are told with their place", wrong.code == 2 and ":8:" in wrong.err and
               wrong.out == "", wrong)
        with open(path, "w", encoding="utf-8") as f:
            f.write(FLOW + "---\nworkflow: other\nstates: {only: {type: final}}\n")
        several = gov("simulate", path, stdin="")
        expect("simulate: of several workflows none is taken by itself", several.code == 2 and several.out == "" and
               "lamp, other" in several.err, several)
        named = gov("simulate", path, "--workflow", "other", stdin="")
        expect("simulate: the one that is named is taken", named.out == '{"active":["only"],"done":true}\n', named)
    community = os.path.join(ROOT, "examples", "community")
    inside = gov("simulate", "workflows/supervision.yaml", stdin="", cwd=community)
    expect("simulate: a path from within the rulebook's folder belongs to the rulebook", inside.code == 0 and
           inside.out == gov("simulate", os.path.join(community, "workflows", "supervision.yaml"), stdin="").out, inside)
    expect("simulate: no such file", gov("simulate", "absent.yaml").code == 2)


if present():
    for check in (check_eval, check_vectors, check_simulate, check_charts):
        guarded(check)
finish()
