from typing import Any

# The calls of C, one to one, as SWIG wraps them; not for use from outside of the package.
def __getattr__(name: str) -> Any: ...
