"""Schemes of authentication where httpx cannot be asked: what only this library knows, and what must not leak."""

from __future__ import annotations

import copy
import hashlib
import inspect
import pickle
import threading
import time
from collections.abc import AsyncIterator, Generator
from typing import Any

import pytest

from httpstream import (
    Auth,
    BasicAuth,
    DigestAuth,
    NetRCAuth,
    ProtocolError,
    Request,
    Response,
    StreamConsumed,
)
from httpstream._auth import FunctionAuth, _challenge_in, build_auth
from httpstream._challenges import parse_challenges

URL = "http://host/dir?x=1"
INT = 'Digest realm="r", nonce="n", qop="auth-int"'


def challenged(*values: str) -> Response:
    return Response(401, headers=[("WWW-Authenticate", value) for value in values])


def answered(auth: Auth, request: Request, response: Response) -> dict[str, str]:
    """The parameters of the Authorization field that answers a response."""
    flow = auth.sync_auth_flow(request)
    next(flow)
    [(scheme, parameters)] = parse_challenges(flow.send(response).headers["Authorization"])
    assert scheme == "Digest"
    flow.close()
    return parameters


def finish(coroutine: Any) -> Any:
    """Run a coroutine that waits for nothing."""
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    return stopped.value.value


# -- Digest: the proof, computed anew from RFC 7616 ----------------------------------------------


def expected(algorithm: str, sent: dict[str, str], method: bytes, content: bytes | None) -> str:
    def digest(text: bytes) -> bytes:
        return hashlib.new(algorithm, text).hexdigest().encode()

    secret = digest(b"user:r:secret")
    if sent["algorithm"].endswith("-sess"):
        secret = digest(secret + b":n:" + sent["cnonce"].encode())
    message = method + b":" + sent["uri"].encode()
    if content is not None:
        message += b":" + digest(content)
    middle = f":n:{sent['nc']}:{sent['cnonce']}:{sent['qop']}:".encode()
    return digest(secret + middle + digest(message)).decode()


ALGORITHMS = [
    ("MD5", "md5"),
    ("SHA", "sha1"),
    ("SHA-256", "sha256"),
    ("SHA-512", "sha512"),
    ("SHA-512-256", "sha512_256"),
]


@pytest.mark.parametrize("session", ["", "-sess"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
@pytest.mark.parametrize("name, hash_name", ALGORITHMS)
def test_the_proof_is_that_of_rfc_7616(name: str, hash_name: str, qop: str, session: str) -> None:
    request = Request("POST", URL, content=b"content")
    response = challenged(f'Digest realm="r", nonce="n", qop="{qop}", algorithm={name}{session}')
    sent = answered(DigestAuth("user", "secret"), request, response)
    content = b"content" if qop == "auth-int" else None
    assert sent["response"] == expected(hash_name, sent, b"POST", content)
    assert (sent["uri"], sent["qop"], sent["nc"]) == ("/dir?x=1", qop, "00000001")


def test_the_example_of_rfc_7616_section_3_9_1() -> None:
    class Example(DigestAuth):
        def _get_client_nonce(self, nonce_count: int, nonce: bytes) -> bytes:
            return b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"

    rest = 'realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"'
    found = [
        answered(
            Example("Mufasa", "Circle of Life"),
            Request("GET", "http://www.example.org/dir/index.html"),
            challenged(f"Digest {rest}, algorithm={algorithm}"),
        )["response"]
        for algorithm in ("MD5", "SHA-256")
    ]
    assert found == [
        "8ca523f5e9506fed4657c9700eebdbec",
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    ]


def test_auth_int_reads_the_content_that_can_be_sent_again(tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with (tmp_path / "file").open("rb") as file:
        request = Request("POST", URL, content=file)
        assert b"".join(request.stream) == b"content"  # type: ignore[arg-type]  # it is a sync stream
        sent = answered(DigestAuth("user", "secret"), request, challenged(INT))
    assert sent["response"] == expected("md5", sent, b"POST", b"content")
    assert request.content == b"content"


def test_auth_int_of_content_that_was_streamed_raises_before_it_is_sent_again() -> None:
    request = Request("POST", URL, content=iter([b"content"]))
    flow = DigestAuth("user", "secret").sync_auth_flow(request)
    next(flow)
    assert list(request.stream) == [b"content"]  # type: ignore[arg-type]  # it is a sync stream
    with pytest.raises(StreamConsumed):
        flow.send(challenged(INT))


def test_auth_int_reads_a_stream_first_once_it_is_known() -> None:
    auth = DigestAuth("user", "secret")
    assert not auth.requires_request_body
    answered(auth, Request("POST", URL, content=b""), challenged(INT))
    assert auth.requires_request_body
    request = Request("POST", URL, content=iter([b"content"]))
    flow = auth.sync_auth_flow(request)
    [(_, sent)] = parse_challenges(next(flow).headers["Authorization"])
    assert sent["response"] == expected("md5", sent, b"POST", b"content")
    assert sent["nc"] == "00000002"


def test_auth_int_in_the_async_world_reads_async_content() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"con"
        yield b"tent"

    auth = DigestAuth("user", "secret")
    answered(auth, Request("POST", URL, content=b""), challenged(INT))
    request = Request("POST", URL, content=pieces())
    flow = auth.async_auth_flow(request)
    [(_, sent)] = parse_challenges(finish(flow.asend(None)).headers["Authorization"])  # type: ignore[arg-type]
    assert sent["response"] == expected("md5", sent, b"POST", b"content")


def test_a_flow_by_hand_without_content_waits_for_the_challenge() -> None:
    auth = DigestAuth("user", "secret")
    answered(auth, Request("POST", URL, content=b""), challenged(INT))
    request = Request("POST", URL, content=iter([b"content"]))
    assert "Authorization" not in next(auth.auth_flow(request)).headers


def test_a_subclass_that_wants_the_content_gets_it_whatever_the_challenge() -> None:
    class Wanting(DigestAuth):
        requires_request_body = True

    auth = Wanting("user", "secret")
    answered(auth, Request("POST", URL, content=b""), challenged(INT.replace("auth-int", "auth")))
    assert auth.requires_request_body
    assert copy.copy(auth).requires_request_body


def test_a_hash_that_this_python_lacks_is_an_algorithm_that_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hashlib, "algorithms_available", {"md5"})
    response = challenged("Digest realm=r, nonce=a, algorithm=SHA-512-256", "Digest realm=r, nonce=b")
    assert answered(DigestAuth("u", "p"), Request("GET", URL), response)["nonce"] == "b"


def test_auth_is_asked_for_again_when_auth_int_is_over() -> None:
    auth = DigestAuth("user", "secret")
    answered(auth, Request("POST", URL, content=b""), challenged(INT))
    answered(auth, Request("POST", URL, content=b""), challenged(INT.replace("auth-int", "auth")))
    assert not auth.requires_request_body


# -- Digest: challenges --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, expected",
    [
        ("", []),
        (" , ,", []),
        ("Basic", [("Basic", {})]),
        ("Negotiate YII=, NTLM", [("Negotiate", {}), ("NTLM", {})]),
        (
            'Basic realm="x, y" , Digest nonce=1,realm = "a\\"b\\\\"',
            [("Basic", {"realm": "x, y"}), ("Digest", {"nonce": "1", "realm": 'a"b\\'})],
        ),
        (", Digest ,realm=a,, nonce=b,", [("Digest", {"realm": "a", "nonce": "b"})]),
        ("Digest REALM=a b/c== , nonce=x=y\t", [("Digest", {"realm": "a b/c==", "nonce": "x=y"})]),
        ('Digest realm="a" nonce="b"', [("Digest", {"": 'realm="a" nonce="b"'})]),
        ('Digest realm="a", nonce="b', [("Digest", {"realm": "a", "": 'nonce="b'})]),
        ("Digest realm=", [("Digest", {})]),
        ("realm=a", []),
        ('"Digest"', []),
    ],
)
def test_challenges_are_told_apart(value: str, expected: Any) -> None:
    """RFC 9110 section 11.6.1."""
    assert parse_challenges(value) == expected


BLANKS = " " * 65000
LONG = {
    "schemes": "a " * 32000,
    "parameters": "Digest " + "a=b," * 16000,
    "commas": " ," * 32000 + '"',
    "a token": "a" * 65000,
    "blanks before a quote": f'Digest a={BLANKS}"',
    "blanks behind a value": f'Digest a=b{BLANKS}"',
    "blanks behind quotes": f'Digest a="b"{BLANKS}"',
    "escapes": 'Digest a="' + '\\"' * 32000,
    "values": "Digest " + "a=b " * 16000 + '"',
    "base64": "Digest " + "a" * 65000 + '=="',
}


@pytest.mark.parametrize("what", LONG)
def test_the_longest_field_is_parsed_in_time(what: str) -> None:
    began = time.process_time()
    parse_challenges(LONG[what])
    assert time.process_time() - began < 1.0


def test_the_first_challenge_that_can_be_answered_is() -> None:
    response = challenged(
        'Digest realm="r", nonce="a", algorithm=X, Digest nonce="b"', 'Digest realm="r", nonce="c"'
    )
    assert answered(DigestAuth("u", "p"), Request("GET", URL), response)["nonce"] == "c"


@pytest.mark.parametrize(
    "value, words",
    [
        ("realm=r", "has no nonce"),
        ("nonce=n", "has no realm"),
        ('realm=r, nonce="n', "is malformed"),
        ("realm=r, nonce=n, algorithm=MD6", "wants the algorithm 'MD6'"),
        ("realm=r, nonce=n, qop=other", "wants the qop 'other'"),
    ],
)
def test_the_error_says_whose_challenge_it_is_and_what_is_wrong(value: str, words: str) -> None:
    request = Request("GET", "https://me:secret@host:8443/dir")
    with pytest.raises(ProtocolError, match=f"https://host:8443 {words}") as caught:
        _challenge_in(challenged(f"Digest {value}"), request)
    assert caught.value.request is request
    assert "secret" not in str(caught.value)


def test_the_error_is_short_whatever_the_server_sends() -> None:
    with pytest.raises(ProtocolError) as caught:
        _challenge_in(challenged(f"Digest realm=r, nonce=n, algorithm={'x' * 60000}"), Request("GET", URL))
    assert len(str(caught.value)) < 200


def test_a_challenge_that_was_refused_is_not_remembered() -> None:
    auth = DigestAuth("u", "p")
    with pytest.raises(ProtocolError):
        answered(auth, Request("GET", URL), challenged("Digest realm=r, nonce=n, qop=other"))
    assert "Authorization" not in next(auth.auth_flow(Request("GET", URL))).headers


@pytest.mark.parametrize("copied", [copy.copy, lambda auth: pickle.loads(pickle.dumps(auth))])
def test_a_copy_waits_for_a_challenge_of_its_own(copied: Any) -> None:
    """Two that count the uses of one nonce look like a replay."""
    auth = DigestAuth("user", "secret")
    answered(auth, Request("POST", URL, content=b""), challenged(INT))
    twin = copied(auth)
    assert not twin.requires_request_body
    assert "Authorization" not in next(twin.auth_flow(Request("GET", URL))).headers
    assert answered(twin, Request("GET", URL), challenged(INT))["nc"] == "00000001"


def test_threads_never_use_a_nonce_with_the_same_count() -> None:
    auth = DigestAuth("user", "secret")
    answered(auth, Request("GET", URL), challenged('Digest realm="r", nonce="n", qop="auth"'))
    counts: list[str] = []

    def ask() -> None:
        for _ in range(200):
            [(_, sent)] = parse_challenges(next(auth.auth_flow(Request("GET", URL))).headers["Authorization"])
            counts.append(sent["nc"])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(counts)) == len(counts) == 1600


def test_quotes_and_backslashes_are_escaped_and_the_proof_is_for_what_they_mean() -> None:
    """RFC 9110 section 5.6.4."""
    request = Request("GET", URL)
    flow = DigestAuth('a"b\\c', "p").auth_flow(request)
    next(flow)
    flow.send(challenged('Digest realm="\\"r\\"", nonce="n"'))
    assert request.headers["Authorization"].startswith(r'Digest username="a\"b\\c", realm="\"r\"", nonce="n"')
    secret = hashlib.md5(b'a"b\\c:"r":p').hexdigest()
    message = hashlib.md5(b"GET:/dir?x=1").hexdigest()
    assert hashlib.md5(f"{secret}:n:{message}".encode()).hexdigest() in request.headers["Authorization"]


# -- auth= ---------------------------------------------------------------------------------------


def test_a_pair_is_basic() -> None:
    auth = build_auth(("user", b"secret"))
    assert isinstance(auth, BasicAuth)
    assert next(auth.auth_flow(Request("GET", URL))).headers["Authorization"] == "Basic dXNlcjpzZWNyZXQ="


def test_a_scheme_is_itself_and_none_is_none() -> None:
    auth = Auth()
    assert build_auth(auth) is auth
    assert build_auth(None) is None


def test_a_function_is_a_scheme() -> None:
    assert isinstance(build_auth(lambda request: request), FunctionAuth)


def test_a_scheme_that_can_be_called_stays_what_it_is() -> None:
    class Callable(BasicAuth):
        def __call__(self) -> None: ...

    assert type(build_auth(Callable("u", "p"))) is Callable


@pytest.mark.parametrize(
    "value", [["user", "secret"], "secret", b"secret", ("secret",), ("user", "secret", 3), 1, {}, False]
)
def test_anything_else_is_a_type_error_that_does_not_show_it(value: Any) -> None:
    with pytest.raises(TypeError, match="auth") as caught:
        build_auth(value)
    assert "secret" not in str(caught.value)


# -- what must not leak --------------------------------------------------------------------------


def test_no_repr_shows_a_password(tmp_path: Any) -> None:
    (tmp_path / "netrc").write_text("machine host login user password secret")
    for auth in (
        BasicAuth("user", "secret"),
        DigestAuth("user", "secret"),
        NetRCAuth(str(tmp_path / "netrc")),
    ):
        assert "secret" not in repr(auth)
        assert "secret" not in repr(auth.sync_auth_flow(Request("GET", URL)))
        assert "secret" not in repr(auth.async_auth_flow(Request("GET", URL)))


@pytest.mark.parametrize(
    "make", [lambda: BasicAuth("u", "secret\ud800"), lambda: DigestAuth("u", "secret\ud800")]
)
def test_what_cannot_be_encoded_is_not_shown(make: Any) -> None:
    with pytest.raises(ValueError, match="surrogate") as caught:
        make()
    assert "secret" not in str(caught.value)
    assert not isinstance(caught.value, UnicodeError)  # it would carry the whole text


def test_a_wrong_type_is_not_shown() -> None:
    with pytest.raises(TypeError) as caught:
        BasicAuth("user", ["secret"])  # type: ignore[arg-type]  # the test
    assert "secret" not in str(caught.value)


# -- flows ---------------------------------------------------------------------------------------


def test_the_async_flow_is_no_async_generator() -> None:
    """So nothing of it is left to the garbage collector, and no loop is told of it."""
    flow = Auth().async_auth_flow(Request("GET", URL))
    assert not inspect.isasyncgen(flow)
    assert not inspect.isasyncgenfunction(Auth.async_auth_flow)


class Noted(Auth):
    """Notes what happens in its flow."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        try:
            yield request
            yield request
        finally:
            self.notes.append("closed")


def test_the_generator_is_closed_before_an_exception_leaves_the_flow() -> None:
    class Failing(Noted):
        requires_response_body = True

    auth = Failing()
    flow = auth.sync_auth_flow(Request("GET", URL))
    next(flow)
    with pytest.raises(StreamConsumed) as caught:
        flow.send(consumed())
    assert auth.notes == ["closed"]
    del caught  # until here it held the frames, and so the generator
    twin = Failing()
    other = twin.async_auth_flow(Request("GET", URL))
    finish(other.asend(None))  # type: ignore[arg-type]
    with pytest.raises(RuntimeError):
        other.asend(consumed()).send(None)
    assert twin.notes == ["closed"]


def consumed() -> Response:
    response = Response(200, content=iter([b"a"]))
    for _ in response.iter_raw():
        pass
    return response


def test_throwing_by_class_and_value_raises_the_value() -> None:
    auth = Noted()
    flow = auth.async_auth_flow(Request("GET", URL))
    finish(flow.asend(None))  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="value"):
        flow.athrow(KeyError, KeyError("value")).send(None)
    assert auth.notes == ["closed"]
