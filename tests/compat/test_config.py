"""Timeout, Limits, Proxy, and what programs look for in `_config`."""

from __future__ import annotations

import copy
import importlib
import pickle
import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.compat.harness import same


def config(httpx: Any) -> Any:
    return importlib.import_module(f"{httpx.__name__}._config")


def parts(timeout: Any) -> list[Any]:
    return [
        repr(timeout),
        timeout.connect,
        timeout.read,
        timeout.write,
        timeout.pool,
        timeout.as_dict(),
        vars(timeout),
    ]


DEFAULTS = [5, 5.0, None, 0, True, (1, 2, 3, 4), (1, 2), (1, 2, 3), (None, 1, None, 2)]
KINDS: list[dict[str, Any]] = [
    {},
    {"connect": 1},
    {"read": None},
    {"pool": None, "write": 0},
    {"connect": 1, "read": 2, "write": 3, "pool": 4},
]


@same("a kind that is not given has no timeout")
@pytest.mark.parametrize("kinds", KINDS, ids=str)
@pytest.mark.parametrize("default", DEFAULTS, ids=str)
def test_a_timeout_has_a_default_and_four_kinds(httpx: Any, default: Any, kinds: Any) -> Any:
    return parts(httpx.Timeout(default, **kinds)), parts(httpx.Timeout(timeout=default, **kinds))


@same("a timeout of nothing has no timeouts")
@pytest.mark.parametrize("kinds", [{}, {"connect": 1}, {"connect": 1, "read": 2, "write": 3}], ids=str)
def test_a_timeout_needs_a_default_or_all_four(httpx: Any, kinds: Any) -> Any:
    return httpx.Timeout(**kinds)


@same("all four kinds need a default")
def test_four_kinds_need_no_default(httpx: Any) -> Any:
    return parts(httpx.Timeout(connect=1, read=None, write=3, pool=4))


@same("a Timeout of a Timeout is another")
def test_a_timeout_of_a_timeout_is_equal(httpx: Any) -> Any:
    timeout = httpx.Timeout(5, read=1)
    return parts(httpx.Timeout(timeout)), httpx.Timeout(timeout) == timeout, httpx.Timeout(timeout) is timeout


@same("a tuple of one is taken", differs="`Timeout((1.0,))` and a tuple of five raise `ValueError`")
@pytest.mark.parametrize("given", [(1.0,), (1, 2, 3, 4, 5)])
def test_a_tuple_has_two_to_four(httpx: Any, given: Any) -> Any:
    return parts(httpx.Timeout(given))


@same("a second positional argument is connect")
def test_a_timeout_takes_one_positional_argument(httpx: Any) -> Any:
    return httpx.Timeout(5, 1)


@same("an unknown kind of timeout is ignored")
def test_an_unknown_kind_of_timeout(httpx: Any) -> Any:
    return httpx.Timeout(5, total=1)


@same("a Timeout is equal to its default")
def test_timeouts_are_equal_when_all_four_are(httpx: Any) -> Any:
    timeout = httpx.Timeout(5, read=1)
    others = [
        httpx.Timeout(5, read=1),
        httpx.Timeout(5),
        httpx.Timeout((5, 1, 5, 5)),
        5,
        None,
        timeout.as_dict(),
    ]
    return [timeout == other for other in others], [timeout != other for other in others]


@same("settings have a hash")
@pytest.mark.parametrize("name, given", [("Timeout", (5,)), ("Limits", ())])
def test_settings_have_no_hash(httpx: Any, name: str, given: Any) -> Any:
    return hash(getattr(httpx, name)(*given))


@same("settings cannot be changed")
def test_settings_can_be_changed(httpx: Any) -> Any:
    timeout, limits = httpx.Timeout(5), httpx.Limits()
    timeout.read, timeout.note, limits.max_connections, limits.note = 9, "mine", 7, "mine"
    return repr(timeout), repr(limits), vars(timeout), vars(limits)


@same("a pickled Timeout has its defaults")
@pytest.mark.parametrize("again", [lambda value: pickle.loads(pickle.dumps(value)), copy.copy, copy.deepcopy])
def test_copies_of_settings_are_equal(httpx: Any, again: Any) -> Any:
    timeout, limits = httpx.Timeout(5, read=1), httpx.Limits(max_connections=3)
    return again(timeout) == timeout, parts(again(timeout)), again(limits) == limits, repr(again(limits))


@same("limits have other defaults")
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"max_connections": 1},
        {"keepalive_expiry": None},
        {"max_connections": 1, "max_keepalive_connections": 2, "keepalive_expiry": 3},
    ],
    ids=str,
)
def test_limits_of_a_pool(httpx: Any, given: Any) -> Any:
    limits = httpx.Limits(**given)
    return (
        repr(limits),
        vars(limits),
        limits == httpx.Limits(**given),
        limits == httpx.Limits(max_connections=77),
        limits == 5,
    )


@same("limits can be given by position")
@pytest.mark.parametrize("args, kwargs", [((1,), {}), ((), {"max_streams": 1})])
def test_limits_are_given_by_name(httpx: Any, args: Any, kwargs: Any) -> Any:
    return httpx.Limits(*args, **kwargs)


@same("the repr of a subclass of settings has the name of the base")
def test_settings_can_be_subclassed(httpx: Any) -> Any:
    return [repr(type("Own", (httpx.Timeout,), {})(5)), repr(type("Own", (httpx.Limits,), {})())]


@same("the default timeout is another")
@pytest.mark.parametrize("name", ["DEFAULT_TIMEOUT_CONFIG", "DEFAULT_LIMITS", "DEFAULT_MAX_REDIRECTS"])
def test_the_defaults_have_names(httpx: Any, name: str) -> Any:
    return getattr(config(httpx), name)


@same("_config lacks a name that programs import")
@pytest.mark.parametrize("name", ["Timeout", "Limits", "Proxy", "create_ssl_context"])
def test_public_settings_are_those_of_config(httpx: Any, name: str) -> Any:
    return (
        getattr(config(httpx), name) is getattr(httpx, name),
        getattr(httpx, name).__module__,
        getattr(httpx, name).__qualname__,
    )


@same("UNSET is None")
def test_what_was_left_out_has_a_type(httpx: Any) -> Any:
    return type(config(httpx).UNSET).__name__, isinstance(config(httpx).UNSET, config(httpx).UnsetType)


@same("a name that _config does not have is None")
def test_an_unknown_name_of_config(httpx: Any) -> Any:
    return config(httpx).no_such_name


def proxy_parts(proxy: Any) -> list[Any]:
    return [
        repr(proxy),
        proxy.url,
        proxy.auth,
        proxy.raw_auth,
        proxy.headers.raw,
        proxy.ssl_context,
        sorted(vars(proxy)),
    ]


@same("credentials stay in a proxy's URL")
@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "http://h:80",
        "https://u:p@h:1",
        "socks5://h",
        "socks5h://u@h",
        "http://:pw@h",
        "HTTP://H/x?q",
        "http://u%40:%C3%A9@h",
        "http://@h",
        "http://:@h",
    ],
)
def test_a_proxy_has_a_url_without_credentials(httpx: Any, url: str) -> Any:
    return proxy_parts(httpx.Proxy(url)), proxy_parts(httpx.Proxy(httpx.URL(url)))


@same("a proxy may have any scheme")
@pytest.mark.parametrize("url", ["ftp://h", "h:1", "//h", "", "socks4://h", "h", "unix:///s"])
def test_a_proxy_of_another_scheme_is_refused(httpx: Any, url: str) -> Any:
    return httpx.Proxy(url)


@same("a proxy's bad URL raises ValueError")
@pytest.mark.parametrize("url", ["http://h:x", None, 5, b"http://h"])
def test_a_proxy_needs_a_url(httpx: Any, url: Any) -> Any:
    return httpx.Proxy(url)


@same("auth= is stronger than the URL's credentials")
@pytest.mark.parametrize("url", ["http://h", "http://u:p@h"])
@pytest.mark.parametrize("auth", [("a", "b"), ("é", "ü"), None, ()], ids=str)
def test_the_auth_of_a_proxy(httpx: Any, url: str, auth: Any) -> Any:
    return proxy_parts(httpx.Proxy(url, auth=auth))


@same(
    "a lone surrogate in a proxy's credentials is found when it is sent",
    differs="credentials with a lone surrogate",
)
def test_credentials_of_a_proxy_that_are_no_text(httpx: Any) -> Any:
    return httpx.Proxy("http://h", auth=("a", "\ud800"))


@same("a proxy has no headers")
@pytest.mark.parametrize("headers", [{"X": "y"}, [("X", "1"), ("x", "2")], {}, None], ids=str)
def test_the_headers_of_a_proxy(httpx: Any, headers: Any) -> Any:
    return proxy_parts(httpx.Proxy("http://h", headers=headers))


@same(
    "a proxy's credentials stand in its headers' repr",
    differs="`Proxy-Authorization` is `[secure]` in the repr of a `Proxy`",
)
def test_the_repr_of_a_proxy_hides_its_headers(httpx: Any) -> Any:
    return repr(httpx.Proxy("http://h", headers={"Proxy-Authorization": "secret"}))


@same("a proxy drops its TLS context")
def test_the_tls_context_of_a_proxy(httpx: Any) -> Any:
    context = ssl.create_default_context()
    return httpx.Proxy("https://h", ssl_context=context).ssl_context is context


@same("a proxy is equal to another of the same URL")
def test_a_proxy_is_a_plain_object(httpx: Any) -> Any:
    proxy = httpx.Proxy("http://u:p@h", headers={"a": "b"})
    own = type("Own", (httpx.Proxy,), {})("http://h")
    return proxy == httpx.Proxy("http://u:p@h"), proxy_parts(pickle.loads(pickle.dumps(proxy))), repr(own)


@same("a TLS context verifies nothing")
@pytest.mark.parametrize("verify", [True, False])
def test_a_tls_context_is_made(httpx: Any, verify: bool) -> Any:
    context = httpx.create_ssl_context(verify)
    names = ("check_hostname", "verify_mode", "minimum_version")
    return [str(getattr(context, name)) for name in names], bool(context.get_ca_certs())


@same("a TLS context that is given is copied")
def test_a_tls_context_that_is_given_is_used_itself(httpx: Any) -> Any:
    context = ssl.create_default_context()
    return httpx.create_ssl_context(context) is context, httpx.create_ssl_context(
        verify=context, trust_env=False
    ) is context


@same("a path of certificates is no longer taken")
def test_a_path_of_certificates_is_deprecated(httpx: Any) -> Any:
    import certifi

    with pytest.warns(DeprecationWarning, match="verify="):
        context = httpx.create_ssl_context(certifi.where())
    return bool(context.get_ca_certs())


@same("SSL_CERT_FILE does not count")
@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("trust_env", [True, False])
def test_the_environment_names_certificates(
    httpx: Any, monkeypatch: pytest.MonkeyPatch, name: str, trust_env: bool
) -> Any:
    import certifi

    monkeypatch.setenv(
        name, certifi.where() if name == "SSL_CERT_FILE" else str(Path(certifi.where()).parent)
    )
    return len(httpx.create_ssl_context(trust_env=trust_env).get_ca_certs()) > 0
