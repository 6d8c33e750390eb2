"""The cause of a network exception: the system's error, where programs look for it. Nothing is raised here."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def doubled(error: BaseException) -> BaseException:
    """A copy of an error whose context is the error itself, for ``raise ... from doubled(exc)``.

    In httpx an exception of httpcore stands in between, so programs look for the system's error at
    ``exc.__cause__.__context__``. Here it is found there, and at ``exc.__cause__`` too. A traceback shows it once.
    """
    # What copy() does; where no descriptor is left, its import would fail.
    reduced: Any = error.__reduce__()
    twin: BaseException = reduced[0](*reduced[1])
    if len(reduced) > 2:
        twin.__dict__.update(reduced[2])
    twin.__context__ = error
    twin.__suppress_context__ = True
    return twin.with_traceback(error.__traceback__)
