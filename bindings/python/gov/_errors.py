"""Exceptions: one class for each kind of status, and the one function that makes them."""

import sys
from dataclasses import dataclass, field
from typing import Any, Optional

from . import _core


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong (or worth knowing), and where."""

    severity: str
    code: str
    message: str
    origin: Optional[str] = None
    line: int = 0
    column: int = 0
    _from: Any = field(default=None, repr=False, compare=False)

    def argument(self, name):
        """The named argument of the message, as text; None when it has none of that name."""
        return _core.gov_error_argument(self._from[0], self._from[1], name) if self._from else None

    def __str__(self):
        place = ":".join(str(part) for part in (self.origin, self.line, self.column) if part)
        text = self.message if self.severity == "error" else f"{self.severity}: {self.message}"
        return f"{place}: {text}" if place else text


class Error(Exception):
    """Anything that libgov reports. `status` is the number, `code` the stable name of the first error, `message` its
    text in `gov.language`, `diagnostics` all there is to say."""

    def __init__(self, message="", code="", status=0, diagnostics=(), report=None):
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.diagnostics = list(diagnostics)
        self.report = report

    def __str__(self):
        errors = [d for d in self.diagnostics if d.severity == "error"]
        if not errors:
            return self.message
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return f"{errors[0]}{more}"

    def __reduce__(self):
        plain = [Diagnostic(d.severity, d.code, d.message, d.origin, d.line, d.column) for d in self.diagnostics]
        return type(self), (self.message, self.code, self.status, plain, self.report)


class NoMemory(Error, MemoryError):
    """There was no memory; nothing was changed."""


class ArgumentError(Error, ValueError):
    """The call was misused."""


class StateError(Error):
    """The handle is in the wrong state: closed, or a group is open that should not be, or the other way round."""


class InputError(Error, ValueError):
    """What came from outside is malformed; every bad field is among the diagnostics."""


class RuleError(Error):
    """The rulebook has mistakes; every one is among the diagnostics, with file, line and column."""


class ExprError(Error):
    """An expression failed to compile or to evaluate."""


class LimitError(Error):
    """A documented limit was exceeded."""


class RangeError(Error, OverflowError):
    """A number left its range."""


class NotFound(Error, KeyError):
    """What was named does not exist."""


class Exists(Error):
    """What should be new exists already."""


class Conflict(Error):
    """The same key came with another input."""


class Refused(Error):
    """A rule of the community refuses; the diagnostics cite it."""


class Denied(Error):
    """The actor may not do this for this purpose."""


class StoreError(Error):
    """The store failed."""


class Retry(StoreError):
    """The engine asks to begin the group again."""


class Busy(StoreError):
    """Another process holds the store's lock."""


class Corrupt(StoreError):
    """The file is not a store, or is damaged."""


class ReadOnly(StoreError):
    """The store cannot be written."""


class Full(StoreError):
    """The disk is full."""


class Newer(StoreError):
    """The store was written by a newer library."""


class Older(StoreError):
    """The store needs gov.upgrade() first."""


class UnknownOutcome(StoreError):
    """The connection was lost while committing."""


class VerifyError(Error):
    """A verification found something wrong; `report` says what."""


class Unsupported(Error):
    """This build or engine cannot do that."""


class Bug(Error):
    """libgov broke a rule of its own; please report it."""


_CLASSES = {
    _core.GOV_E_NOMEM: NoMemory,
    _core.GOV_E_ABI: Bug,
    _core.GOV_E_ARG: ArgumentError,
    _core.GOV_E_INPUT: InputError,
    _core.GOV_E_RULE: RuleError,
    _core.GOV_E_EXPR: ExprError,
    _core.GOV_E_LIMIT: LimitError,
    _core.GOV_E_RANGE: RangeError,
    _core.GOV_E_NOT_FOUND: NotFound,
    _core.GOV_E_EXISTS: Exists,
    _core.GOV_E_CONFLICT: Conflict,
    _core.GOV_E_REFUSED: Refused,
    _core.GOV_E_DENIED: Denied,
    _core.GOV_E_STATE: StateError,
    _core.GOV_E_STORE: StoreError,
    _core.GOV_E_RETRY: Retry,
    _core.GOV_E_BUSY: Busy,
    _core.GOV_E_CORRUPT: Corrupt,
    _core.GOV_E_READONLY: ReadOnly,
    _core.GOV_E_FULL: Full,
    _core.GOV_E_NEWER: Newer,
    _core.GOV_E_OLDER: Older,
    _core.GOV_E_UNKNOWN_OUTCOME: UnknownOutcome,
    _core.GOV_E_VERIFY: VerifyError,
    _core.GOV_E_UNSUPPORTED: Unsupported,
    _core.GOV_E_BUG: Bug,
}


def diagnostics(handle):
    """All diagnostics of a gov_error handle (or of None), in `gov.language`."""
    if handle is None:
        return []
    language = getattr(sys.modules[__package__], "language", "en")
    return [
        Diagnostic(
            "warning" if _core.gov_error_severity(handle, i) == _core.GOV_SEVERITY_WARNING else "error",
            _core.gov_error_code(handle, i),
            _core.gov_error_message(handle, i, language),
            _core.gov_error_origin(handle, i),
            _core.gov_error_line(handle, i),
            _core.gov_error_column(handle, i),
            (handle, i),
        )
        for i in range(_core.gov_error_count(handle))
    ]


def error(status, handle=None, answer=None):
    """The exception for a status: the only way from a code to a class."""
    found = diagnostics(handle)
    first = next((d for d in found if d.severity == "error"), None)
    kind = _CLASSES.get(status, StoreError if 400 <= status < 480 else Error)
    message = first.message if first else f"status {status}"
    return kind(message, first.code if first else "", status, found, answer)


_core.gov_set_error_maker(error)
