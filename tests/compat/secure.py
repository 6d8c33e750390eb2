"""A TLS server for the differential scenarios, and the contexts that trust it. Never here: a scenario."""

from __future__ import annotations

import contextlib
import functools
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import trustme

from tests.compat.site import Site
from tests.servers.tls import Authority


@functools.lru_cache
def authority() -> Authority:
    """The certificate authority of the scenarios, one per run."""
    return Authority(trustme.CA(), Path(tempfile.mkdtemp(prefix="httpstream-compat-")))


@contextlib.contextmanager
def secure_site(context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """A Site over TLS, with a certificate for 127.0.0.1 and localhost unless a context is given."""
    site = Site(authority().server_context() if context is None else context)
    try:
        yield site
    finally:
        site.close()
