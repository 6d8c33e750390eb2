"""Which command is meant, and the options of ``demo`` and ``fetch``.

What goes wrong becomes one line on standard error and an exit code.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from typing import cast

import click
from rich.console import Console

from httpstream.__version__ import __version__

from .request import main as request
from .units import parse_size

_SHORT_HELP = {"help_option_names": ["-h", "--help"]}
_HELP = ("-h", "--help")
_VERSION = ("-V", "--version")


def _size(context: click.Context, parameter: click.Parameter, value: str) -> int:
    """An option's text in bytes."""
    try:
        size = parse_size(value)
    except ValueError as exc:
        raise click.BadParameter(str(exc), context, parameter) from exc
    if size < 1:
        raise click.BadParameter("it must be at least one byte", context, parameter)
    return size


@click.group()
@click.version_option(__version__, *_VERSION, prog_name="httpstream")
def cli() -> None:
    """The commands that stand beside ``httpstream URL``."""


@cli.command(context_settings=_SHORT_HELP)
@click.option(
    "--size", metavar="SIZE", callback=_size, default="1GiB", show_default=True, help="Of the download."
)
@click.option(
    "--lines", type=click.IntRange(1), default=1_000_000, show_default=True, help="JSON lines to read."
)
@click.option(
    "--events", type=click.IntRange(1), default=1_000, show_default=True, help="Live events to follow."
)
@click.option(
    "--rounds", type=click.IntRange(1), default=3, show_default=True, help="Rounds; medians are shown."
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False),
    default=None,
    help="Where the download is written, and removed again. Default: the system's place for temporary files.",
)
def demo(size: int, lines: int, events: int, rounds: int, directory: str | None) -> int:
    """Stream from a server of its own on this machine; check and compare it all."""
    from .demo import Settings, run_demo

    place = directory if directory is not None else tempfile.gettempdir()
    return run_demo(Settings(size, lines, events, rounds, place), Console())


@cli.command(context_settings=_SHORT_HELP)
@click.argument("url")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default=None,
    help="The file's name. Default: the last part of the URL's path; an existing file is then left alone.",
)
def fetch(url: str, output: str | None) -> int:
    """Stream an address to a file. It appears under its name when it is complete."""
    from .fetch import fetch as fetch_to_file

    return fetch_to_file(url, output, Console())


def meant(arguments: Sequence[str]) -> tuple[click.Command, list[str]]:
    """The command that the arguments are for: a first one that names no command is a URL, or an option of it."""
    if not arguments or (len(arguments) == 1 and arguments[0] in _HELP):
        return request, ["--help"]  # where -h has a value, it is a header field, as in httpx
    if arguments[0] in cli.commands or arguments[0] in _VERSION:
        return cli, list(arguments)
    return request, list(arguments)


def run(arguments: Sequence[str]) -> int:
    """See `httpstream._cli.main`."""
    from .children import ChildFailed
    from .files import FileProblem

    problems: tuple[type[Exception], ...] = (ChildFailed, FileProblem)
    if "fetch" in arguments[:1]:
        from .fetch import FetchFailed

        problems += (FetchFailed,)
    _accept_any_encoding()
    command, arguments = meant(arguments)
    try:
        # Not standalone: click then hands back what the command returned, or the exit code of --help.
        return cast(int, command.main(arguments, prog_name="httpstream", standalone_mode=False)) or 0
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except problems as exc:
        print(f"httpstream: {exc}", file=sys.stderr)
        return 1
    except OSError as exc:  # the place for the files, or the output itself: full, or gone
        named = f": {exc.filename}" if exc.filename else ""
        print(f"httpstream: {exc.strerror or exc}{named}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, click.Abort):
        behind = "; nothing is left behind" if command is cli else ""
        print(f"httpstream: interrupted{behind}", file=sys.stderr)
        return 130


def _accept_any_encoding() -> None:
    """Where the output's encoding lacks a character, show a question mark instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
