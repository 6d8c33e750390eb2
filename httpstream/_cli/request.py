"""``httpstream URL``: one request, its response on the terminal. The options are those of httpx's command line."""

from __future__ import annotations

import json as json_module
from typing import IO, Any

import click
from rich.console import Console

import httpstream

from .view import View

DEFAULT_TIMEOUT = 5.0  # seconds
# What can go wrong with a request that is made from arguments: one line each, no traceback.
PROBLEMS = (httpstream.RequestError, httpstream.InvalidURL, ImportError, ValueError)

PAIR = (str, str)


def _json(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """An option's text as the value that it is in JSON."""
    if value is None:
        return None
    try:
        return json_module.loads(value)
    except ValueError as exc:
        raise click.BadParameter(f"this is no JSON: {exc}", context, parameter) from exc


def _auth(
    context: click.Context, parameter: click.Parameter, value: tuple[str, str] | None
) -> tuple[str, str] | None:
    """Username and password; asks for the password when it is a dash, so that no list of processes shows it."""
    if value is None or value[1] != "-":
        return value
    return value[0], click.prompt("Password", hide_input=True)


def _help(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from .manual import print_manual

        print_manual(Console())
        context.exit()


@click.command(add_help_option=False)
@click.argument("url")
@click.option("-m", "--method", metavar="METHOD")
@click.option("-p", "--params", type=PAIR, multiple=True, metavar="NAME VALUE")
@click.option("-c", "--content", metavar="TEXT")
@click.option("-d", "--data", type=PAIR, multiple=True, metavar="NAME VALUE")
@click.option("-f", "--files", type=(str, click.File("rb")), multiple=True, metavar="NAME FILE")
@click.option("-j", "--json", callback=_json, metavar="TEXT")
@click.option("-h", "--headers", type=PAIR, multiple=True, metavar="NAME VALUE")
@click.option("--cookies", type=PAIR, multiple=True, metavar="NAME VALUE")
@click.option("--auth", type=PAIR, default=None, callback=_auth, metavar="USER PASSWORD")
@click.option("--proxy", metavar="URL")
@click.option("--timeout", type=float, default=DEFAULT_TIMEOUT)
@click.option("--follow-redirects", is_flag=True)
@click.option("--no-verify", is_flag=True)
@click.option("--http2", is_flag=True)
@click.option("--download", type=click.File("wb"))
@click.option("-v", "--verbose", is_flag=True)
@click.option("--help", is_flag=True, is_eager=True, expose_value=False, callback=_help)
@click.pass_context
def main(
    context: click.Context,
    /,
    url: str,
    method: str | None,
    content: str | None,
    data: tuple[tuple[str, str], ...],
    files: tuple[tuple[str, IO[bytes]], ...],
    json: Any,
    download: IO[bytes] | None,
    verbose: bool,
    **settings: Any,
) -> None:
    """Send a request and show its response."""
    view = View(Console(), verbose)
    has_content = content or data or files or json
    arguments = {
        "content": content,
        "data": dict(data),
        "files": files,
        "json": json,
        "params": list(settings["params"]),
        "headers": settings["headers"],
        "cookies": dict(settings["cookies"]),
        "auth": settings["auth"],
        "follow_redirects": settings["follow_redirects"],
        "extensions": {"trace": view.trace},
    }
    try:
        with httpstream.Client(
            proxy=settings["proxy"],
            timeout=settings["timeout"],
            verify=not settings["no_verify"],
            http2=settings["http2"],
        ) as client:
            with client.stream(method or ("POST" if has_content else "GET"), url, **arguments) as response:
                if download is not None:
                    view.save(response, download)
                elif response.read():
                    view.content(response)
    except PROBLEMS as exc:
        view.error(exc)
        context.exit(1)
    context.exit(0 if response.is_success else 1)


main.__module__ = "httpstream"
