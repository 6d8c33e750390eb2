"""Which transport a URL gets: patterns of URLs as values, and the proxies that the environment names.

Patterns are the keys of ``mounts=``. Nothing here is a transport or makes one.
"""

from __future__ import annotations

import os
import sys

from ._urls import URL

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

__all__ = ["URLPattern", "environment_proxies"]


class URLPattern:
    """A pattern of URLs, as a key of ``mounts=`` has it; of several that match, the smallest counts.

        all://                  every URL
        https://                every https URL
        all://host              this host, https://host:8443 with scheme and port
        all://*.example.org     www.example.org, but not example.org
        all://*example.org      both, but not myexample.org
        all://10.0.0.0/8        an address in this network; all://[fe80::]/10

    Raises InvalidURL, and ValueError for a scheme without ``://``.
    """

    __slots__ = ("_host", "_network", "_suffix", "host", "pattern", "port", "scheme")

    def __init__(self, pattern: str) -> None:
        if pattern and ":" not in pattern:
            raise ValueError(f"{pattern!r} is no pattern of URLs: write '{pattern}://'")
        url = URL(pattern)
        self.pattern = pattern
        self.scheme = "" if url.scheme == "all" else url.scheme
        self.host = "" if url.host == "*" else url.host
        self.port = url.port
        host = url.raw_host
        self._host = b"" if host[:1] == b"*" else host
        self._suffix = host[1:] if host[:1] == b"*" else b""
        self._network = _network_of(url)

    def matches(self, other: URL) -> bool:
        """Whether a URL is one of these."""
        if self.scheme and self.scheme != other.scheme:
            return False
        if self.port is not None and self.port != other.port:
            return False
        if not self.host:
            return True
        host = other.raw_host
        if self._network is not None:
            return _is_in(host.decode("ascii"), self._network)
        if self._host:
            return host == self._host
        suffix = self._suffix
        if suffix[:1] == b".":
            return len(host) > len(suffix) and host.endswith(suffix)
        return host == suffix or (len(host) > len(suffix) + 1 and host.endswith(b"." + suffix))

    @property
    def priority(self) -> tuple[int, float, int]:
        """What patterns are sorted by, the most specific one first: by port, then host, then scheme."""
        if self._network is not None:
            # Behind every name and address, in front of what names no host; the smaller network first.
            host = -self._network.prefixlen / 129
        else:
            host = -len(self.host)
        return (0 if self.port is not None else 1, host, -len(self.scheme))

    def __lt__(self, other: URLPattern) -> bool:
        return self.priority < other.priority

    def __eq__(self, other: object) -> bool:
        return isinstance(other, URLPattern) and self.pattern == other.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        # As it was written, unless it has a password, which URL hides.
        text = repr(URL(self.pattern))[4:-1] if "@" in self.pattern else repr(self.pattern)
        return f"{type(self).__name__}({text})"


def _network_of(url: URL) -> IPv4Network | IPv6Network | None:
    """The network that a pattern names, as an address and the length of its prefix; None: it names none."""
    length = url.raw_path[1:]
    if not length.isdigit():
        return None  # as nearly always
    from ipaddress import ip_network

    try:
        return ip_network(f"{url.host}/{length.decode('ascii')}")
    except ValueError:
        return None  # a host with a path, which is of no account in a pattern


def _is_in(host: str, network: IPv4Network | IPv6Network) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host) in network
    except ValueError:
        return False  # a name: it is not resolved for this


def environment_proxies() -> dict[str, str | None]:
    """The proxies that the environment names: pattern to the proxy's URL, or to None for no proxy.

    Read from ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, in upper or lower case, and on
    macOS and Windows, where none is set, from the system's settings. ``NO_PROXY`` is a list, by commas, of
    names (which stand for their subdomains too), ``.name`` (for those alone), addresses, networks
    (``10.0.0.0/8``), each with a port if need be, or ``*``.
    """
    asks_system = os.name == "nt" or sys.platform == "darwin"
    # urllib.request is slow to import, and most environments name no proxy.
    if not asks_system and not any(name[-6:].lower() == "_proxy" for name in os.environ):
        return {}
    from urllib.request import getproxies

    found = getproxies()
    proxies: dict[str, str | None] = {}
    for scheme in ("http", "https", "all"):
        url = found.get(scheme)
        if url:
            proxies[f"{scheme}://"] = url if "://" in url else f"http://{url}"
    for entry in found.get("no", "").split(","):
        entry = entry.strip()
        if entry == "*":
            return {}
        if entry:
            proxies[_pattern_of(entry)] = None
    return proxies


def _pattern_of(entry: str) -> str:
    """The pattern for an entry of NO_PROXY."""
    if "://" in entry:
        return entry
    if entry.lower() == "localhost":
        return f"all://{entry}"
    from ipaddress import ip_network

    address = entry[1:-1] if entry[0] == "[" and entry[-1] == "]" else entry
    length = ""
    try:
        # A single address is a network, too. As elsewhere, 10.1.2.3/8 is the network that 10.1.2.3 is in.
        network = ip_network(address, strict=False)
    except ValueError:
        return f"all://{entry}" if entry[0] == "[" else f"all://*{entry}"
    if "/" in address:
        address, length = str(network.network_address), f"/{network.prefixlen}"
    return f"all://[{address}]{length}" if network.version == 6 else f"all://{address}{length}"
