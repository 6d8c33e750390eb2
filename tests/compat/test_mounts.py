"""Patterns of URLs, and the proxies that the environment names."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.compat.harness import same

URLS = (
    "http://example.org",
    "https://example.org/path?query",
    "http://example.org:8080",
    "https://example.org:8080",
    "https://www.example.org",
    "http://a.b.example.org",
    "http://myexample.org",
    "http://example.org.evil",
    "http://.example.org",
    "http://EXAMPLE.ORG:80",
    "http://localhost",
    "http://127.0.0.1:8080",
    "http://10.0.0.0",
    "http://[::1]",
    "https://bücher.example",
    "ftp://example.org",
    "/relative",
    "",
)


def pattern_of(httpx: Any, text: str) -> Any:
    if httpx.__name__ == "httpx":
        return httpx._utils.URLPattern(text)
    from httpstream._mounts import URLPattern

    return URLPattern(text)


def matched(httpx: Any, *patterns: str) -> Any:
    """Which of the URLs each pattern matches."""
    return [
        (text, url)
        for text in patterns
        for url in URLS
        if pattern_of(httpx, text).matches(httpx.URL(url)) is True
    ]


@same("a pattern without scheme and host matches nothing")
def test_all_matches_everything(httpx: Any) -> Any:
    return matched(httpx, "all://", "all://*", "")


@same("the scheme of a pattern is of no account")
def test_a_scheme_matches_its_urls(httpx: Any) -> Any:
    return matched(httpx, "http://", "https://", "ftp://", "HTTPS://", "https://*")


@same("a host matches its subdomains")
def test_a_host_matches_itself(httpx: Any) -> Any:
    return matched(httpx, "all://example.org", "all://localhost", "all://127.0.0.1", "all://[::1]")


@same("the host of a pattern is compared with its case")
def test_a_host_may_be_in_any_case(httpx: Any) -> Any:
    return matched(httpx, "all://EXAMPLE.org", "ALL://Example.Org")


@same("*.host matches the host itself")
def test_a_star_and_a_dot_match_subdomains_alone(httpx: Any) -> Any:
    return matched(httpx, "all://*.example.org", "https://*.example.org", "all://*.org")


@same("*host matches a host that merely ends so")
def test_a_star_matches_the_host_and_its_subdomains(httpx: Any) -> Any:
    return matched(httpx, "all://*example.org", "http://*example.org", "all://*ample.org")


@same("the port of a pattern is of no account")
def test_a_port_matches_that_port_alone(httpx: Any) -> Any:
    return matched(httpx, "all://example.org:8080", "https://*example.org:8080", "all://*:8080")


@same("the default port of a pattern is compared as a port")
def test_a_default_port_is_no_port(httpx: Any) -> Any:
    return matched(httpx, "http://example.org:80", "https://example.org:443", "https://example.org:80")


@same("all:// with a port knows the default ports of schemes")
def test_a_port_that_is_a_default_matches_no_url_without_it(httpx: Any) -> Any:
    return matched(httpx, "all://example.org:80", "all://*:443")


@same("a path of a pattern is compared")
def test_paths_and_credentials_of_a_pattern_mean_nothing(httpx: Any) -> Any:
    return matched(httpx, "all://example.org/path", "all://user:password@example.org", "https://?a=b#c")


@same("an internationalised host is not recognised")
def test_an_internationalised_host_matches(httpx: Any) -> Any:
    return matched(httpx, "all://bücher.example", "all://xn--bcher-kva.example")


@same("special characters of regular expressions have a meaning in a pattern")
def test_a_dot_is_a_dot(httpx: Any) -> Any:
    return matched(httpx, "all://example-org", "all://e.ample.org", "all://example.or.", "all://.example.org")


@pytest.mark.parametrize("text", ["http", "all", "*", "example.org"])
@same("a scheme without :// is taken for a pattern")
def test_a_bare_scheme_is_a_value_error(httpx: Any, text: str) -> Any:
    return pattern_of(httpx, text)


@pytest.mark.parametrize("text", ["http://host:port", "http://[::1", "all://*.bücher.example"])
@same("a pattern that is no URL is accepted")
def test_a_malformed_pattern_is_an_invalid_url(httpx: Any, text: str) -> Any:
    return pattern_of(httpx, text)


@pytest.mark.parametrize(
    "text", ["all://", "https://", "all://*", "all://*.example.org:81", "https://a", "all://[::1]:8", ""]
)
@same("the attributes of a pattern have other values")
def test_a_pattern_has_attributes(httpx: Any, text: str) -> Any:
    pattern = pattern_of(httpx, text)
    return pattern.pattern, pattern.scheme, pattern.host, pattern.port, pattern.priority


@same("a longer host does not go first, or a port, or a scheme")
def test_patterns_are_sorted_from_special_to_general(httpx: Any) -> Any:
    texts = [
        "all://",
        "http://",
        "https://",
        "all://a",
        "all://aa",
        "http://a",
        "https://a:8",
        "all://*.a",
        "all://*:8",
    ]
    return [one.pattern for one in sorted(pattern_of(httpx, text) for text in texts)]


@same("patterns of the same priority change places")
def test_patterns_of_one_priority_stay_in_order(httpx: Any) -> Any:
    texts = ["all://b", "all://a", "all://c"]
    return [one.pattern for one in sorted(pattern_of(httpx, text) for text in texts)]


@same("patterns are equal by what they match, not by how they are written")
def test_patterns_are_equal_by_their_text(httpx: Any) -> Any:
    pattern = pattern_of(httpx, "all://a")
    others = [pattern_of(httpx, text) for text in ("all://a", "all://A", "all://a:80")]
    return [pattern == other for other in (*others, "all://a", None)]


@same("equal patterns have different hashes")
def test_a_pattern_is_a_key(httpx: Any) -> Any:
    mounts = {pattern_of(httpx, "all://a"): 1}
    mounts[pattern_of(httpx, "all://a")] = 2
    return len(mounts), mounts[pattern_of(httpx, "all://a")]


# -- the environment -----------------------------------------------------------------------------


@contextlib.contextmanager
def environment(**variables: str) -> Iterator[None]:
    """The variables of proxies are these alone."""
    before = dict(os.environ)
    try:
        for name in before:
            if name.lower().endswith("_proxy"):
                del os.environ[name]
        os.environ.update(variables)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def proxies(httpx: Any, **variables: str) -> Any:
    """What the environment says when these are its only variables of proxies."""
    with environment(**variables):
        if httpx.__name__ == "httpx":
            return list(httpx._utils.get_environment_proxies().items())
        from httpstream._mounts import environment_proxies

        return list(environment_proxies().items())


@same("an environment without proxies has one")
def test_no_variables_are_no_proxies(httpx: Any) -> Any:
    return proxies(httpx)


@same("a variable of proxies is not read, or they come in another order")
def test_each_scheme_has_its_variable(httpx: Any) -> Any:
    return proxies(httpx, ALL_PROXY="http://a", HTTPS_PROXY="http://b:1", HTTP_PROXY="https://c")


@same("variables in lower case are not read")
def test_variables_may_be_in_lower_case(httpx: Any) -> Any:
    return proxies(httpx, all_proxy="http://a", https_proxy="http://b", http_proxy="http://c", no_proxy="d")


@same("upper case wins over lower case")
def test_lower_case_wins(httpx: Any) -> Any:
    return proxies(httpx, HTTP_PROXY="http://a", http_proxy="http://b", no_proxy="c", NO_PROXY="d")


@same("an empty variable in lower case does not hide the one in upper case")
def test_an_empty_variable_in_lower_case_hides_the_other(httpx: Any) -> Any:
    return proxies(httpx, HTTP_PROXY="http://a", http_proxy="", HTTPS_PROXY="")


@same("a proxy without a scheme is not made an http one")
def test_a_proxy_without_a_scheme_is_http(httpx: Any) -> Any:
    return proxies(httpx, HTTP_PROXY="host:3128", ALL_PROXY="user:password@host")


@same("other schemes of proxies are dropped")
def test_proxies_may_be_socks(httpx: Any) -> Any:
    return proxies(httpx, ALL_PROXY="socks5://user:password@host:1080")


@same("variables that end in _PROXY are proxies of some scheme")
def test_other_variables_mean_nothing(httpx: Any) -> Any:
    return proxies(httpx, FTP_PROXY="http://a", TRAVIS_APT_PROXY="http://b", GOPROXY="direct", _PROXY="c")


@same("HTTP_PROXY is read where REQUEST_METHOD says that it may be a header of a request")
def test_in_cgi_the_proxy_of_http_is_not_read(httpx: Any) -> Any:
    variables = {"REQUEST_METHOD": "GET", "HTTP_PROXY": "http://a", "HTTPS_PROXY": "http://b"}
    return proxies(httpx, **variables), proxies(httpx, **variables, http_proxy="http://c")


@pytest.mark.parametrize("text", ["*", "a,*", " * ", "*,b"])
@same("a star in NO_PROXY is a name")
def test_a_star_is_no_proxies_at_all(httpx: Any, text: str) -> Any:
    return proxies(httpx, HTTP_PROXY="http://a", NO_PROXY=text)


@same("a name in NO_PROXY stands for itself alone")
def test_a_name_stands_for_its_subdomains_too(httpx: Any) -> Any:
    return proxies(httpx, NO_PROXY="example.org,example.com:8080")


@same("a leading dot is dropped")
def test_a_leading_dot_stands_for_subdomains_alone(httpx: Any) -> Any:
    return proxies(httpx, NO_PROXY=".example.org,.example.com:8080")


@same("blanks and empty entries of NO_PROXY count")
def test_blanks_and_empty_entries_mean_nothing(httpx: Any) -> Any:
    return proxies(httpx, NO_PROXY=" a , ,b,,\tc ,")


@same("localhost stands for its subdomains")
def test_localhost_is_itself(httpx: Any) -> Any:
    return proxies(httpx, NO_PROXY="localhost,LOCALHOST,localhost:8080")


@same("an address in NO_PROXY is taken for a name")
def test_an_address_is_itself(httpx: Any) -> Any:
    return proxies(httpx, NO_PROXY="127.0.0.1,::1,2001:DB8::1,10.0.0.1:8080")


@same("a URL in NO_PROXY is taken for a name")
def test_an_entry_may_be_a_pattern(httpx: Any) -> Any:
    return proxies(httpx, NO_PROXY="http://a,https://*.b:8443,all://c")


@same("the last of equal entries is another one")
def test_equal_entries_are_one(httpx: Any) -> Any:
    return proxies(httpx, NO_PROXY="a,a,b,a")


@same("NO_PROXY wins where a variable names the proxy of the same pattern")
def test_no_proxy_may_take_a_scheme_back(httpx: Any) -> Any:
    return proxies(httpx, HTTP_PROXY="http://a", HTTPS_PROXY="http://b", NO_PROXY="https://")


NETWORKS = "`NO_PROXY` takes networks (`10.0.0.0/8`, `fe80::/10`)"


@same("a network in NO_PROXY matches its first address alone", differs=NETWORKS)
def test_a_network_matches_its_addresses(httpx: Any) -> Any:
    [(text, none)] = proxies(httpx, NO_PROXY="10.0.0.0/8")
    pattern = pattern_of(httpx, text)
    return none, [
        pattern.matches(httpx.URL(f"http://{host}")) for host in ("10.0.0.0", "10.1.2.3", "11.0.0.0")
    ]


@pytest.mark.parametrize("entry", ["fe80::/10", "[::1]", "[::1]:8080"])
@same("an IPv6 network, or an address in brackets, is an invalid URL", differs=NETWORKS)
def test_ipv6_may_be_a_network_or_in_brackets(httpx: Any, entry: str) -> Any:
    [(text, none)] = proxies(httpx, NO_PROXY=entry)
    return none, pattern_of(httpx, text).matches(httpx.URL("http://[::1]:8080"))


# -- clients -------------------------------------------------------------------------------------

PROXIES = {
    "HTTP_PROXY": "http://a:1",
    "HTTPS_PROXY": "http://b:2",
    "NO_PROXY": "example.org,.local,127.0.0.1",
}
HOSTS = (
    "http://x",
    "https://x",
    "http://example.org",
    "https://a.example.org",
    "http://local",
    "http://127.0.0.1",
)

clients = pytest.mark.parametrize("name", ["Client", "AsyncClient"])


def client_of(httpx: Any, name: str, variables: Any = PROXIES, **options: Any) -> Any:
    with environment(**variables):
        return getattr(httpx, name)(verify=False, **options)


def routes(client: Any, httpx: Any) -> Any:
    """The patterns of a client, and for which of the hosts it goes around its own transport."""
    return (
        [pattern.pattern for pattern in client._mounts],
        [client._transport_for_url(httpx.URL(url)) is client._transport for url in HOSTS],
    )


@clients
@same("a client does not heed the proxies of the environment, or NO_PROXY")
def test_a_client_heeds_the_environment(httpx: Any, name: str) -> Any:
    return routes(client_of(httpx, name), httpx)


@clients
@same("proxies of the environment count without trust_env")
def test_without_trust_env_the_environment_means_nothing(httpx: Any, name: str) -> Any:
    return routes(client_of(httpx, name, trust_env=False), httpx)


@clients
@same("proxies of the environment count beside transport=")
def test_with_a_transport_the_environment_means_nothing(httpx: Any, name: str) -> Any:
    return routes(client_of(httpx, name, transport=httpx.MockTransport(lambda request: None)), httpx)


@clients
@same("proxies of the environment count beside proxy=")
def test_with_a_proxy_the_environment_means_nothing(httpx: Any, name: str) -> Any:
    return routes(client_of(httpx, name, proxy="http://c:3"), httpx)


@clients
@same("mounts do not come on top of the proxies of the environment")
def test_mounts_come_on_top_of_the_environment(httpx: Any, name: str) -> Any:
    mounts = {
        "http://": None,
        "all://*example.org": httpx.MockTransport(lambda request: None),
        "all://x:80": None,
    }
    return routes(client_of(httpx, name, mounts=mounts), httpx)


@same("a star in NO_PROXY leaves proxies to a client")
def test_a_client_without_any_proxy(httpx: Any) -> Any:
    return routes(client_of(httpx, "Client", {**PROXIES, "NO_PROXY": "*"}), httpx)


@pytest.mark.parametrize("proxy", ["ftp://a", "http://[::1", "http://a:port", "socks4://a"])
@same("a proxy of the environment that is of no use is dropped without a word")
def test_a_proxy_of_the_environment_must_be_of_use(httpx: Any, proxy: str) -> Any:
    return client_of(httpx, "Client", {"ALL_PROXY": proxy})


@same("an entry of NO_PROXY that is no URL is dropped without a word")
def test_an_entry_of_no_proxy_must_be_of_use(httpx: Any) -> Any:
    return client_of(httpx, "Client", {"NO_PROXY": "a:port"})
