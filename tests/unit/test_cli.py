"""The command line's parts that need no network: names, sizes, files, ratios, and what is said when things lack."""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from httpstream._cli import main, measure
from httpstream._cli.files import MAX_NAME_BYTES, FileProblem, PartFile, ensure_free, name_from_path
from httpstream._cli.measure import BARE, OURS, PEERS, Outcome, differences, fill_with_zeros, sha256_of
from httpstream._cli.report import comparison, find, print_problems, table
from httpstream._cli.units import (
    byte_rate_text,
    count_rate_text,
    parse_size,
    seconds_text,
    size_text,
)


def outcome(program: measure.Program, seconds: float, cpu: float, **more: Any) -> Outcome:
    return Outcome(program, [{"seconds": seconds, "cpu": cpu, "peak": 2**24, "version": "1", **more}])


def shown(*things: Any, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    for thing in things:
        console.print(thing)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("text", "size"),
    [("1GiB", 2**30), ("64 MiB", 2**26), ("1.5k", 1536), ("500MB", 500_000_000), ("1000", 1000), ("7b", 7)],
)
def test_a_size_is_a_number_and_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1", "1XB", "1e3", "1 2", "\u0661", "1G\u0130B"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size; write for example 1GiB"):
        parse_size(text)


def test_sizes_rates_and_times_are_written_for_people() -> None:
    assert [size_text(n) for n in (0, 1023, 1024, 2**20 * 150, 2**30)] == [
        "0 B",
        "1023 B",
        "1.00 KiB",
        "150 MiB",
        "1.00 GiB",
    ]
    assert [byte_rate_text(n) for n in (45_000, 12_345_678, 1_850_000_000)] == [
        "45 kB/s",
        "12.3 MB/s",
        "1,850 MB/s",
    ]
    assert [count_rate_text(n, "lines") for n in (998, 4_250_000)] == ["998 lines/s", "4.25 M lines/s"]
    assert [seconds_text(n) for n in (0.0351, 0.84, 59.9, 90, 3725)] == [
        "35 ms",
        "0.8 s",
        "59.9 s",
        "0:01:30",
        "1:02:05",
    ]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/pub/file.tar.gz", "file.tar.gz"),
        ("/pub/", "pub"),
        ("/", "download"),
        ("", "download"),
        ("/..", "download"),
        ("/a/../..", "download"),
        ("/..\\..\\evil.exe", "_.._evil.exe"),
        ("/.bashrc", "bashrc"),
        ("/a\x00b\nc\x1b[2J", "a_b_c_[2J"),
        ("/CON.txt", "_CON.txt"),
        ("/aux", "_aux"),
        ("/C:evil", "C_evil"),
        ("/gr\u00fc\u00dfe \u65e5.txt", "gr\u00fc\u00dfe \u65e5.txt"),
        ("/gnp.\u202eexe", "gnp._exe"),
        ("/name. . ", "name"),
    ],
)
def test_a_name_from_a_url_stays_in_its_directory(path: str, name: str) -> None:
    assert name_from_path(path) == name


@pytest.mark.parametrize("character", ["a", "\u65e5", "\U0001f600"])
def test_a_long_name_is_cut_and_keeps_its_suffix(character: str) -> None:
    name = name_from_path("/" + character * 300 + ".zip")
    assert name.endswith(character + ".zip")
    assert MAX_NAME_BYTES - 4 < len(name.encode()) <= MAX_NAME_BYTES


def test_a_part_file_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    with PartFile(str(tmp_path / "file")) as file:
        file.write(b"content")
        assert os.listdir(tmp_path) == ["file.part"]
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_part_file_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"former")
    with pytest.raises(KeyboardInterrupt), PartFile(str(tmp_path / "file")) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"former"


def test_a_part_file_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"theirs")
    with pytest.raises(FileProblem, match=r"file\.part exists: another download"):
        PartFile(str(tmp_path / "file")).__enter__()
    assert (tmp_path / "file.part").read_bytes() == b"theirs"


def test_a_part_file_follows_a_link_and_leaves_it_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with PartFile(str(tmp_path / "link")) as file:
        file.write(b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_device_is_written_as_it_is() -> None:
    part_file = PartFile(os.devnull)
    with part_file as file:
        file.write(b"gone")
        assert not os.path.exists(os.devnull + ".part")
    assert not os.path.isfile(os.devnull)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="is a directory"):
        PartFile(str(tmp_path)).__enter__()
    assert not os.path.exists(f"{tmp_path}.part")


def test_too_little_space_is_said_before_anything_is_written(tmp_path: Path) -> None:
    ensure_free(str(tmp_path), 1)
    with pytest.raises(FileProblem, match=r"1024 TiB are needed in .*, where .* are free"):
        ensure_free(str(tmp_path), 2**50)
    with pytest.raises(FileProblem, match="is not a directory"):
        ensure_free(str(tmp_path / "absent"), 1)


def test_nothing_of_a_former_download_is_left(tmp_path: Path) -> None:
    path = tmp_path / "file"
    fill_with_zeros(str(path), 3_000_000)
    path.write_bytes(b"x" * 3_000_000)
    fill_with_zeros(str(path), 3_000_000)
    assert path.read_bytes() == bytes(3_000_000)
    assert sha256_of(str(path)) == "35bce4eae54ec8e6cc2868baa8d157914d6ae2858811b4cc0c078c94460fa26f"


def test_each_difference_from_the_server_is_named() -> None:
    announced = {"count": 3, "sum": 6}
    assert differences({"count": 3, "sum": 6}, announced, ("count", "sum")) == ""
    said = differences({"count": 2, "sum": 5}, announced, ("count", "sum"))
    assert said == "count is 2, the server's is 3, sum is 5, the server's is 6"


def test_medians_speak_for_a_program_and_the_highest_memory() -> None:
    rounds = [{"seconds": s, "cpu": s / 2, "peak": int(s), "version": "1"} for s in (9.0, 1.0, 2.0)]
    result = Outcome(BARE, rounds)
    assert (result.median("seconds"), result.cpu(), result.peak) == (2.0, 1.0, 9)
    rounds[1]["peak"] = None
    assert result.peak is None


def test_a_program_that_is_not_installed_is_named_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert measure.installed_programs() == ([BARE, *OURS], ["aiohttp", "httpx"])


def test_the_tables_fit_eighty_columns_and_compare_with_the_socket() -> None:
    outcomes = [
        outcome(BARE, 0.5, 0.2),
        outcome(OURS[0], 0.625, 0.25),
        outcome(OURS[1], 1.0, 0.05),
        Outcome(PEERS[0], problem="refused"),
        outcome(PEERS[1], 4.0, 4.0),
        outcome(PEERS[2], 100.0, 0.5),
    ]

    def speed(result: Outcome) -> float:
        return 1 / result.median("seconds")

    lines = shown(table("title", outcomes, ("MB/s", "seconds"), lambda o: ("12,345", "100.00"), speed))
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert [line.split() for line in lines[3:]] == [
        ["bare", "socket", "12,345", "100.00", "1.00x", "0.20", "1.00x", "16.0"],
        ["httpstream", "sync", "12,345", "100.00", "0.80x", "0.25", "1.25x", "16.0"],
        ["httpstream", "async", "12,345", "100.00", "0.50x", "0.050", "0.25x", "16.0"],
        ["httpx", "sync", "failed", "-", "-", "-", "-", "-"],
        ["httpx", "async", "12,345", "100.00", "0.12x", "4.00", "20x", "16.0"],
        ["aiohttp", "async", "12,345", "100.00", "0.01x", "0.50", "2.50x", "16.0"],
    ]
    compared = shown(comparison((("download", "speed", outcomes, speed),)))
    assert [line.split() for line in compared[-2:]] == [
        ["async,", "to", "httpx", "4.00x", "0.01x"],
        ["async,", "to", "aiohttp", "100x", "0.10x"],
    ]
    assert comparison((("download", "speed", outcomes[:3], speed),)) is None
    assert find(outcomes, PEERS[0]) is None


def test_a_failure_of_a_peer_is_told_and_one_of_ours_counts() -> None:
    console = Console(file=io.StringIO(), width=80)
    peer, ours = Outcome(PEERS[0], problem="refused"), Outcome(OURS[0], problem="sum is 1")
    assert print_problems(console, [("lines", [peer])])
    assert not print_problems(console, [("lines", [peer, ours])])
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines()[-1] == "lines: httpstream sync failed: sum is 1"


@pytest.mark.parametrize("absent", ["click", "rich"])
def test_without_the_extra_one_sentence_says_what_to_install(absent: str) -> None:
    code = f"import sys; sys.modules[{absent!r}] = None; from httpstream._cli import main; sys.exit(main(['demo']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"httpstream: the command line needs {absent}: pip install 'httpstream[cli]'\n"


def test_importing_the_way_in_loads_neither_click_nor_rich() -> None:
    code = "import sys, httpstream._cli; sys.exit(any(name in sys.modules for name in ('click', 'rich')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demo", "--size", "1XB"], "'1XB' is not a size"),
        (["demo", "--size", "0"], "at least one byte"),
        (["demo", "--lines", "0"], "0 is not in the range"),
        (["fetch"], "Missing argument 'URL'"),
        (["--no-such-option"], "No such option"),
        (["http://host/", "--json", "{"], "this is no JSON"),
    ],
)
def test_wrong_arguments_are_explained(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert "demo" in printed and "fetch" in printed


def test_a_place_that_is_too_small_is_one_line_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--size", "1000TiB", "--directory", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("httpstream: 1000 TiB are needed in ")
    assert os.listdir(tmp_path) == []
