"""``files=``: what a request with files is, in both libraries."""

from __future__ import annotations

import io
import pickle
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from tests.compat.harness import same

FIXED = {"Content-Type": "multipart/form-data; boundary=BOUNDARY"}


def sent(httpx: Any, **content: Any) -> Any:
    """The field lines and the content of a request with a boundary that is known."""
    request = httpx.Request("POST", "http://host/", **{"headers": FIXED, **content})
    return request.headers.raw, request.read()


@same("bytes are no file")
def test_a_file_may_be_bytes(httpx: Any) -> Any:
    return sent(httpx, files={"f": b"\x00\xffcontent"})


@same("a str is read as a path")
def test_a_str_is_the_content_of_a_file(httpx: Any) -> Any:
    return sent(httpx, files={"f": "é content"})


@same("a file without a name is not called upload")
def test_a_file_in_memory_is_called_upload(httpx: Any) -> Any:
    return sent(httpx, files={"f": io.BytesIO(b"content")})


@same("the name of an open file is sent with its folders")
def test_an_open_file_gives_its_name_and_the_type_that_goes_with_it(httpx: Any, tmp_path: Path) -> Any:
    path = tmp_path / "picture.png"
    path.write_bytes(b"png")
    with path.open("rb") as file:
        return sent(httpx, files={"f": file})


@same("the name in a tuple of two is dropped")
def test_a_tuple_of_two_is_a_name_and_the_content(httpx: Any) -> Any:
    return sent(httpx, files={"f": ("page.html", b"content")})


@same("the content type in a tuple of three is dropped")
def test_a_tuple_of_three_has_a_content_type(httpx: Any) -> Any:
    return sent(httpx, files={"f": ("page.html", b"content", "application/x-own")})


@same("the field lines in a tuple of four are dropped")
def test_a_tuple_of_four_has_field_lines(httpx: Any) -> Any:
    return sent(httpx, files={"f": ("a.txt", b"content", "text/x-own", {"X-One": "1", "Expires": "0"})})


@same("a content type among the field lines does not win over the third member")
def test_a_content_type_among_the_field_lines_wins(httpx: Any) -> Any:
    return sent(httpx, files={"f": ("a.txt", b"content", "text/x-own", {"content-TYPE": "text/x-other"})})


@same("field lines whose name contains content-type are joined by a guess")
def test_any_field_name_with_content_type_in_it_suppresses_the_guess(httpx: Any) -> Any:
    return sent(httpx, files={"f": ("a.txt", b"content", None, {"X-Content-Type-Hint": "1"})})


@same("None as content type suppresses the guess")
def test_none_as_content_type_is_guessed(httpx: Any) -> Any:
    return sent(httpx, files={"f": ("a.css", b"content", None)})


@same("an empty content type is guessed")
def test_an_empty_content_type_is_sent_empty(httpx: Any) -> Any:
    return sent(httpx, files={"f": ("a.css", b"content", "")})


@pytest.mark.parametrize(
    "name", ["a.json", "a.JPG", "a.tar.gz", "a", "a.unknown", "dir/a.html", ".html", "é.pdf", "a.txt "]
)
@same("content types are guessed by another table")
def test_the_content_type_is_guessed_from_the_name(httpx: Any, name: Any) -> Any:
    return sent(httpx, files={"f": (name, b"content")})


@pytest.mark.parametrize("name", [None, ""])
@same("a part without a file name gets one")
def test_a_file_without_a_name_has_neither_name_nor_type(httpx: Any, name: Any) -> Any:
    return sent(httpx, files={"f": (name, b"content")})


@same("a part without a file name loses the content type that was given")
def test_a_file_without_a_name_keeps_its_content_type(httpx: Any) -> Any:
    return sent(httpx, files={"f": (None, '{"a": 1}', "application/json")})


@same("the order of the files changes")
def test_several_files_keep_their_order(httpx: Any) -> Any:
    return sent(httpx, files={"b": b"1", "a": ("x.txt", b"2"), "c": io.BytesIO(b"3")})


@same("a name may stand only once")
def test_pairs_may_repeat_a_name(httpx: Any) -> Any:
    return sent(httpx, files=[("f", ("1.txt", b"1")), ("f", ("2.txt", b"2")), ("g", b"3")])


@same("pairs must be a list")
def test_pairs_may_be_a_tuple(httpx: Any) -> Any:
    return sent(httpx, files=(("f", b"1"), ("g", b"2")))


@same("only dict is a mapping of files")
def test_any_mapping_of_files_will_do(httpx: Any) -> Any:
    return sent(httpx, files=OrderedDict([("g", b"1"), ("f", b"2")]))


@same("form fields come behind the files")
def test_form_fields_stand_in_front_of_the_files(httpx: Any) -> Any:
    return sent(httpx, files={"f": b"content"}, data={"one": "1", "two": "é"})


@same("the items of a list become one form field")
def test_a_list_repeats_its_form_field(httpx: Any) -> Any:
    return sent(httpx, files={"f": b"content"}, data={"a": ["1", "2"], "b": ("3", b"4"), "c": []})


@pytest.mark.parametrize("value", [True, False, None, 5, -1.5, "", b"\xff\x00", "é\r\nline"])
@same("a value of a form field is written otherwise")
def test_form_fields_of_every_type(httpx: Any, value: Any) -> Any:
    return sent(httpx, files={"f": b"content"}, data={"a": value})


@pytest.mark.parametrize("value", [{"a": 1}, object(), {1}, bytearray(b"x"), [["nested"]]])
@same("a form field of another type is sent as its text")
def test_a_form_field_of_another_type_is_refused(httpx: Any, value: Any) -> Any:
    return sent(httpx, files={"f": b"content"}, data={"a": value})


@pytest.mark.parametrize("name", [b"name", 1, None, ("a",)])
@same("the name of a form field may be anything")
def test_a_form_field_whose_name_is_no_text_is_refused(httpx: Any, name: Any) -> Any:
    return sent(httpx, files={"f": b"content"}, data={name: "x"})


@pytest.mark.parametrize("name", [b"name", 1, None])
@same("the name of a file's part may be anything")
def test_a_part_whose_name_is_no_text_is_refused(httpx: Any, name: Any) -> Any:
    return sent(httpx, files={name: b"content"})


@pytest.mark.parametrize("name", [Path("a.txt"), b"a.txt", 5])
@same("a file name may be anything")
def test_a_file_name_that_is_no_text_is_refused(httpx: Any, name: Any) -> Any:
    return sent(httpx, files={"f": (name, b"content")})


ODD_NAMES = [
    'a"b',
    "a\\b",
    "a\r\nX: y",
    "a\x00b",
    "a\x1b\x1f\x7fb",
    "é☃😀",
    "a%22b",
    "a;b=c",
    " ",
    "\u2028\x85",
]


@pytest.mark.parametrize("name", ODD_NAMES)
@same("a character of a part's name is not escaped")
def test_names_of_parts_are_escaped(httpx: Any, name: Any) -> Any:
    return sent(httpx, files={name: ("x", b"content")}, data={name: "1"})


@pytest.mark.parametrize("name", ODD_NAMES)
@same("a character of a file name is not escaped")
def test_file_names_are_escaped(httpx: Any, name: Any) -> Any:
    return sent(httpx, files={"f": (name, b"content")})


@same("an empty name is left out")
def test_empty_names(httpx: Any) -> Any:
    return sent(httpx, files={"": ("", b"content")}, data={"": ""})


@same("an unencodable name raises something else")
def test_a_lone_surrogate_in_a_name_is_refused(httpx: Any) -> Any:
    return sent(httpx, files={"\ud800": b"content"})


@same("field values of a part are latin-1")
def test_field_values_of_a_part_are_utf_8(httpx: Any) -> Any:
    return sent(httpx, files={"f": ("a", b"content", "text/é", {"X-Own": "☃"})})


@pytest.mark.parametrize("size", [1, 5, 6])
@same("a tuple of another size raises something else")
def test_a_tuple_of_another_size_is_refused(httpx: Any, size: Any) -> Any:
    return sent(httpx, files={"f": ("a", b"content", "text/x", {}, 1, 2)[:size]})


@same("StringIO is read as text")
def test_text_in_memory_is_refused(httpx: Any) -> Any:
    return sent(httpx, files={"f": io.StringIO("text")})


@same("a file in text mode is read as text")
def test_a_file_in_text_mode_is_refused(httpx: Any, tmp_path: Path) -> Any:
    path = tmp_path / "a.txt"
    path.write_text("text")
    with path.open() as file:
        return sent(httpx, files={"f": ("a.txt", file)})


@same("a file whose reads give text is refused")
def test_what_reads_as_text_without_being_a_text_file_is_utf_8(httpx: Any) -> Any:
    class Text:
        def __init__(self) -> None:
            self._rest = "é text"

        def read(self, size: int) -> str:
            piece, self._rest = self._rest, ""
            return piece

    return sent(httpx, files={"f": Text()})


@same("a file is sent from where it stands, not from its beginning")
def test_a_file_is_sent_whole_wherever_it_stands(httpx: Any, tmp_path: Path) -> Any:
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789")
    in_memory = io.BytesIO(b"0123456789")
    in_memory.seek(4)
    with path.open("rb") as file:
        file.seek(4)
        return sent(httpx, files={"f": file, "g": in_memory})


@same("a large file is cut short, or its length is wrong")
def test_a_file_of_many_pieces(httpx: Any, tmp_path: Path) -> Any:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 1000)
    with path.open("rb") as file:
        return sent(httpx, files={"f": file, "g": b"behind"}, data={"a": "1"})


@same("a temporary file has another name or size")
def test_a_temporary_file_that_was_written_to(httpx: Any) -> Any:
    with tempfile.SpooledTemporaryFile() as file:
        file.write(b"content")
        return sent(httpx, files={"f": ("t.bin", file)})


@same("what cannot tell its size is not sent chunked")
def test_a_file_of_unknown_size_is_sent_chunked(httpx: Any) -> Any:
    class Once:
        name = "once.txt"

        def __init__(self) -> None:
            self._inner = io.BytesIO(b"content" * 20_000)

        def read(self, size: int) -> bytes:
            return self._inner.read(size)

    return sent(httpx, files={"f": Once(), "g": b"known"})


@same("a request with files cannot be read twice, or its stream cannot be sent after it was read")
def test_a_request_with_files_can_be_read_again(httpx: Any) -> Any:
    request = httpx.Request("POST", "http://host/", headers=FIXED, files={"f": io.BytesIO(b"content")})
    return [type(request.stream).__name__, request.read(), request.content, b"".join(request.stream)]


@same("iterating a multipart stream again gives nothing")
def test_a_stream_of_files_can_be_iterated_again(httpx: Any) -> Any:
    request = httpx.Request("POST", "http://host/", headers=FIXED, files={"f": io.BytesIO(b"content")})
    return [b"".join(request.stream) for _ in range(3)]


@same("request.content can be asked for before the files are read")
def test_the_content_of_a_request_with_files_must_be_read_first(httpx: Any) -> Any:
    return httpx.Request("POST", "http://host/", files={"f": b"content"}).content


@same("a request with files cannot be pickled after it was read")
def test_a_request_with_files_can_be_pickled(httpx: Any) -> Any:
    request = httpx.Request("POST", "http://host/", headers=FIXED, files={"f": b"content"})
    request.read()
    again = pickle.loads(pickle.dumps(request))
    return again.content, again.headers.raw


@pytest.mark.parametrize("files", [{}, [], (), None])
@same("no files make the form multipart")
def test_without_any_file_a_form_is_not_multipart(httpx: Any, files: Any) -> Any:
    return sent(httpx, headers={}, files=files, data={"a": "1"})


@same("content does not win over files")
def test_content_wins_over_files(httpx: Any) -> Any:
    return sent(httpx, headers={}, content=b"content", files={"f": b"file"})


@same("json wins over files")
def test_files_win_over_json(httpx: Any) -> Any:
    return sent(httpx, files={"f": b"file"}, json={"a": 1})


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
@same("raw data does not win over files")
def test_raw_data_wins_over_files(httpx: Any) -> Any:
    return sent(httpx, headers={}, data=b"raw", files={"f": b"file"})


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "POST"])
@same("the length of files is sent with some methods only")
def test_files_go_with_every_method(httpx: Any, method: Any) -> Any:
    request = httpx.Request(method, "http://host/", headers=FIXED, files={"f": b"x"})
    return request.headers.raw


@same("an explicit Content-Length is replaced")
def test_a_length_that_was_set_by_hand_stays(httpx: Any) -> Any:
    return sent(httpx, headers={**FIXED, "Content-Length": "5"}, files={"f": b"x"})


@same("an explicit Transfer-Encoding is joined by a length")
def test_a_length_goes_with_no_transfer_coding_that_was_set_by_hand(httpx: Any) -> Any:
    request = httpx.Request(
        "POST", "http://h/", headers={**FIXED, "Content-Length": "5"}, files={"f": NoSize()}
    )
    return request.headers.raw


class NoSize:
    def read(self, size: int) -> bytes:
        return b""


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=abc",
        'multipart/form-data; boundary="a b"',
        "multipart/form-data; charset=utf-8; BOUNDARY=abc; x=y",
        "multipart/form-data;boundary=abc;",
        "multipart/form-data; boundary = abc",
        "multipart/form-data; boundary=a=b",
        "multipart/form-data; boundary=",
    ],
)
@same("the boundary of a content type that was set by hand is not used")
def test_the_boundary_may_be_set_by_hand(httpx: Any, content_type: Any) -> Any:
    request = httpx.Request("POST", "http://host/", headers={"content-type": content_type}, files={"f": b"x"})
    body = request.read()
    return request.headers.raw[:-1], body if b"boundary=" in content_type.lower().encode() else len(body)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "text/plain; boundary=abc", "multipart/mixed; boundary=a"]
)
@same("another content type decides the boundary")
def test_a_content_type_without_a_boundary_stays_and_the_boundary_is_random(
    httpx: Any, content_type: Any
) -> Any:
    request = httpx.Request("POST", "http://host/", headers={"content-type": content_type}, files={"f": b"x"})
    return request.headers.raw, len(request.read().split(b"\r\n")[0])


@same("the random boundary has another form")
def test_the_boundary_is_random_hexadecimal(httpx: Any) -> Any:
    made = [httpx.Request("POST", "http://host/", files={"f": b"x"}) for _ in range(2)]
    types = [request.headers["content-type"] for request in made]
    kind, _, boundary = types[0].partition("; boundary=")
    assert types[0] != types[1]
    return kind, len(boundary), set(boundary) <= set("0123456789abcdef")


@same(
    "the mapping of field lines gets a content type",
    differs="httpx adds the content type to it",
)
def test_the_mapping_of_field_lines_stays_as_it_was(httpx: Any) -> Any:
    fields = {"X-One": "1"}
    sent(httpx, files={"f": ("a.txt", b"content", None, fields)})
    return fields


@pytest.mark.parametrize("value", ["a\r\nX-Added: 1", "a\nb"])
@same("a field value adds a line to the head of a part", differs="or lets a line end through")
def test_a_content_type_adds_no_line_to_the_head_of_a_part(httpx: Any, value: Any) -> Any:
    return sent(httpx, files={"f": ("a.txt", b"content", value)})


@pytest.mark.parametrize("content", [None, 5, Path("a.txt"), [b"x"]])
@same("what is no file is found out while it is sent", differs="`str`, bytes nor a file is refused at once")
def test_what_is_no_file_is_refused_at_once(httpx: Any, content: Any) -> Any:
    return httpx.Request("POST", "http://host/", files={"f": ("name", content)}).headers.raw[0]


@same("what cannot seek is sent empty the second time", differs="A file that cannot seek is sent once")
def test_a_file_that_cannot_seek_is_not_sent_empty(httpx: Any) -> Any:
    class Once:
        def __init__(self) -> None:
            self._inner = io.BytesIO(b"content")

        def read(self, size: int) -> bytes:
            return self._inner.read(size)

    request = httpx.Request("POST", "http://host/", headers=FIXED, files={"f": Once()})
    return [b"".join(request.stream) for _ in range(2)]


@same("the content type that a file object of a framework knows is sent")
def test_what_a_file_object_says_of_its_content_type_does_not_count(httpx: Any) -> Any:
    class Uploaded(io.BytesIO):
        name = "a.txt"
        content_type = "own/type"

    return sent(httpx, files={"f": Uploaded(b"content")})
