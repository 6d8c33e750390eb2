"""`httpstream demo` and `httpstream fetch`, run as a person runs them: a process, its output, and what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from httpstream._cli.children import ChildFailed, Server, run_job
from httpstream._cli.display import Board
from httpstream._cli.measure import Section, fill_with_zeros, sha256_of
from tests.servers.fault import FaultServer
from tests.servers.steps import expect_end, expect_request, fin, send

COMMAND = [sys.executable, "-W", "error", "-m", "httpstream._cli"]
SMALL = ["--size", "3MiB", "--lines", "3000", "--events", "20", "--rounds", "1"]
Servers = Callable[..., FaultServer]


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def children_of(pid: int) -> list[int]:
    """The processes whose parent is `pid`."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended since
        if int(fields[1]) == pid:
            found.append(int(place.name))
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.slow
def test_the_demo_verifies_everything_and_leaves_nothing(tmp_path: Path) -> None:
    done = run("demo", *SMALL, "--directory", str(tmp_path), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    text = " ".join(done.stdout.split())
    assert "Verified for httpstream, sync and async: 2 downloads of 3.00 MiB" in text
    assert "3,000 lines parsed" in text and "20 events, each id in order" in text
    assert (
        done.stdout.count("httpstream sync") == done.stdout.count("httpstream async") == 6
    )  # 3 jobs, 3 tables
    assert done.stdout.count("bare socket ") >= 6
    assert "failed" not in text and "\x1b" not in done.stdout and "\r" not in done.stdout
    assert max(len(line.rstrip()) for line in done.stdout.splitlines()) <= 80
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_a_peer_that_fails_does_not_stop_the_demo(tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    for name in ("httpx", "aiohttp"):
        (tmp_path / "modules" / f"{name}.py").write_text("raise RuntimeError('broken on purpose')")
    (tmp_path / "place").mkdir()
    arguments = ["demo", *SMALL, "--directory", str(tmp_path / "place")]
    done = run(*arguments, cwd=tmp_path, PYTHONPATH=str(tmp_path / "modules"))
    text = " ".join(done.stdout.split())
    assert "aiohttp async failed: RuntimeError: broken on purpose" in text
    assert (done.returncode, "Verified for httpstream" in text) == (0, True)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the children in /proc")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGKILL, -9)]
)
def test_a_demo_that_is_ended_takes_its_processes_and_files_along(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    arguments = ["--size", "1MiB", "--lines", "10", "--events", "100000", "--directory", str(tmp_path)]
    with subprocess.Popen(
        [*COMMAND, "demo", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as demo:
        assert demo.stdout is not None and demo.stderr is not None
        assert wait_until(lambda: len(children_of(demo.pid)) == 2)  # the server, and the first job
        children = children_of(demo.pid)
        demo.send_signal(number)
        said = demo.stderr.read().decode()
        assert demo.wait(10) == code
    assert wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    if number == signal.SIGKILL:
        return  # nobody could remove the files; the processes have gone by themselves
    assert os.listdir(tmp_path) == []
    interrupted = "httpstream: interrupted; nothing is left behind"
    assert said.strip() == (interrupted if number == signal.SIGINT else "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="has no /dev/full")
def test_an_output_that_is_full_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "demo", *SMALL, "--directory", str(tmp_path)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.stderr.splitlines()[0] == "httpstream: No space left on device"
    assert "Traceback" not in done.stderr
    assert done.returncode != 0
    assert os.listdir(tmp_path) == []


def test_a_file_with_one_wrong_byte_is_found_out(tmp_path: Path) -> None:
    from rich.console import Console

    path, size = str(tmp_path / "file"), 2_500_000
    with Server(size=size, lines=10, events=1, interval=0.001, directory=str(tmp_path)) as server:
        section = Section(
            server,
            Board(Console(quiet=True), "", str),
            "download",
            size,
            outcome_text=lambda outcome: "",
            path=path,
        )
        settings = {"work": "download", "program": "httpstream", "asynchronous": False, "url": server.url}
        fill_with_zeros(path, size)
        steps: list[int] = []
        result = run_job({**settings, "path": path}, steps.append)
        assert section._verdict(result) == ""
        with open(path, "r+b") as file:
            file.seek(size - 1)
            last = file.read(1)[0]
            file.seek(size - 1)
            file.write(bytes([last ^ 1]))
        found = section._verdict(result)
    assert found.startswith(f"sha256 is {sha256_of(path)}, the server's is ")


def test_a_job_that_cannot_connect_says_so(tmp_path: Path) -> None:
    settings = {"work": "lines", "program": "httpstream", "asynchronous": True, "url": "http://127.0.0.1:1"}
    with pytest.raises(ChildFailed, match=r"^ConnectError: "):
        run_job({**settings, "path": ""}, lambda done: None)


CONTENT = b"content"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"


def test_fetch_names_the_file_after_the_path(fault_server: Servers, tmp_path: Path) -> None:
    server = fault_server(
        [expect_request("GET /pub/a%20b.txt", "Accept-Encoding: identity"), send(HEAD + CONTENT)]
    )
    done = run("fetch", f"{server.url}/pub/a%20b.txt", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("a b.txt: 7 B in ")
    assert (tmp_path / "a b.txt").read_bytes() == CONTENT


def test_fetch_leaves_an_existing_file_alone_unless_it_is_named(
    fault_server: Servers, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    server = fault_server([expect_request("GET /file"), send(HEAD + CONTENT)])
    refused = run("fetch", f"{server.url}/file", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "httpstream: file exists and is left as it is; name another file with -o\n"
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert run("fetch", f"{server.url}/file", "-o", "file", cwd=tmp_path).returncode == 0
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_fetch_of_unknown_size_ends_with_the_last_chunk(fault_server: Servers, tmp_path: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ncon\r\n4\r\ntent\r\n0\r\n\r\n"
    server = fault_server([expect_request("GET /"), send(chunked)])
    done = run("fetch", server.url, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "download").read_bytes() == CONTENT


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (HEAD + b"cont", "RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ncon\r\n", "RemoteProtocolError"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "127.0.0.1 answered 404 Not Found"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n",
            "127.0.0.1 answered 302 Found: the file is at http://127.0.0.1:",
        ),
        (b"nonsense\r\n\r\n", "RemoteProtocolError"),
    ],
)
def test_fetch_that_fails_is_one_line_and_no_file(
    fault_server: Servers, tmp_path: Path, answer: bytes, said: str
) -> None:
    server = fault_server([expect_request("GET /file"), send(answer), fin()])
    done = run("fetch", f"{server.url}/file", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"httpstream: {said}")
    assert done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("url", ["http://127.0.0.1:1/file", "file", "ftp://127.0.0.1/file", "http://[/file"])
def test_fetch_of_what_cannot_be_fetched_is_one_line(tmp_path: Path, url: str) -> None:
    done = run("fetch", url, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("httpstream: ")
    assert done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="a process there is not interrupted by a signal")
def test_fetch_that_is_interrupted_leaves_no_file(fault_server: Servers, tmp_path: Path) -> None:
    server = fault_server([expect_request("GET /file"), send(HEAD + b"con"), expect_end()])
    with subprocess.Popen(
        [*COMMAND, "fetch", f"{server.url}/file"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as fetch:
        assert fetch.stderr is not None
        part = tmp_path / "file.part"
        assert wait_until(lambda: part.exists() and part.read_bytes() == b"con")
        fetch.send_signal(signal.SIGINT)
        assert fetch.stderr.read().strip() == "httpstream: interrupted; nothing is left behind"
        assert fetch.wait(10) == 130
    assert os.listdir(tmp_path) == []
