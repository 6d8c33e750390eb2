"""What the compiled core gives back: memory of what is dropped half-way, references to items, chunks without room.

Each measurement runs in a process of its own: this one's memory is full of pytest.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc"
)

PRELUDE = """
import asyncio, gc, resource, sys
from httpstream import MessageLimits, RemoteProtocolError, ServerSentEvent
from httpstream._chunker import ByteChunker, TextChunker
from httpstream._events import EventSplitter
from httpstream._iterators import AsyncItems, Items
from httpstream._json_lines import JSONLineSplitter
from httpstream._lines import LineSplitter
from httpstream._parser import ResponseParser

HEAD = b"HTTP/1.1 200 OK\\r\\nServer: x\\r\\n"
LENGTH = HEAD + b"Content-Length: 1000000\\r\\n\\r\\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\\r\\n\\r\\n"


def memory(column):
    with open("/proc/self/statm") as file:
        return int(file.read().split()[column]) * resource.getpagesize()


def parser_at(wire, *pieces):
    left = [wire, *pieces]

    def receive(view):
        if not left:
            return -1
        size = min(len(view), len(left[0]))
        view[:size] = left[0][:size]
        left[0] = left[0][size:]
        if not left[0]:
            del left[0]
        return size

    parser = ResponseParser(MessageLimits(), "http://example.org", receive)
    parser.start(b"GET")
    parser.fill()
    parser.next_head()
    return parser


class Reader:
    def __init__(self, parser):
        self.parser = parser

    def start(self, splitter):
        splitter.attach(self.parser)

    def feed(self):
        raise ValueError("enough")

    def failed(self, exc):
        pass


class AsyncReader(Reader):
    async def feed(self):
        raise ValueError("enough")

    async def failed(self, exc):
        pass
"""

LINES = "[b'abc\\n' * 5000, b'x' * 1000 + b'\\n', b'y' * 70_000]"  # 5001 lines, and one that does not end
DROPPED = {
    "a parser in the middle of a head": "ResponseParser().start(b'GET'); parser_at(HEAD + b'X-Half: ' + b'v' * 9000)",
    "a parser behind an error": """
try:
    parser_at(HEAD + b"Bad Name: x\\r\\n\\r\\n")
except RemoteProtocolError:
    pass
""",
    "a parser with content not taken": "parser_at(CHUNKED + b'5\\r\\nhello\\r\\n' * 900).take()",
    "a chunk half received": f"c = ByteChunker(90_000); c.attach(parser_at(LENGTH, *{LINES})); c.pop()",
    "a large chunk half received": f"c = ByteChunker(sys.maxsize); c.attach(parser_at(LENGTH, *{LINES})); c.pop()",
    "a line half received": f"""
s = LineSplitter()
s.attach(parser_at(LENGTH, *{LINES}))
for _ in range(5001):
    s.pop()
""",
    "an event half received": """
s = EventSplitter(ServerSentEvent)
s.attach(parser_at(LENGTH, b"id: 7\\ndata: a\\n\\n" * 500 + b"data: %b\\ndata: %b" % (b"x" * 50_000, b"y" * 50_000)))
while s.pop() is not None:
    pass
""",
    "JSON lines half read": """
s = JSONLineSplitter()
s.attach(parser_at(LENGTH, b'{"a": [1, "b"], "c": null}\\n' * 500 + b'"' + b"x" * 70_000))
while s.pop() is not None:
    pass
""",
    "a line that is not JSON": """
try:
    list(Items(JSONLineSplitter(), Reader(parser_at(LENGTH, b"null\\n[1]\\n" * 100 + b"{" * 9000 + b"\\n"))))
except ValueError:
    pass
""",
    "values that look like the arguments of an exception": """
async def use():
    async for value in AsyncItems(JSONLineSplitter(lambda line: (line, line)), AsyncReader(parser_at(LENGTH, *LINES))):
        pass
LINES = [b"abc\\n" * 5000]
try:
    use().send(None)
except (StopIteration, ValueError):
    pass
""",
    "text half decoded": f"c = TextChunker(7, 'utf-16'); c.attach(parser_at(LENGTH, *{LINES})); c.pop()",
    "lines half decoded": f"s = LineSplitter('shift_jis'); s.attach(parser_at(LENGTH, *{LINES})); s.pop()",
    "an iterator used half-way": f"next(Items(LineSplitter('utf-8'), Reader(parser_at(LENGTH, *{LINES}))))",
    "an iterator at an error": f"""
try:
    list(Items(ByteChunker(30_000), Reader(parser_at(LENGTH, *{LINES}))))
except ValueError:
    pass
""",
    "an iterator in a cycle": f"""
reader = Reader(parser_at(LENGTH, *{LINES}))
reader.items = Items(ByteChunker(30_000), reader)
next(reader.items)
if n % 5 == 0:
    gc.collect()
""",
    "an async iterator used half-way": f"""
async def use():
    items = AsyncItems(LineSplitter(), AsyncReader(parser_at(LENGTH, *{LINES})))
    for _ in range(5001):
        await items.__anext__()
    try:
        await items.__anext__()
    except ValueError:
        pass
try:
    use().send(None)
except StopIteration:
    pass
""",
}
WARM, ROUNDS, LEAST = 100, 1000, 100  # LEAST: bytes that a round would have to keep to be found


def run(script: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", PRELUDE + script], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("what", DROPPED)
def test_what_is_dropped_half_way_is_given_back(what: str) -> None:
    script = f"""
def rounds(count):
    for n in range(count):
        exec(CODE, dict(globals(), n=n))
    gc.collect()
    return memory(1)

CODE = compile({DROPPED[what]!r}, "round", "exec")
before = rounds({WARM})
print(rounds({ROUNDS}) - before)
"""
    assert int(run(script)) < ROUNDS * LEAST + 256 * 1024


ITEMS = {
    "chunks": "ByteChunker(1000)",
    "chunks received": "ByteChunker(20_000)",
    "pieces": "ByteChunker(None)",
    "text": "TextChunker(1000, 'utf-8')",
    "lines": "LineSplitter()",
    "lines of text": "LineSplitter('utf-8')",
    "lines carried over": "LineSplitter('latin-1')",
}


@pytest.mark.parametrize("kind", ITEMS)
def test_an_item_belongs_to_whoever_took_it(kind: str) -> None:
    """One reference from the list, one from the loop's variable, one from the call."""
    script = f"""
wide = "\\u20ac".encode() * 300 + b"\\n"
items = Items({ITEMS[kind]}, Reader(parser_at(LENGTH, *[wide * 50] * 3)))
kept = []
try:
    for item in items:
        kept.append(item)
except ValueError:
    pass
del item, items
print(sorted({{sys.getrefcount(item) for item in kept if len(item) > 1}}), len(kept) >= 3)
"""
    assert run(script) == "[3] True\n"


@pytest.mark.parametrize("take", ["pop", "attached"])
def test_a_chunk_that_finds_no_room_to_grow_is_a_memory_error_and_no_more(take: str) -> None:
    """The object that should have grown is gone then: nothing may point to it."""
    feed = "chunker.push(piece)" if take == "pop" else ""
    attach = "" if take == "pop" else "chunker.attach(parser_at(HEAD + b'\\r\\n', *[piece] * 1000))"
    script = f"""
chunker = ByteChunker(sys.maxsize)
piece = b"x" * 200_000
{attach}
unlimited = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (memory(0) + 100_000_000, unlimited[1]))
try:
    for _ in range(1000):
        {feed}
        chunker.pop()
    print("no error")
except MemoryError:
    print("MemoryError", chunker.finish())
resource.setrlimit(resource.RLIMIT_AS, unlimited)
while chunker.pop() is not None:
    pass
chunker.finish()
print("goes on")
"""
    assert run(script) == "MemoryError None\ngoes on\n"
