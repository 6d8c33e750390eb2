"""What every test stands on: time limits, descriptors counted, flavours, servers. No test lives here."""

from __future__ import annotations

import contextlib
import gc
import importlib
import inspect
import itertools
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.flavours import FLAVOURS, World, is_available, open_descriptors, time_limit
from tests.servers.asgi import AsgiServer, start_asgi
from tests.servers.fault import FaultServer, Script
from tests.servers.hypercorn import start_hypercorn
from tests.servers.nginx import NginxServer, find_nginx, start_nginx
from tests.servers.steps import serve
from tests.servers.tls import Authority

SECONDS_PER_TEST = 30.0
SECONDS_PER_SLOW_TEST = 120.0


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "flavours(*names): run the scenario in these flavours only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "world" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("flavours")
    params = []
    for name in marker.args if marker else FLAVOURS:
        absent = [] if is_available(name) else [pytest.mark.skip(reason=f"{name} is not installed")]
        params.append(pytest.param(World(name), id=name, marks=absent))
    metafunc.parametrize("world", params)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What the fast run leaves out.

    uvloop, of which the loop alone differs from asyncio's; and of scenarios with several cases: trio, and TLS in
    the async worlds.
    """
    cases = Counter(item.nodeid.partition("[")[0] for item in items)
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        world = params.get("world")
        if not isinstance(world, World):
            continue
        several = cases[item.nodeid.partition("[")[0]] > len(FLAVOURS)
        over_tls = params.get("layer") == "tls" and world.is_async
        if world.name == "uvloop" or (several and (world.name == "trio" or over_tls)):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish(session: pytest.Session) -> None:
    # What is alive now stays alive: frozen, it costs the collection after each scenario nothing. Hypothesis
    # asks the collector about trio's random source when it is imported, so that comes before.
    with contextlib.suppress(ImportError):
        importlib.import_module("hypothesis")
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A scenario is a coroutine function with a `world`: that world runs it."""
    world = pyfuncitem.funcargs.get("world")
    if not isinstance(world, World) or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    world.run(lambda: pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    slow = item.get_closest_marker("slow") is not None
    with time_limit(SECONDS_PER_SLOW_TEST if slow else SECONDS_PER_TEST):
        return (yield)


WARM: set[str] = set()
SCENARIOS = itertools.count(1)
SCENARIOS_PER_FULL_COLLECTION = 200


@pytest.fixture(autouse=True)
def _descriptors_are_given_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """A scenario ends with the descriptors that it began with, and leaves nothing for the collector to close."""
    if "world" not in request.fixturenames:
        yield
        return
    world = request.getfixturevalue("world")
    if world.name not in WARM:
        world.warm_up()
        WARM.add(world.name)
    before = open_descriptors()
    yield
    scenarios = next(SCENARIOS)
    if scenarios % SCENARIOS_PER_FULL_COLLECTION == 0:
        gc.unfreeze()  # what was alive after some scenario, and has become garbage since
    gc.collect()
    gc.freeze()  # what is alive now is looked at no more
    deadline = time.monotonic() + 2.0
    while len(left := open_descriptors()) > len(before) and time.monotonic() < deadline:
        time.sleep(0.01)
    extra = {number: what for number, what in left.items() if number not in before}
    assert len(left) <= len(before), f"descriptors left open: {extra}"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority of this run, with contexts for servers and clients."""
    return Authority(trustme.CA(), tmp_path_factory.mktemp("authority"))


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
def fault_server(request: pytest.FixtureRequest) -> Iterator[Callable[..., FaultServer]]:
    """Start scripted servers; at the end of the test every script must have been played to its end.

    Connections after those of the scripts are answered by `serve()`: with the request's own method and
    target.
    """
    servers: list[FaultServer] = []

    def start(*scripts: Script, **options: Any) -> FaultServer:
        options.setdefault("then", [serve()])
        server = FaultServer(*scripts, **options)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()
    for server in servers:
        if request.node.stash.get(FAILED, False):
            print("the scripts:", server.problems() or "all played")
        else:
            assert not server.problems()


@pytest.fixture(params=["plain", "tls"])
def layer(request: pytest.FixtureRequest, authority: Authority) -> Layer:
    """The scenario runs over plain TCP, then over TLS."""
    if request.param == "plain":
        return Layer({}, {})
    return Layer({"tls": authority.server_context()}, {"verify": authority.client_context()})


class Layer:
    """What a server and a client need to meet on one layer: options for each."""

    def __init__(self, server: dict[str, Any], client: dict[str, ssl.SSLContext]) -> None:
        self.server = server
        self.client = client
        self.is_tls = bool(server)


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[NginxServer]:
    """A real nginx on free ports, with its own configuration and files."""
    if find_nginx() is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    root = Path(tmp_path_factory.mktemp("nginx"))
    with start_nginx(root, authority) as server:
        yield server


@pytest.fixture(scope="session")
def asgi() -> Iterator[AsgiServer]:
    """A real ASGI server, uvicorn, in a process of its own."""
    pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    with start_asgi() as server:
        yield server


@pytest.fixture(scope="session")
def hypercorn(authority: Authority) -> Iterator[AsgiServer]:
    """A real HTTP/2 server in Python, in a process of its own."""
    pytest.importorskip("hypercorn", reason="hypercorn is not installed")
    with start_hypercorn(authority) as server:
        yield server
