"""`httpstream.main`: the command ``httpstream URL`` where httpx has `httpx.main`, for click's own tools.

Here stands only what to say when click or rich is missing; the command itself is in `_cli`, and so are the others.
"""

from __future__ import annotations

from ._cli import explain, missing_extra

__all__ = ["main"]

try:
    from ._cli.request import main
except ModuleNotFoundError as exc:
    _missing = missing_extra(exc)

    def main() -> None:  # type: ignore[misc]  # in place of a click command
        """Say what is missing, and end the program."""
        raise SystemExit(explain(_missing))
