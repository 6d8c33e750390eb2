"""Patterns of URLs, and the proxies that the environment names, where httpx cannot be asked."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from httpstream import URL
from httpstream._mounts import URLPattern, environment_proxies


def test_the_repr_shows_the_pattern_without_a_password() -> None:
    assert repr(URLPattern("all://")) == "URLPattern('all://')"
    assert repr(URLPattern("all://*.example.org")) == "URLPattern('all://*.example.org')"
    assert repr(URLPattern("https://me:secret@host")) == "URLPattern('https://me:[secure]@host')"


@pytest.mark.parametrize(
    "pattern, url, matches",
    [
        ("all://10.0.0.0/8", "http://10.255.1.2:8080/x", True),
        ("all://10.0.0.0/8", "http://11.0.0.1", False),
        ("all://10.0.0.0/8", "http://10.example.org", False),
        ("all://10.0.0.0/8", "http://[::a00:1]", False),
        ("all://10.0.0.0:80/8", "https://10.0.0.1", False),
        ("http://10.0.0.0/8", "https://10.0.0.1", False),
        ("all://0.0.0.0/0", "http://10.0.0.1", True),
        ("all://[fe80::]/10", "http://[febf::1]", True),
        ("all://[fe80::]/10", "http://[fec0::1]", False),
        ("all://[::1]/128", "http://[::1]", True),
        ("all://host/8", "http://host/", True),
        ("all://10.0.0.1/8", "http://10.0.0.1/", True),  # no network: it has a host's bits, so it is a host
        ("all://10.0.0.1/8", "http://10.0.0.2/", False),
        ("all://*xn--bcher-kva.example", "http://bücher.example", True),
    ],
)
def test_a_pattern_may_name_a_network(pattern: str, url: str, matches: bool) -> None:
    assert URLPattern(pattern).matches(URL(url)) is matches


def test_a_smaller_network_goes_first_and_a_host_before_it() -> None:
    in_order = ["all://10.1.2.3", "all://a", "all://10.1.0.0/16", "all://10.0.0.0/8", "all://"]
    assert [one.pattern for one in sorted(URLPattern(text) for text in reversed(in_order))] == in_order


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    "entry, pattern",
    [
        ("10.0.0.0/8", "all://10.0.0.0/8"),
        ("10.1.2.3/8", "all://10.0.0.0/8"),
        ("10.0.0.0/255.0.0.0", "all://10.0.0.0/8"),
        ("fe80::/10", "all://[fe80::]/10"),
        ("FE80::1/10", "all://[fe80::]/10"),
        ("[fe80::]/10", "all://[fe80::]/10"),
        ("[::1]", "all://[::1]"),
        ("[::1]:8080", "all://[::1]:8080"),
        ("10.0.0.0/33", "all://*10.0.0.0/33"),
    ],
)
def test_no_proxy_takes_networks_and_ipv6(entry: str, pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", entry)
    assert environment_proxies() == {pattern: None}
    URLPattern(pattern)


def test_an_environment_without_proxies_loads_nothing_unless_the_system_is_to_be_asked() -> None:
    code = "import sys; from httpstream._mounts import *; environment_proxies(); print('urllib.request' in sys.modules)"
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=clean)
    assert (ran.stdout.strip(), ran.stderr) == (str(sys.platform in ("darwin", "win32")), "")
