"""Rulebooks, expressions and simulations: what needs no store."""

import json
import os
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timezone

from . import _core
from ._errors import Error, InputError, LimitError, RuleError, diagnostics
from ._handle import Handle


def path_text(path):
    """A path as the library takes it: text, or bytes where it is no UTF-8."""
    path = os.fspath(path)
    if isinstance(path, str):
        try:
            path.encode()
        except UnicodeEncodeError:
            return os.fsencode(path)
    return path


class Rulebook(Handle):
    """A checked, compiled rulebook. `warnings` holds what is worth knowing about it."""

    _what = "rulebook"
    _release = _core.gov_rulebook_free

    def __init__(self, handle, warnings):
        super().__init__(handle)
        self.warnings = warnings

    @property
    def id(self):
        """Its id, e.g. "xingfuli"."""
        return self._call(_core.gov_rulebook_id)

    @property
    def version(self):
        """Its version as written."""
        return self._call(_core.gov_rulebook_version)

    @property
    def digest(self):
        """SHA-256 of its canonical text, in hexadecimal digits."""
        return self._call(_core.gov_rulebook_digest)

    def diagram(self, workflow, format="svg", lang=None):
        """A workflow drawn as text: "svg", "mermaid" or "dot"; titles in `lang`, "zh" or "en", by default the rulebook's own."""
        return self._call(_core.gov_rulebook_diagram, workflow, format, lang)


def load_rulebook(path, *, today=None, scope=None, overlay=None):
    """Reads a rulebook from a file or a directory and checks all of it; RuleError holds every mistake.

    `today` is the instant for warnings about calendar years: an aware datetime, by default the present. `scope` has the functions of
    this program that the rules call: a Scope, or a dict of functions. `overlay` is a file that replaces values, roles and the title."""
    us = time.time_ns() // 1000 if today is None else micros(today)
    kept, functions = scope_handle(scope)
    handle, warned = _core.gov_rulebook_load(path_text(path), None if overlay is None else path_text(overlay), us, functions)
    del kept  # the rulebook has it now
    return Rulebook(handle, diagnostics(warned))


def schema():
    """The JSON Schema (2020-12) of rulebooks as text, for editors."""
    return _core.gov_rulebook_schema()


def check(path, *, today=None, scope=None, overlay=None):
    """Every diagnostic of a rulebook, errors and warnings; an empty list when all is well. Arguments as for load_rulebook()."""
    try:
        with load_rulebook(path, today=today, scope=scope, overlay=overlay) as rules:
            return rules.warnings
    except (RuleError, InputError, LimitError) as e:
        return e.diagnostics


def test(path, *, url=None, lang=None, scope=None, overlay=None):
    """Runs the scenarios under a path; gives a dict of `passed`, `failed`, `results`, `coverage` and `warnings`.

    `url` is the store to run them on, by default a new one in memory for each; `lang` the language of titles and messages,
    by default `gov.language`; `scope` and `overlay` as in load_rulebook()."""
    options = {"lang": lang if lang is not None else sys.modules[__package__].language}
    if url is not None:
        options["url"] = path_text(url)
    if overlay is not None:
        options["overlay"] = path_text(overlay)
    kept, functions = scope_handle(scope)
    report, warned = _core.gov_scenarios_run(path_text(path), options, functions)
    del kept
    report["warnings"] = diagnostics(warned)
    return report


def micros(when):
    """Microseconds since 1970 of an aware datetime (or of a number, as it is)."""
    if isinstance(when, int) and not isinstance(when, bool):
        return when
    return _core.gov_instant(when)


class Scope(Handle):
    """Functions that expressions may call beside the language's own. `functions` maps signatures to functions:

        Scope({"rainfall(string, timestamp) -> double": rainfall})

    With `rules` (a Rulebook) expressions may also use the rulebook's values and functions, by its zone and calendar, and `now`: the
    instant that is given, or else this moment. Once something was compiled with a scope, it takes no more functions."""

    _what = "scope"
    _release = _core.gov_scope_free

    def __init__(self, functions=None, *, rules=None, now=None):
        if functions is not None and not isinstance(functions, Mapping):
            raise TypeError(f"a scope is a Scope, or a dict of functions, not {type(functions).__name__}")
        if rules is not None and not isinstance(rules, Rulebook):
            raise TypeError(f"rules are a Rulebook, not {type(rules).__name__}")
        if rules is None:
            super().__init__(_core.gov_scope_new())
        else:
            us = micros(now if now is not None else datetime.now(timezone.utc))
            super().__init__(rules._call(_core.gov_rulebook_scope, us))
        for signature, function in (functions or {}).items():
            self.add(signature, function)

    def add(self, signature, function=None, *, pure=False, cost=0):
        """Adds a function; without one, a decorator that does. `pure`: its answer depends on its arguments alone. `cost`: what one call
        takes of an evaluation's units (10)."""
        if function is None:
            def adding(wrapped):
                self.add(signature, wrapped, pure=pure, cost=cost)
                return wrapped
            return adding
        self._call(_core.gov_scope_add, signature, int(pure), cost, function)
        return self


def scope_handle(scope):
    """(what keeps it, its handle) of a Scope, of a dict of functions, or of None."""
    if scope is None:
        return None, None
    if not isinstance(scope, Scope):
        scope = Scope(scope)
    return scope, scope._call(lambda handle: handle)


class Expr(Handle):
    """A compiled expression; call it with bindings."""

    _what = "expression"
    _release = _core.gov_expr_free

    def __init__(self, handle, source):
        super().__init__(handle)
        self.source = source

    def __call__(self, bindings=None, /, **more):
        """Evaluates it. Dotted names go into a dict: e({"case.urgency": 1})."""
        return self._call(_core.gov_expr_eval, {**(bindings or {}), **more})

    def __repr__(self):
        return f"gov.Expr({self.source!r})"


def compile(source, variables=None, *, scope=None, container=None, type=None):
    """Compiles an expression in CEL. `variables` maps the names that it may use to their types, such as "int",
    "list(string)" or "dyn" (anything); `scope` is a Scope, or a dict of functions; names are looked up in `container` first; `type` is
    what the expression must yield."""
    kept, handle = scope_handle(scope)
    return Expr(_core.gov_expr_compile(source, variables, handle, container, type), source)


def eval(source, bindings=None, /, *, scope=None, **more):
    """Compiles and evaluates an expression at once: gov.eval("a + b", a=1, b=2), or gov.eval("case.urgency > 2",
    {"case.urgency": 3}). `scope` as in compile()."""
    both = {**(bindings or {}), **more}
    with compile(source, dict.fromkeys(both, "dyn"), scope=scope) as expr:
        return expr(both)


def eval_line(line, scope=None):
    """Answers one line of the protocol of `gov eval`: JSON text in, JSON text out."""
    kept, handle = scope_handle(scope)
    try:
        return _core.gov_scope_eval_line(handle, line)
    finally:
        del kept


class Simulation(Handle):
    """A workflow without a store, on a clock that stands still unless told. `warnings` holds what is doubtful in it.
    `scope` has the functions of this program that the rules call: a Scope, or a dict of functions.

    `state` is the latest answer: a dict of `active` (list of paths) and `done`."""

    _what = "simulation"
    _release = _core.gov_simulation_free

    def __init__(self, path, *, workflow=None, scope=None):
        kept, functions = scope_handle(scope)
        try:
            handle, warned = _core.gov_simulation_open(path_text(path), workflow, functions)
        finally:
            del kept
        super().__init__(handle)
        self.warnings = diagnostics(warned)
        self.state = json.loads(self._call(_core.gov_simulation_line, None))

    def line(self, line):
        """Answers one line of the protocol of `gov simulate`: JSON text in, JSON text out."""
        return self._call(_core.gov_simulation_line, line)

    def _ask(self, **what):
        answer = json.loads(self.line(json.dumps(what)))
        if "error" in answer:
            wrong = answer["error"]
            raise Error(wrong.get("message", ""), wrong.get("code", ""))
        if "active" in answer:
            self.state = answer
        return answer

    def send(self, event, data=None):
        """Sends an event, with data in the protocol's JSON; gives the new state."""
        return self._ask(event=event) if data is None else self._ask(event=event, data=data)

    def advance(self, time):
        """Lets so much time pass (a timedelta, or a number of seconds); gives the new state."""
        seconds = time.total_seconds() if hasattr(time, "total_seconds") else time
        return self._ask(advance_ms=round(seconds * 1000))

    def snapshot(self):
        """Its whole state as text, for restore()."""
        return self._ask(snapshot=True)["snapshot"]

    def restore(self, snapshot):
        """Goes back to a snapshot; gives the state."""
        return self._ask(restore=snapshot)


class LedgerLines(Handle):
    """A ledger in memory, driven by the line protocol of `gov ledger`, on a clock that starts at 0 and stands still unless told."""

    _what = "ledger"
    _release = _core.gov_ledger_lines_free

    def __init__(self):
        super().__init__(_core.gov_ledger_lines_open())

    def line(self, line):
        """Answers one line of the protocol: JSON text in, JSON text out."""
        return self._call(_core.gov_ledger_line, line)


def to_json(value):
    """Canonical JSON of a value: the same value gives the same text, and from_json() gives the value back."""
    return "null" if value is None else _core.gov_value_to_json(value)


def from_json(text):
    """The value of JSON text, with {"$timestamp": ...} and its kin read as what they stand for."""
    return _core.gov_value_from_json(text)


def point(lat, lon):
    """A point, from degrees (WGS 84) to what records hold: units of 1e-7 degree."""
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise ValueError("a latitude is -90 to 90 degrees, a longitude -180 to 180")
    return {"lat": round(lat * 10_000_000), "lon": round(lon * 10_000_000)}
