"""What guards a handle: one thread at a time, nothing after close, nothing out of a callback."""

import threading

from . import _core
from ._errors import StateError


class Guard:
    """Shared by a store and its communities, which one thread at a time may use."""

    __slots__ = ("_lock", "_owner", "_holder")

    def __init__(self):
        self._lock = threading.Lock()
        self._owner = 0
        self._holder = 0  # who has it beyond a single call

    def _enter(self):
        me = threading.get_ident()
        if self._owner == me:
            raise StateError("a callback must not call back into the same store", "in_callback", _core.GOV_E_STATE)
        held = self._holder == me
        if not held:
            self._lock.acquire()
        return me, held

    def __enter__(self):
        self._owner, _ = self._enter()

    def __exit__(self, *_):
        held = self._holder == self._owner
        self._owner = 0
        if not held:
            self._lock.release()

    def hold(self):
        """Keeps other threads out until let_go(); False when this thread keeps them out already."""
        me, held = self._enter()
        if not held:
            self._holder = me
        return not held

    def let_go(self):
        """Ends what hold() began."""
        self._holder = 0
        self._lock.release()


class Handle:
    """A C handle that can be closed, more than once, and that is closed when it is forgotten."""

    _what = "handle"
    _release = None  # the call that frees it

    def __init__(self, handle, guard=None):
        self._handle = handle
        self._guard = guard if guard is not None else Guard()

    @property
    def closed(self):
        """Whether close() was called."""
        return self._handle is None

    def close(self):
        """Frees it at once. Closing twice does nothing."""
        if self._handle is None:
            return
        with self._guard:
            handle, self._handle = self._handle, None
            if handle is not None:
                type(self)._release(handle)

    def _call(self, function, *args):
        with self._guard:
            if self._handle is None:
                raise StateError(f"the {self._what} is closed", "closed", _core.GOV_E_STATE)
            return function(self._handle, *args)

    def __enter__(self):
        if self._handle is None:
            raise StateError(f"the {self._what} is closed", "closed", _core.GOV_E_STATE)
        return self

    def __exit__(self, *_):
        self.close()

    def __reduce__(self):
        raise TypeError(f"a {self._what} cannot be pickled")

    def __repr__(self):
        return f"<gov.{type(self).__name__}{' closed' if self.closed else ''}>"
