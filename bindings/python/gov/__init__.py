"""libgov: community governance as a library.

    import gov

    with gov.create("community.db", "rules/") as g:
        g.act_as_host("import")
        id = g.open_case("complaint", category="noise", place=(30.28, 120.15))
        g.send(id, "dispatch", unit="U05")
        print(g.case(id)["state"])

docs/python.md tells more. Messages of errors are in `gov.language`: "en" or "zh".
"""

import sys as _sys
from types import ModuleType as _ModuleType

from ._core import gov_version as _gov_version, gov_ledger_result_name as _result_name
from ._core import GOV_LEDGER_BATCH_MAX as LEDGER_BATCH_MAX
from ._errors import (
    ArgumentError, Bug, Busy, Conflict, Corrupt, Denied, Diagnostic, Error, Exists, ExprError, Full, InputError, LimitError,
    Newer, NoMemory, NotFound, Older, RangeError, ReadOnly, Refused, Retry, RuleError, StateError, StoreError,
    UnknownOutcome, Unsupported, VerifyError,
)
from ._rules import (
    Expr, LedgerLines, Rulebook, Scope, Simulation, check, compile, eval, eval_line, from_json, load_rulebook, point, test,
    schema, to_json,
)
from ._store import Community, Store, check_journal, create, new_journal_key, open, upgrade

__version__ = _gov_version()
language = "en"

__all__ = [
    "ArgumentError", "Bug", "Busy", "Community", "Conflict", "Corrupt", "Denied", "Diagnostic", "Error", "Exists",
    "Expr", "ExprError", "Full", "InputError", "LEDGER_BATCH_MAX", "LedgerLines", "LimitError", "Newer", "NoMemory", "NotFound",
    "Older", "RangeError", "ReadOnly", "Refused", "Retry", "RuleError", "Rulebook", "Scope", "Simulation", "StateError",
    "Store", "StoreError", "UnknownOutcome", "Unsupported", "VerifyError", "check", "check_journal", "compile",
    "create", "eval", "eval_line", "from_json", "language", "ledger_result_name", "load_rulebook", "new_journal_key", "open", "point",
    "schema", "test", "to_json", "upgrade",
]


def ledger_result_name(code):
    """Name of a ledger's result, e.g. "exceeds_credits"; None for a number that is none."""
    return _result_name(code)


class _Module(_ModuleType):
    """The module: a wrong language is told where it is set, not when an error wants to be told."""

    def __setattr__(self, name, value):
        if name == "language" and not isinstance(value, str):
            raise TypeError(f'gov.language is "en" or "zh", not {value!r}')
        if name == "language" and value not in ("en", "zh"):
            raise ValueError(f'gov.language is "en" or "zh", not {value!r}')
        super().__setattr__(name, value)


_sys.modules[__name__].__class__ = _Module

for _class in list(globals().values()):
    if isinstance(_class, type) and _class.__module__.startswith("gov._"):
        _class.__module__ = "gov"
del _class
