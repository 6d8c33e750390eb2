"""`alias_httpx()`: each test in an interpreter of its own, since the alias is for a whole process."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.unit.test_api_surface import FORBIDDEN

# The modules of httpx 0.28.1 that programs import from.
MODULES = [
    *("_api", "_auth", "_client", "_config", "_content", "_decoders", "_exceptions", "_models", "_multipart"),
    *("_status_codes", "_transports", "_transports.asgi", "_transports.base", "_transports.default"),
    *("_transports.mock", "_transports.wsgi", "_types", "_urlparse", "_urls", "_utils"),
]


def run(program: str, *, aliased: bool = True, **environment: str) -> str:
    """Run a program, after the call unless told otherwise, with warnings as errors; returns what it prints."""
    start = "import httpstream\nhttpstream.alias_httpx()\n" if aliased else ""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", start + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_the_package_has_the_other_name(name: str) -> None:
    run(
        f"""
        import {name}, {name} as short
        from {name} import Client, URL
        assert {name} is short is httpstream
        assert Client is httpstream.Client and URL is httpstream.URL
        """
    )


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_every_module_is_found_by_an_import(name: str) -> None:
    run(
        f"""
        import importlib
        for module in {MODULES}:
            other = importlib.import_module("{name}." + module)
            own = importlib.import_module("httpstream." + module)
            assert other is own, module
            assert own.__name__ == own.__spec__.name == "httpstream." + module
        """
    )


def test_every_module_is_an_attribute_without_an_import() -> None:
    run(
        f"""
        import httpx, operator, sys
        for module in {MODULES}:
            assert operator.attrgetter(module)(httpx) is sys.modules["httpstream." + module]
        """
    )


def test_each_way_to_write_an_import() -> None:
    run(
        """
        import httpx._client, httpx._transports.default as default
        from httpx import _client, _types as types
        from httpx._client import Client
        from httpx._transports import default as again
        from httpx._transports.base import BaseTransport
        import httpstream._client
        assert httpx._client is _client is httpstream._client
        assert default is again is httpstream._transports.default
        assert Client is httpstream.Client and BaseTransport is httpstream.BaseTransport
        assert types is httpstream._types
        """
    )


def test_star_gives_every_public_name() -> None:
    run(
        """
        from httpx import *
        assert all(name in globals() for name in httpstream.__all__)
        """
    )


def test_the_call_loads_nothing() -> None:
    loaded = set(run("import sys; print(*sys.modules)").split())
    assert not FORBIDDEN & loaded
    ours = {name for name in loaded if name.startswith("httpstream")}
    assert ours == {"httpstream", "httpstream.__version__", "httpstream._alias"}


def test_calling_again_does_nothing() -> None:
    run(
        """
        import sys, httpx, httpx._client
        finders = list(sys.meta_path)
        httpstream.alias_httpx()
        httpx.alias_httpx()
        assert sys.meta_path == finders and httpx is httpstream
        """
    )


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_it_is_refused_when_the_other_one_has_been_imported(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text("mine = True\n")
    run(
        f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import {name}, httpstream
        try:
            httpstream.alias_httpx()
        except RuntimeError as exc:
            assert "{name} has been imported already" in str(exc), exc
        else:
            raise SystemExit("it was not refused")
        assert {name}.mine and not [found for found in sys.meta_path if "httpstream" in type(found).__module__]
        assert [found for found in ("httpx", "httpx2") if found in sys.modules] == ["{name}"]
        """,
        aliased=False,
    )


def test_without_the_call_nothing_changes() -> None:
    run("import httpstream, httpx; assert httpx is not httpstream and httpx.__file__", aliased=False)


def test_a_module_that_is_not_there_is_not_found_by_its_name() -> None:
    run(
        """
        import httpx, importlib.util
        try:
            import httpx._nothing
        except ModuleNotFoundError as exc:
            assert exc.name == "httpx._nothing"
        else:
            raise SystemExit("found")
        assert importlib.util.find_spec("httpx._nothing") is None
        assert not hasattr(httpx, "_nothing") and not hasattr(httpx, "nothing")
        """
    )


def test_a_module_can_be_looked_for_without_loading_it() -> None:
    run(
        """
        import importlib.util, sys
        assert importlib.util.find_spec("httpx").origin == httpstream.__file__
        spec = importlib.util.find_spec("httpx._client")
        assert spec.name == "httpx._client" and spec.origin.endswith("_client.py")
        assert importlib.util.find_spec("httpx._transports").submodule_search_locations
        assert "httpstream._client" not in sys.modules
        """
    )


def test_modules_can_be_reloaded() -> None:
    run(
        """
        import importlib, httpx, httpx._status_codes
        before = httpx._status_codes
        assert importlib.reload(httpx._status_codes) is before
        assert importlib.reload(httpx) is httpstream
        assert httpx.codes.OK == 200
        """
    )


def test_an_import_that_was_forgotten_is_made_again() -> None:
    run(
        """
        import sys, httpx._client
        for name in [name for name in sys.modules if name.partition(".")[0] == "httpx"]:
            del sys.modules[name]
        import httpx, httpx._client
        assert httpx is httpstream and httpx._client is httpstream._client
        """
    )


def test_objects_are_pickled_by_their_own_names() -> None:
    run(
        """
        import pickle, httpx
        for value in (httpx.URL("http://host/"), httpx.Headers({"A": "b"}), httpx.Timeout(3), httpx.Response(200)):
            data = pickle.dumps(value)
            assert b"httpstream" in data and b"httpx" not in data
            assert type(pickle.loads(data)) is type(value) is getattr(httpstream, type(value).__name__)
            assert repr(pickle.loads(data)) == repr(value)
        """
    )


def test_patches_reach_both_names() -> None:
    run(
        """
        import httpx
        from unittest import mock
        with mock.patch("httpx._client.Client.send", lambda self, request, **options: "patched"):
            with httpstream.Client(trust_env=False) as client:
                assert client.get("http://host/") == "patched"
        with mock.patch("httpx.get", lambda url: "patched"):
            assert httpstream.get("http://host/") == "patched"
        assert httpstream.get is httpstream._api.get
        """
    )


def test_what_is_installed_stays_what_it_is() -> None:
    printed = run(
        "import httpx, importlib.metadata; print(importlib.metadata.version('httpx'), httpx.__version__)"
    )
    import httpstream

    assert printed.split() == [importlib.metadata.version("httpx"), httpstream.__version__]


def test_a_sitecustomize_makes_it_so_for_programs_that_know_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import httpstream\nhttpstream.alias_httpx()\n")
    root = Path(__file__).resolve().parent.parent.parent
    run(
        "import httpx, sys; assert httpx.__name__ == 'httpstream' and sys.modules['httpx2'] is httpx",
        aliased=False,
        PYTHONPATH=f"{tmp_path}{os.pathsep}{root}",
    )
