"""What reads a binary file reads 64 MiB from ``response.stream``, with the same result as from a local file."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pandas
import pyarrow.csv
import pytest
import zstandard
from conftest import Answer, Service

import httpstream

MIB = 1024 * 1024
SIZE = 64 * MIB


def rows() -> bytes:
    """A table of 64 MiB."""
    block = b"".join(b"%d,name %d,%d.5\n" % (number, number % 977, number * 7) for number in range(20_000))
    return b"id,name,value\n" + block * (SIZE // len(block) + 1)


def document() -> bytes:
    return json.dumps([{"id": number, "text": "x" * 1000} for number in range(SIZE // 1030)]).encode()


def archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=0) as tar:
        for number in range(64):
            member = tarfile.TarInfo(f"file-{number}")
            member.size = MIB
            tar.addfile(member, io.BytesIO(bytes([number]) * MIB))
    return packed.getvalue()


def members(file: BinaryIO) -> Any:
    with tarfile.open(fileobj=file, mode="r|gz") as tar:
        return [(one.name, hashlib.sha256(tar.extractfile(one).read()).hexdigest()) for one in tar]  # type: ignore[union-attr]


def copied(file: BinaryIO) -> Any:
    into = io.BytesIO()
    shutil.copyfileobj(file, into)
    return hashlib.sha256(into.getbuffer()).hexdigest()


def gunzipped(file: BinaryIO) -> Any:
    with gzip.GzipFile(fileobj=file) as plain:
        return copied(plain)  # type: ignore[arg-type]


def parsed_csv(file: BinaryIO) -> Any:
    with io.TextIOWrapper(io.BufferedReader(file), encoding="utf-8", newline="") as text:  # type: ignore[arg-type]
        return sum(len(row) * int(row[0]) for row in csv.reader(text) if row[0] != "id")


def unzstd(file: BinaryIO) -> Any:
    return copied(zstandard.ZstdDecompressor().stream_reader(file))  # type: ignore[arg-type]


def unzstd_of_the_standard(file: BinaryIO) -> Any:
    try:
        from compression.zstd import ZstdFile  # type: ignore[import-not-found]  # from 3.14 on
    except ImportError:
        from backports.zstd import ZstdFile
    return copied(ZstdFile(file))


def frame(file: BinaryIO) -> Any:
    table = pandas.read_csv(file)
    return table.shape, int(table["id"].sum()), float(table["value"].sum())


def table(file: BinaryIO) -> Any:
    read = pyarrow.csv.read_csv(file)
    return read.shape, read.schema, read["id"].chunk(0)[0].as_py()


CONSUMERS: dict[str, tuple[Callable[[], bytes], Callable[[BinaryIO], Any]]] = {
    "tarfile": (archive, members),
    "gzip": (lambda: gzip.compress(rows(), 1), gunzipped),
    "csv": (rows, parsed_csv),
    "json.load": (document, json.load),
    "pandas.read_csv": (rows, frame),
    "pyarrow.csv": (rows, table),
    "zstandard": (lambda: zstandard.compress(rows(), 1), unzstd),
    "compression.zstd": (lambda: zstandard.compress(rows(), 1), unzstd_of_the_standard),
    "shutil.copyfileobj": (lambda: bytes(range(256)) * (SIZE // 256), copied),
}


@pytest.fixture
def body(request: pytest.FixtureRequest, service: Service, tmp_path: Path) -> tuple[str, Path]:
    """A body as an address and as a local file."""
    content = request.param()
    path = tmp_path / "body"
    path.write_bytes(content)
    pieces = [content[at : at + MIB] for at in range(0, len(content), MIB)]
    service.on["/length"], service.on["/chunked"] = Answer(content), Answer(pieces)
    return service.url, path


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("body, consume", CONSUMERS.values(), ids=CONSUMERS, indirect=["body"])
def test_a_consumer_of_files_reads_a_response(
    body: tuple[str, Path], consume: Callable[[BinaryIO], Any], framing: str
) -> None:
    url, path = body
    with path.open("rb") as file:
        expected = consume(file)
    with httpstream.stream("GET", f"{url}/{framing}", timeout=60) as response:
        assert consume(response.stream) == expected  # type: ignore[arg-type]


def test_pyarrow_gets_whole_blocks_however_the_content_arrives(service: Service) -> None:
    """It takes a short read for a block, and no row may stand in three of them."""
    content = b"id,name\n" + b"".join(b"%d,name %d\n" % (number, number) for number in range(500))
    service.on["/dribble"] = Answer([content[at : at + 2] for at in range(0, len(content), 2)])
    with httpstream.stream("GET", f"{service.url}/dribble", timeout=60) as response:
        assert pyarrow.csv.read_csv(response.stream).shape == (500, 2)
