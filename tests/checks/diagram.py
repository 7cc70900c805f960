"""Pictures of workflows: nothing lies on anything else, arrows end where they should, the same rules give the same bytes."""

import os
import random
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish, have, report, skip

GOV = os.path.join(os.environ.get("GOV_BUILD", ""), "bin", "gov")
SVG = "{http://www.w3.org/2000/svg}"


def draw(path, workflow, form="svg", lang="zh"):
    done = subprocess.run([GOV, "--lang", lang, "diagram", path, workflow, "--format", form], capture_output=True)
    return done.stdout.decode(), done.stderr.decode(), done.returncode


def box(e):
    x, y, w, h = (int(e.get(k)) for k in ("x", "y", "width", "height"))
    return x, y, x + w, y + h


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def corners(d):
    """The corners of a path of our own: M, L and Q with absolute places."""
    places, numbers = [], re.compile(r"-?\d+")
    for letter, rest in re.findall(r"([MLQ])([^MLQ]*)", d):
        n = [int(v) for v in numbers.findall(rest)]
        places.append((n[0], n[1]))
    return places


def look(svg):
    """What the chart's group shows: states, boxes, labels, links."""
    root = ET.fromstring(svg)
    chart = next(g for g in root.findall(SVG + "g") if g.get("transform"))
    shown = {"state": {}, "box": {}, "label": [], "link": []}
    for e in chart.iter(SVG + "g"):
        title = e.find(SVG + "title")
        if title is None:
            continue
        rect, circle = e.find(SVG + "rect"), e.find(SVG + "circle")
        name = title.text.split("\n")[0]
        if e.get("class") == "link":
            line, head = e.findall(SVG + "path")
            tip = corners(head.get("d"))[0]
            shown["link"].append((name, corners(line.get("d")), tip, title.text))
        elif rect is not None:
            kind = "box" if rect.get("class").startswith("box") else "state"
            shown[kind][name.split(":")[0]] = box(rect)
        elif circle is not None:
            x, y = int(circle.get("cx")), int(circle.get("cy"))
            shown["state"][name.split(":")[0]] = (x - 14, y - 14, x + 14, y + 14)
    shown["label"] = [box(e) for e in chart.findall(SVG + "rect") if e.get("class") == "l"]
    return shown, root


def inside(inner, outer):
    return outer[0] <= inner[0] and inner[2] <= outer[2] and outer[1] <= inner[1] and inner[3] <= outer[3]


def problems_of(what, svg):
    shown, root = look(svg)
    problems = []
    solid = list(shown["state"].items()) + [(f"label {i}", b) for i, b in enumerate(shown["label"])]
    for i, (a, abox) in enumerate(solid):
        problems += [f"{what}: {a} and {b} overlap" for b, bbox in solid[i + 1:] if overlap(abox, bbox)]
    for path, b in shown["box"].items():
        for inner, place in {**shown["state"], **shown["box"]}.items():
            if inner != path and inner.startswith(path + ".") != inside(place, b) and overlap(place, b) and not inside(b, place):
                problems.append(f"{what}: {inner} lies across the border of {path}")
            if inner.startswith(path + ".") and not inside(place, b):
                problems.append(f"{what}: {inner} is not inside {path}")
    everything = {**shown["state"], **shown["box"]}
    for name, line, tip, _ in shown["link"]:
        source, target = name.split(" → ")
        b = everything[target]
        if not (b[0] <= tip[0] <= b[2] and tip[1] in (b[1], b[3])):
            problems.append(f"{what}: the arrow {name} ends at {tip}, not at {b}")
        crossed = set()
        for (x1, y1), (x2, y2) in zip(line, line[1:]):
            span = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
            crossed |= {label for label in shown["label"] if overlap((span[0], span[1], span[2] + 1, span[3] + 1), label)}
            for state, place in shown["state"].items():
                shrunk = (place[0] + 1, place[1] + 1, place[2] - 1, place[3] - 1)
                if state not in (source, target) and overlap((span[0], span[1], span[2] + 1, span[3] + 1), shrunk):
                    problems.append(f"{what}: the line {name} runs through {state}")
        if len(crossed) > 1:
            problems.append(f"{what}: the line {name} runs through another's label")
    width, height = int(root.get("width")), int(root.get("height"))
    if any(b[2] > width or b[3] > height for b in everything.values()):
        problems.append(f"{what}: something lies off the page")
    return problems


def workflow(rng, name):
    """A random chart: nested, parallel, with histories, timers and links across everything."""
    lines, paths = [], []
    budget = [rng.randint(3, 34)]

    def states(depth, prefix, indent):
        for i in range(rng.randint(2, 4) if depth else rng.randint(2, 7)):
            budget[0] -= 1
            path = f"{prefix}{'.' if prefix else ''}s{budget[0] + 100}"
            node = {"path": path, "line": len(lines), "indent": indent}
            paths.append(node)
            lines.append(None)
            node["kind"] = "leaf"
            if budget[0] > 0 and depth < 4 and rng.random() < 0.3:
                node["kind"] = "parallel" if rng.random() < 0.3 else "compound"
                lines.append(" " * indent + "  states:")
                if node["kind"] == "parallel":
                    for k in range(rng.randint(2, 3)):
                        region = {"path": f"{path}.r{k}", "line": len(lines), "indent": indent + 4, "kind": "compound"}
                        paths.append(region)
                        lines.append(None)
                        lines.append(" " * (indent + 4) + "  states:")
                        states(depth + 2, region["path"], indent + 8)
                else:
                    states(depth + 1, path, indent + 4)
                    if rng.random() < 0.4:
                        lines.append(f"{' ' * (indent + 4)}h{budget[0] + 100}: {{type: history}}")
            if budget[0] <= 0:
                break

    states(0, "", 2)
    for node in paths:
        pad, key = " " * node["indent"], node["path"].rsplit(".", 1)[-1]
        text = [f"{pad}{key}:", f"{pad}  title: {{zh: {'状态' * rng.randint(1, 4)}, en: {'State ' * rng.randint(1, 4)}}}"]
        if node["kind"] == "parallel":
            text.append(f"{pad}  type: parallel")
        on = []
        for k in range(rng.randint(0, 3)):
            to = rng.choice(paths)["path"]
            extra = rng.choice(["", ", when: case.n > 3 && case.n < 1000 || case.n == 7", ", do: [{set: {n: case.n + 1}}]"])
            on.append(f"e{k}: {{to: {to}{extra}}}")
        if on:
            text.append(f"{pad}  on: {{{', '.join(on)}}}")
        if rng.random() < 0.2:
            text.append(f"{pad}  after: {{delay: 3 days, to: {rng.choice(paths)['path']}}}")
        lines[node["line"]] = "\n".join(text)
    head = [f"workflow: {name}", "title: {zh: 随机, en: Random}", "fields: {n: {type: int, default: 0}}",
            "events: {e0: {by: [r]}, e1: {by: [r]}, e2: {by: [r]}}", "states:"]
    return "\n".join(head + [line for line in lines if line])


def rulebook(folder, texts):
    path = os.path.join(folder, "rulebook.yaml")
    head = 'rulebook: r\nversion: "1"\ntitle: r\nlanguages: [zh, en]\ntime_zone: Asia/Shanghai\nroles: {r: {title: r}}\n'
    with open(path, "w", encoding="utf-8") as out:
        out.write("---\n".join([head] + [t + "\n" for t in texts]))
    return path


def check_examples():
    problems = []
    for path, name in (("community", "complaint"), ("community", "supervision"), ("community", "sorting_check"),
                       ("city311", "request"), ("quickstart", "lamp")):
        for lang in ("zh", "en"):
            svg, err, code = draw(os.path.join(ROOT, "examples", path), name, lang=lang)
            if code != 0:
                problems.append(f"{name}: {err}")
                continue
            problems += problems_of(f"{name} ({lang})", svg)
            if svg != draw(os.path.join(ROOT, "examples", path), name, lang=lang)[0]:
                problems.append(f"{name}: another picture the second time")
    return problems


def check_random(folder, count):
    problems = []
    for seed in range(count):
        rng = random.Random(seed)
        path = rulebook(folder, [workflow(rng, "w")])
        svg, err, code = draw(path, "w", lang=rng.choice(["zh", "en"]))
        problems += problems_of(f"seed {seed}", svg) if code == 0 else [f"seed {seed}: {err}"]
    return problems


def check_dot(folder, count):
    problems = []
    for seed in range(count):
        path = rulebook(folder, [workflow(random.Random(1000 + seed), "w")])
        dot, err, code = draw(path, "w", "dot")
        done = subprocess.run(["dot", "-Tplain"], input=dot.encode(), capture_output=True)
        if code != 0 or done.returncode != 0 or b"rror" in done.stderr:
            problems.append(f"seed {seed}: {err}{done.stderr.decode()[:200]}")
    return problems


def check_noticed():
    """A picture with a state on a state and an arrow to nowhere."""
    bad = ('<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"><g transform="translate(0 0)">'
           '<g><title>a</title><rect class="state" x="0" y="0" width="20" height="20"/></g>'
           '<g><title>b</title><rect class="state" x="10" y="10" width="20" height="20"/></g>'
           '<g class="link"><title>a → b</title><path d="M5 20L5 60"/><path d="M5 66l-4 -9h9z"/></g></g></svg>')
    found = problems_of("bad", bad)
    return [] if len(found) == 2 else [f"found {found}"]


report("the examples' pictures are clean, and the same each time", check_examples())
with tempfile.TemporaryDirectory() as place:
    report("pictures of random charts are clean", check_random(place, 400 if os.environ.get("GOV_LONG") else 60))
    if have("dot"):
        report("Graphviz reads our DOT", check_dot(place, 20))
    else:
        skip("Graphviz reads our DOT", "dot is not installed")
report("a bad picture is noticed", check_noticed())
finish()
