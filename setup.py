"""The C extensions of httpstream, and nothing else: every other setting stands in pyproject.toml.

HTTPSTREAM_SYSTEM_LLHTTP=1  links the system's llhttp instead of the pinned one in vendor/llhttp
HTTPSTREAM_ANNOTATE=1       writes Cython's HTML annotation beside the generated C, under build/cython
HTTPSTREAM_ONLY_PYTHON=1    leaves the extensions out: `make` builds those of its editable install by itself
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist
from setuptools.errors import PlatformError

VENDOR = Path("vendor", "llhttp")
LLHTTP_SOURCES = [(VENDOR / name).as_posix() for name in ("llhttp.c", "api.c", "http.c")]


def is_set(variable: str) -> bool:
    """Say whether the environment asks for an option: anything but absent, empty or 0."""
    return os.environ.get(variable, "0") not in ("", "0")


SYSTEM_LLHTTP = is_set("HTTPSTREAM_SYSTEM_LLHTTP")
ANNOTATE = is_set("HTTPSTREAM_ANNOTATE")
ONLY_PYTHON = is_set("HTTPSTREAM_ONLY_PYTHON")

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
    "freethreading_compatible": True,
}
OPTIMISE = {"msvc": ["/O2"]}
# llhttp's functions stay inside our own module: another extension of the process may bring its own llhttp.
OPTIMISE_UNIX = ["-O3", "-fvisibility=hidden"]

NO_COMPILER = (
    "httpstream needs a C compiler ({reason}): install one "
    "(Debian, Ubuntu: `apt-get install gcc libc6-dev python3-dev`; Fedora: `dnf install gcc python3-devel`; "
    "Alpine: `apk add gcc musl-dev python3-dev`; macOS: `xcode-select --install`; "
    'Windows: Visual Studio Build Tools with "Desktop development with C++") and try again.'
)


def fetch_llhttp() -> None:
    """Put the C sources of llhttp into vendor/llhttp, when they are not there or not those of the pin."""
    fetched = VENDOR / "FETCHED"
    is_there = all(Path(name).is_file() for name in [*LLHTTP_SOURCES, VENDOR / "llhttp.h", fetched])
    if not is_there or fetched.read_text() != (VENDOR / "pin.txt").read_text():
        if subprocess.call([sys.executable, str(VENDOR / "fetch.py")]) != 0:
            raise SystemExit(1)  # the script has said what was wrong


class BuildExtensions(build_ext):
    """Fetches llhttp, checks that there is a compiler, and turns the .pyx into C before compiling."""

    def run(self) -> None:
        if not SYSTEM_LLHTTP:
            fetch_llhttp()
        super().run()

    def build_extensions(self) -> None:
        self._require_compiler()
        for extension in self.extensions:
            extension.extra_compile_args += OPTIMISE.get(self.compiler.compiler_type, OPTIMISE_UNIX)
        super().build_extensions()

    def build_extension(self, ext: Extension) -> None:
        from Cython.Build import cythonize

        pyx, *c_sources = ext.sources
        [translated] = cythonize(
            Extension(ext.name, [pyx]),
            build_dir=str(Path("build", "cython")),
            compiler_directives=DIRECTIVES,
            annotate=ANNOTATE,
            force=self.force or ANNOTATE,
        )
        ext.sources = [*translated.sources, *c_sources]
        super().build_extension(ext)

    def _require_compiler(self) -> None:
        """End with one sentence that says what to install, instead of a page of compiler output."""
        if self.compiler.compiler_type == "msvc":
            try:
                self.compiler.initialize()
            except PlatformError as exc:
                raise SystemExit(NO_COMPILER.format(reason=exc)) from exc
            return
        command = self.compiler.compiler_so
        command = shlex.split(command) if isinstance(command, str) else list(command)
        if shutil.which(command[0]) is None:
            raise SystemExit(NO_COMPILER.format(reason=f"`{command[0]}` was not found"))
        # include_dirs are searched too: a cross build or a virtual environment may keep it there.
        places = [sysconfig.get_path("include"), sysconfig.get_path("platinclude"), *self.include_dirs]
        if not any(Path(place, "Python.h").is_file() for place in places):
            raise SystemExit(NO_COMPILER.format(reason=f"and Python.h, which is not in {places[0]}"))


class SourceDistribution(sdist):
    """Bundles the C sources of llhttp, so that an sdist builds with no package index in reach."""

    def run(self) -> None:
        fetch_llhttp()
        super().run()


def extensions() -> list[Extension]:
    """Describe one extension module for each .pyx. Only the recorder calls llhttp."""
    found = []
    for pyx in sorted(Path("httpstream").glob("_*.pyx")):
        extension = Extension(f"httpstream.{pyx.stem}", [pyx.as_posix()])
        if not SYSTEM_LLHTTP:
            extension.include_dirs = [VENDOR.as_posix()]
        if pyx.stem == "_recorder" and SYSTEM_LLHTTP:
            extension.libraries = ["llhttp"]
        elif pyx.stem == "_recorder":
            extension.sources += LLHTTP_SOURCES
        found.append(extension)
    return found


setup(
    ext_modules=[] if ONLY_PYTHON else extensions(),
    cmdclass={"build_ext": BuildExtensions, "sdist": SourceDistribution},
)
