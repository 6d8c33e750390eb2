"""Puts the C sources of llhttp beside this file, out of the archive that pin.txt names.

Run by setup.py when they are absent. It asks pip for the archive, so the user's index settings hold, and
pip compares the sha256. Only the files named below are taken out; nothing of the archive is ever built.

    python vendor/llhttp/fetch.py             fetch what the pin says
    python vendor/llhttp/fetch.py --move [V]  move the pin to version V (default: the newest), then fetch
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PIN = HERE / "pin.txt"
FETCHED = HERE / "FETCHED"  # the pin that the sources beside it were fetched by
PROJECT = "httptools"
# path inside the archive's vendor/llhttp -> name here
WANTED = {
    "src/llhttp.c": "llhttp.c",
    "src/api.c": "api.c",
    "src/http.c": "http.c",
    "include/llhttp.h": "llhttp.h",
    "LICENSE-MIT": "LICENSE-MIT",
}


def download(folder: Path, *what: str) -> Path:
    """Have pip put one source distribution into `folder`; returns the archive's path."""
    # pip reads the metadata of what it downloads: without isolation that needs no other package.
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command += ["--no-binary", ":all:", "--no-build-isolation", "--dest", str(folder), *what]
    # Nothing is installed, so a user's rule to install into virtual environments alone is no reason to refuse.
    environment = {**os.environ, "PIP_REQUIRE_VIRTUALENV": "0"}
    if subprocess.call(command, stdout=sys.stderr, env=environment) != 0:
        raise SystemExit(
            f"httpstream: could not fetch llhttp's C sources ({PROJECT}, as vendor/llhttp/pin.txt says): "
            "see pip's message above; a package index must be in reach for a build from a git checkout "
            "(an sdist or a wheel of httpstream needs none)."
        )
    [archive] = folder.glob(f"{PROJECT}-*.tar.gz")
    return archive


def take_out(archive: Path) -> None:
    """Write the wanted files of `archive` beside this script; raises SystemExit when one is not in it."""
    with tarfile.open(archive) as tar:
        for source, name in WANTED.items():
            pattern = re.compile(rf"{PROJECT}-[^/]+/vendor/llhttp/{re.escape(source)}")
            found = [m for m in tar.getmembers() if m.isfile() and pattern.fullmatch(m.name)]
            content = tar.extractfile(found[0]) if len(found) == 1 else None
            if content is None:
                raise SystemExit(f"httpstream: {archive.name} holds no vendor/llhttp/{source}")
            # Written whole or not at all, so that a broken run leaves no file that looks fetched.
            part = HERE / (name + ".part")
            part.write_bytes(content.read())
            part.replace(HERE / name)


def llhttp_version() -> str:
    """Return the version that the fetched header states, for example ``9.4.3``."""
    header = (HERE / "llhttp.h").read_text()
    return ".".join(re.findall(r"#define LLHTTP_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header))


def move_pin(version: str | None) -> None:
    """Fetch `version` (None: the newest) without a hash, and write its version and sha256 into the pin."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = download(Path(scratch), f"{PROJECT}=={version}" if version else PROJECT)
        take_out(archive)
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        pinned = archive.name.removeprefix(f"{PROJECT}-").removesuffix(".tar.gz")
    PIN.write_text(
        f"# The source distribution of {PROJECT} carries the release files of llhttp {llhttp_version()}. "
        "`make llhttp` moves this pin.\n"
        f"{PROJECT}=={pinned} --hash=sha256:{digest}\n"
    )
    print(f"{PROJECT} {pinned}: llhttp {llhttp_version()}, sha256 {digest}")


def main() -> None:
    arguments = argparse.ArgumentParser(description="Fetch the C sources of llhttp.")
    arguments.add_argument("--move", nargs="?", const="", metavar="VERSION", help="move the pin first")
    options = arguments.parse_args()
    if options.move is not None:
        move_pin(options.move or None)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            take_out(download(Path(scratch), "--require-hashes", "--requirement", str(PIN)))
    FETCHED.write_text(PIN.read_text())


if __name__ == "__main__":
    main()
