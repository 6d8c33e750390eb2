"""What is measured: one entry for each row of the performance targets. Data only; nothing here runs anything."""

from __future__ import annotations

from dataclasses import dataclass

from bench import bodies

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class Scenario:
    """One table.

    kind: which function of a program does it. target: the request target; ``{size}`` and ``{count}`` are filled in.
    size: content of one timed run, bytes: the most for runs that are scaled to the wanted time, exactly that when
    `fixed`. block: sizes are multiples of it. count: requests or events of one run (the most, when scaled); 0 where
    the size says how much. workers: threads or tasks that share the requests; without a count each does one.
    measure: "rate" (bytes per second), "requests" (per second), "latency", "import" or "memory".
    per: the unit of the column "CPU per", with its size in bytes (0: per request, event or line).
    limit: the row that is the limit of the sync programs; the async ones have `raw` on their own loop.
    server: which of the servers is asked: "http", "https" or "nginx".
    """

    name: str
    title: str
    kind: str
    target: str = ""
    body: str = "random"
    size: int = GIB
    fixed: bool = False
    block: int = MIB
    chunk_size: int | None = 64 * KIB
    count: int = 0
    workers: int = 1
    measure: str = "rate"
    per: tuple[str, int] = ("64 KiB", 64 * KIB)
    limit: str = "raw"
    server: str = "http"
    coding: str = ""
    worlds: tuple[str, ...] = ("sync", "async")
    without: tuple[str, ...] = ()

    @property
    def has_items(self) -> bool:
        """Whether the unit is a line or an event of the body."""
        return not self.per[1] and not self.count


def _download(
    name: str, title: str, chunk_size: int | None, limit: str, without: tuple[str, ...]
) -> Scenario:
    target = "/body/random/{size}"
    return Scenario(name, title, "stream", target, chunk_size=chunk_size, limit=limit, without=without)


def _chunked(wire_chunk: int, title: str) -> Scenario:
    return Scenario(
        f"chunked-{title.replace(' ', '').lower()}",
        f"chunked, {title} wire chunks, read in 64 KiB",
        "stream",
        f"/chunked/{wire_chunk}/random/{{size}}",
        limit="ext",
    )


def _read(name: str, title: str, kind: str, limit: str) -> Scenario:
    return Scenario(name, title, kind, "/body/random/{size}", limit=limit, worlds=("sync",))


def _decoded(coding: str) -> Scenario:
    return Scenario(
        coding,
        f"{coding} decoded, 64 KiB chunks",
        "decoded",
        f"/coded/text.{coding}",
        body=f"text.{coding}",
        size=bodies.TEXT_BYTES,
        fixed=True,
        limit="decoder",
        coding=coding,
    )


# pycurl hands over what libcurl received (at most 16 KiB) whatever size is asked for; urllib3 and requests have no
# way to say "as received" for a body with a length.
SCENARIOS = (
    _download("download-64k", "download, 64 KiB chunks", 64 * KIB, "raw", ()),
    _download("download-1k", "download, 1 KiB chunks", KIB, "ext", ("pycurl",)),
    _download("download-1m", "download, 1 MiB chunks", MIB, "raw", ("pycurl",)),
    _download("download-none", "download, as received", None, "raw", ("ext", "requests")),
    Scenario(
        "content",
        "get().content, 256 MiB",
        "content",
        "/body/random/{size}",
        size=256 * MIB,
        fixed=True,
        limit="ext",
    ),
    Scenario(
        "https-64k",
        "https download, 64 KiB chunks",
        "stream",
        "/body/random/{size}",
        server="https",
        without=("ext",),
    ),
    _read("read-file", "stream.read(64 KiB)", "read_file", "ext"),
    _read("readinto-file", "stream.readinto(64 KiB)", "readinto_file", "raw"),
    Scenario(
        "http2",
        "HTTP/2, 100 GETs of 1 MiB at once",
        "http2",
        "/http2/random/1048576",
        size=100 * MIB,
        fixed=True,
        workers=100,
        server="nginx",
    ),
    _chunked(16 * KIB, "16 KiB"),
    _chunked(KIB, "1 KiB"),
    _chunked(64, "64 byte"),
    Scenario(
        "lines",
        "lines of about 120 bytes, str",
        "lines",
        "/body/lines/{size}",
        body="lines",
        per=("line", 0),
        limit="ext",
    ),
    *(
        Scenario(
            f"json-lines{'-' * bool(suffix)}{suffix}",
            f"1.2 million JSON lines, {suffix or 'json'}.loads",
            f"values{'_' * bool(suffix)}{suffix}",
            "/body/values/{size}",
            body="values",
            size=144 * MIB,
            fixed=True,
            per=("line", 0),
            limit="ext",
        )
        for suffix in ("", "orjson")
    ),
    Scenario(
        "sse",
        "200,000 server-sent events of 120 bytes",
        "sse",
        f"/chunked/{100 * bodies.EVENT_BYTES}/events/{{size}}",
        body="events",
        size=100 * bodies.EVENTS_BYTES,
        block=bodies.EVENTS_BYTES,
        fixed=True,
        per=("event", 0),
    ),
    Scenario(
        "long-line",
        "one line of 32 MiB, str",
        "lines",
        "/body/longline/{size}",
        body="longline",
        size=bodies.LONG_LINE_BYTES,
        block=bodies.LONG_LINE_BYTES,
        fixed=True,
        limit="ext",
    ),
    _decoded("gzip"),
    _decoded("zstd"),
    _decoded("br"),
    Scenario(
        "small",
        "small GETs, one connection",
        "small",
        "/body/random/200",
        count=20000,
        measure="requests",
        per=("request", 0),
        limit="climit",
    ),
    Scenario(
        "small-tasks",
        "small GETs, 50 tasks",
        "small_tasks",
        "/body/random/200",
        count=20000,
        workers=50,
        measure="requests",
        per=("request", 0),
        worlds=("async",),
    ),
    Scenario(
        "small-threads",
        "small GETs, 16 threads, one client",
        "small_threads",
        "/body/random/200",
        count=20000,
        workers=16,
        measure="requests",
        per=("request", 0),
        worlds=("sync",),
    ),
    Scenario(
        "upload-file", "upload, 256 MiB file", "upload_file", "/upload", size=bodies.UPLOAD_BYTES, fixed=True
    ),
    Scenario(
        "upload-generator",
        "upload, generator of 64 KiB pieces",
        "upload_generator",
        "/upload",
        size=bodies.UPLOAD_BYTES,
        fixed=True,
    ),
    Scenario(
        "upload-multipart",
        "multipart upload, 256 MiB file",
        "upload_multipart",
        "/upload/part/{size}",
        size=bodies.UPLOAD_BYTES,
        fixed=True,
    ),
    Scenario(
        "events",
        "event latency, one event per ms",
        "events",
        "/events/{count}/1000",
        count=500,
        measure="latency",
        per=("event", 0),
    ),
    Scenario("import", "import", "import", measure="import"),
    Scenario("first-client", "import and a first client", "first_client", measure="import"),
    Scenario(
        "memory",
        "peak memory, 64 MiB and 1 GiB",
        "stream",
        "/body/random/{size}",
        measure="memory",
        fixed=True,
    ),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
