"""The server of the differential scenarios, one for all of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.compat.site import Site

# httpx2, which these ask, needs CPython 3.11.
collect_ignore = ["test_events.py", "test_events_clients.py"] if sys.version_info < (3, 11) else []


@pytest.fixture(scope="session")
def shared_site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    """The recording server, fresh for each scenario; `Lib.site` is this one."""
    shared_site.reset()
    yield shared_site
    shared_site.reset()
