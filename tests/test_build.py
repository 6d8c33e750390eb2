"""The build keeps its promises: pinned sources, complete archives, clear refusals. Asks no package index."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tools.wheels import check_contents

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "vendor" / "llhttp"
TARGETS = {
    "run",
    "test",
    "check",
    "build",
    "bench",
    "annotate",
    "fuzz",
    "wheels",
    "docs",
    "ecosystem",
    "llhttp",
    "clean",
}
ARCHIVE = "httptools-9.9"
SOURCES = {
    "src/llhttp.c": b"/* llhttp.c */",
    "src/api.c": b"/* api.c */",
    "src/http.c": b"/* http.c */",
    "include/llhttp.h": b"#define LLHTTP_VERSION_MAJOR 9\n#define LLHTTP_VERSION_MINOR 8\n"
    b"#define LLHTTP_VERSION_PATCH 7\n",
    "LICENSE-MIT": b"a licence",
}


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with no package index in reach."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**inherited, **offline, **environment},
        capture_output=True,
        text=True,
        timeout=110,
    )


def write_archive(folder: Path, without: str = "") -> str:
    """Write a source distribution as httptools publishes them; returns its sha256."""
    files = {f"vendor/llhttp/{name}": content for name, content in SOURCES.items() if name != without}
    files["setup.py"] = (
        b"from setuptools import setup\nsetup(name='httptools', version='9.9', py_modules=[])\n"
    )
    files["vendor/llhttp/src/other.c"] = b"not asked for"
    path = folder / f"{ARCHIVE}.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{ARCHIVE}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with nothing but the fetch script."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copy(VENDOR / "fetch.py", folder)
    return folder


def fetch(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, checkout / "fetch.py", *arguments, PIP_FIND_LINKS=str(checkout.parent))


def test_the_pin_is_one_version_with_its_sha256() -> None:
    lines = [line for line in (VENDOR / "pin.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == 1
    assert re.fullmatch(r"httptools==[\d.]+ --hash=sha256:[0-9a-f]{64}", lines[0])


@pytest.mark.slow
def test_fetching_takes_the_named_files_and_no_others(checkout: Path) -> None:
    digest = write_archive(checkout.parent)
    (checkout / "pin.txt").write_text(f"httptools==9.9 --hash=sha256:{digest}\n")
    result = fetch(checkout)
    assert result.returncode == 0, result.stderr
    got = {path.name: path.read_bytes() for path in checkout.iterdir() if path.suffix in (".c", ".h", "")}
    assert got.pop("FETCHED") == (checkout / "pin.txt").read_bytes()
    assert got == {name.rpartition("/")[2]: content for name, content in SOURCES.items()}


def test_an_archive_with_another_sha256_is_refused(checkout: Path) -> None:
    write_archive(checkout.parent)
    (checkout / "pin.txt").write_text(f"httptools==9.9 --hash=sha256:{'0' * 64}\n")
    result = fetch(checkout)
    assert result.returncode != 0
    assert "could not fetch llhttp's C sources" in result.stderr
    assert {path.name for path in checkout.iterdir()} == {"fetch.py", "pin.txt"}


@pytest.mark.slow
def test_an_archive_without_a_named_file_is_refused(checkout: Path) -> None:
    digest = write_archive(checkout.parent, without="src/api.c")
    (checkout / "pin.txt").write_text(f"httptools==9.9 --hash=sha256:{digest}\n")
    result = fetch(checkout)
    assert result.returncode != 0
    assert "holds no vendor/llhttp/src/api.c" in result.stderr


@pytest.mark.slow
def test_moving_the_pin_writes_the_version_and_the_sha256(checkout: Path) -> None:
    digest = write_archive(checkout.parent)
    result = fetch(checkout, "--move")
    assert result.returncode == 0, result.stderr
    comment, line = (checkout / "pin.txt").read_text().splitlines()
    assert "llhttp 9.8.7" in comment
    assert line == f"httptools==9.9 --hash=sha256:{digest}"


def test_the_notice_carries_the_licence_of_the_fetched_sources() -> None:
    assert (VENDOR / "LICENSE-MIT").read_text().strip() in (VENDOR / "NOTICE").read_text()


def test_a_missing_compiler_gives_one_sentence_that_says_what_to_install(tmp_path: Path) -> None:
    build = ["build_ext", "--build-lib", tmp_path, "--build-temp", tmp_path, "--force"]
    result = run(sys.executable, "setup.py", "-q", *build, CC="/nonexistent")
    assert result.returncode != 0
    [line] = [line for line in result.stderr.splitlines() if line]
    assert line.startswith("httpstream needs a C compiler (`/nonexistent` was not found): install one")


def test_make_help_lists_every_target_with_a_sentence() -> None:
    lines = run("make", "help").stdout.splitlines()
    listed = dict(re.findall(r"^make (\w+) +(\S.*)$", "\n".join(lines), re.MULTILINE))
    assert listed.keys() == TARGETS | {"help"}
    assert all(sentence.endswith(".") for sentence in listed.values())


@pytest.mark.parametrize(
    "changed", ["httpstream/_parser.pyx", "httpstream/_llhttp.pxd", "vendor/llhttp/pin.txt"]
)
def test_a_changed_source_is_compiled_by_the_next_target(changed: str) -> None:
    planned = run("make", "--dry-run", "--what-if", changed, "test").stdout
    assert planned.index("setup.py -q build_ext --inplace") < planned.index("-m pytest")


def test_every_extra_is_declared_and_all_holds_the_others() -> None:
    metadata = importlib.metadata.metadata("httpstream")
    extras = set(metadata.get_all("Provides-Extra") or ())
    assert extras == {"brotli", "zstd", "speed", "socks", "http2", "cli", "all"}
    [everything] = [
        line for line in metadata.get_all("Requires-Dist") or () if line.startswith("httpstream[")
    ]
    named = re.fullmatch(r"httpstream\[([\w,]+)\]; extra == [\"']all[\"']", everything)
    assert named is not None
    assert set(named[1].split(",")) == extras - {"all"}


@pytest.mark.slow
def test_an_sdist_builds_a_complete_wheel_without_an_index(tmp_path: Path) -> None:
    result = run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path)
    assert result.returncode == 0, result.stderr
    [sdist] = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    bundled = {f"vendor/llhttp/{name}" for name in ("llhttp.c", "api.c", "http.c", "llhttp.h", "LICENSE-MIT")}
    assert bundled <= names
    assert not [
        name for name in names if name.startswith(("build/", "httpstream/_")) and name.endswith((".c", ".so"))
    ]
    wheel_command = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, sdist]
    result = run(sys.executable, "-m", "pip", *wheel_command, CFLAGS="-g0")
    assert result.returncode == 0, result.stderr
    [wheel] = tmp_path.glob("*.whl")
    assert check_contents(wheel) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="shared libraries are linked as on Linux")
def test_the_system_s_llhttp_is_linked_when_asked_for(tmp_path: Path) -> None:
    """What distributions ask for: here the pinned sources play the system's library."""
    names = [VENDOR / name for name in ("llhttp.c", "api.c", "http.c")]
    library = tmp_path / "libllhttp.so"
    result = run("cc", "-shared", "-fPIC", f"-I{VENDOR}", *names, "-o", library)
    assert result.returncode == 0, result.stderr
    build = ["build_ext", "--build-lib", tmp_path, "--build-temp", tmp_path / "temp"]
    search = {"CFLAGS": f"-O0 -I{VENDOR}", "LDFLAGS": f"-L{tmp_path} -Wl,-rpath,{tmp_path}"}
    result = run(sys.executable, "setup.py", "-q", *build, HTTPSTREAM_SYSTEM_LLHTTP="1", **search)
    assert result.returncode == 0, result.stderr
    [recorder] = (tmp_path / "httpstream").glob("_recorder.*.so")
    assert b"libllhttp.so\0" in recorder.read_bytes()
    loader = "import importlib.machinery as m, importlib.util as u, sys\n"
    loader += "loader = m.ExtensionFileLoader('httpstream._recorder', sys.argv[1])\n"
    loader += "loader.exec_module(u.module_from_spec(u.spec_from_loader(loader.name, loader)))\n"
    result = run(sys.executable, "-c", loader, recorder, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
