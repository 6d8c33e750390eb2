"""What ``httpstream --help`` prints: every option of ``httpstream URL``, and the other commands."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

OPTIONS = (
    ("-m, --method [cyan]METHOD", "GET, HEAD, POST, ... Default: POST when there is content, else GET."),
    ("-p, --params [cyan]NAME VALUE", "Added to the query of the URL; may be repeated."),
    ("-c, --content [cyan]TEXT", "The content, as it is."),
    ("-d, --data [cyan]NAME VALUE", "A field of a form as the content; may be repeated."),
    ("-f, --files [cyan]NAME FILE", "A file of a form as the content; may be repeated."),
    ("-j, --json [cyan]TEXT", "JSON as the content."),
    ("-h, --headers [cyan]NAME VALUE", "A header field; may be repeated."),
    ("--cookies [cyan]NAME VALUE", "A cookie; may be repeated."),
    (
        "--auth [cyan]USER PASSWORD",
        "For basic authentication. A password of '-' is asked for. Mind that --verbose shows it, hardly disguised.",
    ),
    ("--proxy [cyan]URL", "Go through this http, https or socks5 proxy."),
    ("--timeout [cyan]SECONDS", "For connecting, and for each wait after that. Default: 5."),
    ("--follow-redirects", "Go where a 3xx response points to."),
    ("--no-verify", "Accept any certificate: whoever is in between can read and change everything."),
    ("--http2", "Speak HTTP/2 where the server does."),
    ("--download [cyan]FILE", "Write the content to a file, and show a bar."),
    ("-v, --verbose", "Show the request too, and how the connection was made."),
    ("--help", "Show this, and do nothing."),
)
COMMANDS = (
    ("httpstream fetch [cyan]URL", "Stream an address to a file, which appears when it is complete."),
    ("httpstream demo", "Stream from a server on this machine, and compare with other clients."),
    ("httpstream --version", "Show the version."),
)


def print_manual(console: Console) -> None:
    console.print("[bold]httpstream[/bold]: a fast streaming HTTP client", justify="center")
    console.print()
    console.print("Usage: [bold]httpstream[/bold] [cyan]URL [OPTIONS][/cyan]")
    console.print()
    console.print(_table(OPTIONS))
    console.print()
    console.print("Exit code: 0 for a response of 2xx, 1 for any other or none, 2 for wrong arguments.")
    console.print()
    console.print(_table(COMMANDS))


def _table(rows: tuple[tuple[str, str], ...]) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0), pad_edge=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for name, said in rows:
        table.add_row(name, said)
    return table
