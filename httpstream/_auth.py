"""Authentication: flows that add credentials to a request and answer the challenges of responses.

A flow yields requests and is sent their responses; it knows no client, no connection and no redirect.
Credentials stand in no message and no repr. RFC 9110 section 11, RFC 7617 (Basic), RFC 7616 (Digest).
"""

from __future__ import annotations

import os
from binascii import b2a_base64
from collections.abc import AsyncGenerator
from itertools import count

from ._exceptions import LocalProtocolError, ProtocolError

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from ._models.request import Request
    from ._models.response import Response

__all__ = ["Auth", "BasicAuth", "DigestAuth", "FunctionAuth", "NetRCAuth", "build_auth"]


class Auth:
    """Base of all schemes: subclasses override `auth_flow`, which yields each request that is to be sent.

    requires_request_body, requires_response_body: class attributes; True: the content is read into memory
    before the flow sees the request, or the response. A scheme that waits (for a file, a lock, a token from
    elsewhere) overrides `sync_auth_flow` and `async_auth_flow` instead.
    """

    __module__ = "httpstream"

    requires_request_body = False
    requires_response_body = False

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """A generator: ``response = yield request`` sends a request, as often as needed.

        The last response goes to the caller; the others are read and stand in its ``history``.
        """
        yield request

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """What `Client` drives: `auth_flow`, with content read where the scheme needs it."""
        if self.requires_request_body:
            request.read()
        flow = self.auth_flow(request)
        try:
            to_send = _first_of(flow)
            while True:
                response = yield to_send
                if self.requires_response_body:
                    response.read()
                if self._answers_with_content(request, response):
                    request.read()
                try:
                    to_send = flow.send(response)
                except StopIteration:
                    return
        finally:
            flow.close()

    def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """What `AsyncClient` drives: `auth_flow`, with content read where the scheme needs it.

        Overriding it by an async generator function is fine: the client closes it explicitly.
        """
        return _AsyncFlow(self, request)

    def _answers_with_content(self, request: Request, response: Response) -> bool:
        """Whether the request's content must be in memory before the flow gets this response."""
        return False


class _AsyncFlow(AsyncGenerator["Request", "Response"]):
    """`Auth.auth_flow` in the async world. A class: when async generators are finalised is uncertain."""

    __slots__ = ("_auth", "_ended", "_flow", "_request")

    def __init__(self, auth: Auth, request: Request) -> None:
        self._auth = auth
        self._request = request
        self._flow: Generator[Request, Response, None] | None = None
        self._ended = False

    async def asend(self, response: Any) -> Request:
        """The next request. response: of the one before; None for the first. Raises StopAsyncIteration at the end."""
        if self._ended:
            raise StopAsyncIteration
        if self._flow is None and response is not None:
            raise TypeError("an auth flow that has not yielded a request yet cannot be sent a response")
        try:
            if self._flow is None:
                if self._auth.requires_request_body:
                    await self._request.aread()
                self._flow = self._auth.auth_flow(self._request)
                return _first_of(self._flow)
            if self._auth.requires_response_body:
                await response.aread()
            if self._auth._answers_with_content(self._request, response):
                await self._request.aread()
            return self._flow.send(response)
        except StopIteration:
            self._end()
            raise StopAsyncIteration from None
        except BaseException:
            self._end()
            raise

    async def athrow(self, typ: Any, val: Any = None, tb: Any = None) -> Request:
        """End the flow and raise the exception."""
        self._end()
        raise typ if val is None else val

    async def aclose(self) -> None:
        """End the flow; again is harmless."""
        self._end()

    def _end(self) -> None:
        self._ended = True
        if self._flow is not None:
            self._flow.close()


def _first_of(flow: Generator[Request, Response, None]) -> Request:
    try:
        return next(flow)
    except StopIteration:
        raise RuntimeError("an auth flow ended before it had yielded a request") from None


class FunctionAuth(Auth):
    """A function as a scheme: it gets the request and returns the one to send. ``auth=function`` makes one."""

    def __init__(self, func: Callable[[Request], Request]) -> None:
        self._func = func

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        yield self._func(request)


class BasicAuth(Auth):
    """Name and password in the clear, with every request: safe over https only. RFC 7617.

    username, password: a str is sent as UTF-8. ``auth=(username, password)`` makes one.
    """

    __module__ = "httpstream"

    def __init__(self, username: str | bytes, password: str | bytes) -> None:
        self._auth_header = _basic(username, password)

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        request.headers["Authorization"] = self._auth_header
        yield request


class NetRCAuth(Auth):
    """Basic credentials from a netrc file, by the host of each request's URL.

    file: its path; None: ``.netrc`` in the home directory. Raises FileNotFoundError, and
    ``netrc.NetrcParseError``. The credentials of a URL that has its own win; where neither has any, nothing
    is added.
    """

    __module__ = "httpstream"

    def __init__(self, file: str | None = None) -> None:
        import netrc

        self._netrc_info = netrc.netrc(file)

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        url = request.url
        if url.username or url.password:
            request.headers["Authorization"] = _basic(url.username, url.password)
        else:
            entry = self._netrc_info.authenticators(url.host)
            if entry is not None and entry[2]:
                request.headers["Authorization"] = _basic(entry[0], entry[2])
        yield request


class DigestAuth(Auth):
    """Proof of a password without sending it, in answer to a server's challenge. RFC 7616.

    username, password: a str counts as UTF-8. The server answers the first request by 401, and it is sent
    again with the proof; from then on each request carries one at once, until the server asks anew. Knows
    MD5, SHA, SHA-256, SHA-512, SHA-512-256, and ``-sess`` of each; qop ``auth``, and ``auth-int`` where
    nothing else is offered: then the request's content is read into memory. A challenge that is malformed,
    or of another algorithm or qop, raises ProtocolError.
    """

    __module__ = "httpstream"

    def __init__(self, username: str | bytes, password: str | bytes) -> None:
        self._username = _to_bytes(username)
        self._password = _to_bytes(password)
        self._last_challenge: _Challenge | None = None

    def __getstate__(self) -> dict[str, Any]:
        # A copy waits for a challenge of its own: two that count the uses of one nonce look like a replay.
        state = {**self.__dict__, "_last_challenge": None}
        state.pop("requires_request_body", None)
        return state

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        known = self._last_challenge
        if known is not None and (known.qop != b"auth-int" or hasattr(request, "_content")):
            request.headers["Authorization"] = self._answer(known, request)
        response = yield request
        challenge = _challenge_in(response, request)
        if challenge is None:
            return
        request.headers["Authorization"] = self._answer(challenge, request)
        self.requires_request_body = type(self).requires_request_body or challenge.qop == b"auth-int"
        self._last_challenge = challenge
        if "set-cookie" in response.headers:
            response.cookies.set_cookie_header(request)  # some servers look for the challenge in a session
        yield request

    def _answers_with_content(self, request: Request, response: Response) -> bool:
        challenge = _challenge_in(response, request)
        return challenge is not None and challenge.qop == b"auth-int"

    def _answer(self, challenge: _Challenge, request: Request) -> str:
        """The value of the Authorization field. RFC 7616 section 3.4."""
        realm, nonce, qop, digest = challenge.realm, challenge.nonce, challenge.qop, challenge.digest
        uses = next(challenge.uses)
        nc = b"%08x" % uses
        cnonce = self._get_client_nonce(uses, nonce)
        target = request.url.raw_path
        secret = digest(b":".join((self._username, realm, self._password)))
        if challenge.algorithm.lower().endswith("-sess"):
            secret = digest(b":".join((secret, nonce, cnonce)))
        message = [request.method.encode("utf-8", "replace"), target]
        if qop == b"auth-int":
            message.append(digest(request.content))
        proof = [secret, nonce, digest(b":".join(message))]
        if qop is not None:
            proof[2:2] = [nc, cnonce, qop]
        fields = [
            b"username=" + _quoted(self._username),
            b"realm=" + _quoted(realm),
            b"nonce=" + _quoted(nonce),
            b"uri=" + _quoted(target),
            b"response=" + _quoted(digest(b":".join(proof))),
            b"algorithm=" + challenge.algorithm.encode(),
        ]
        if challenge.opaque:
            fields.append(b"opaque=" + _quoted(challenge.opaque))
        if qop is not None:
            fields += [b"qop=" + qop, b"nc=" + nc, b"cnonce=" + _quoted(cnonce)]
        try:
            return "Digest " + b", ".join(fields).decode()
        except UnicodeDecodeError:
            raise LocalProtocolError(
                "the username of DigestAuth, given as bytes, is not UTF-8", request=request
            ) from None

    def _get_client_nonce(self, nonce_count: int, nonce: bytes) -> bytes:
        return os.urandom(8).hex().encode()


# What a challenge calls an algorithm, without "-SESS", and what hashlib does.
_ALGORITHMS = {
    "MD5": "md5",
    "SHA": "sha1",
    "SHA-256": "sha256",
    "SHA-512": "sha512",
    "SHA-512-256": "sha512_256",
}


class _Challenge:
    """A Digest challenge that can be answered; ``uses`` counts the answers, from 1."""

    __slots__ = ("_hash", "algorithm", "nonce", "opaque", "qop", "realm", "uses")

    def __init__(self, parameters: dict[str, str]) -> None:
        """Raises ValueError, which says what is wrong."""
        import hashlib

        if "" in parameters:
            raise ValueError("is malformed")
        for name in ("realm", "nonce"):
            if name not in parameters:
                raise ValueError(f"has no {name}")
        self.realm = parameters["realm"].encode()
        self.nonce = parameters["nonce"].encode()
        self.opaque = parameters.get("opaque", "").encode()
        self.algorithm = parameters.get("algorithm", "MD5")
        hash_name = _ALGORITHMS.get(self.algorithm.upper().removesuffix("-SESS"), "")
        if hash_name not in hashlib.algorithms_available:
            raise ValueError(f"wants the algorithm {self.algorithm[:40]!r}, which is not known")
        self._hash = hash_name
        self.qop: bytes | None = None
        if "qop" in parameters:
            offered = [one.strip() for one in parameters["qop"].split(",")]
            if "auth" in offered:
                self.qop = b"auth"
            elif "auth-int" in offered:
                self.qop = b"auth-int"
            else:
                raise ValueError(f"wants the qop {parameters['qop'][:40]!r}, which is not known")
        self.uses = count(1)  # next() on it is atomic: no two threads use one number

    def digest(self, data: bytes) -> bytes:
        """The hash of data, as hexadecimal digits."""
        import hashlib

        return hashlib.new(self._hash, data, usedforsecurity=False).hexdigest().encode()


def _challenge_in(response: Response, request: Request) -> _Challenge | None:
    """The first Digest challenge of a response that can be answered; None: it has no Digest challenge.

    Raises ProtocolError when it has, and none of them can be answered.
    """
    if response.status_code != 401:
        return None
    from ._challenges import parse_challenges

    refused: ValueError | None = None
    for value in response.headers.get_list("www-authenticate"):
        for scheme, parameters in parse_challenges(value):
            if scheme.lower() == "digest" and parameters:
                try:
                    return _Challenge(parameters)
                except ValueError as exc:
                    refused = refused or exc
    if refused is None:
        return None
    origin = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
    raise ProtocolError(f"the Digest challenge of {origin} {refused}", request=request) from None


def build_auth(value: Any) -> Auth | None:
    """The scheme that ``auth=`` stands for: an Auth, (username, password), a function, or None.

    Raises TypeError; it does not show the value, which may be a password.
    """
    if value is None or isinstance(value, Auth):
        return value
    if isinstance(value, tuple):
        if len(value) != 2:
            raise TypeError(f"auth must have a username and a password; the tuple has {len(value)} items")
        return BasicAuth(*value)
    if callable(value):
        return FunctionAuth(value)
    raise TypeError(f"auth must be (username, password), a function or an Auth, not {type(value).__name__}")


def _to_bytes(value: str | bytes) -> bytes:
    if not isinstance(value, str):
        return value
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ValueError("a username or password has a lone surrogate, which no text can have") from None


def _basic(username: str | bytes, password: str | bytes) -> str:
    pair = b":".join((_to_bytes(username), _to_bytes(password)))
    return "Basic " + b2a_base64(pair, newline=False).decode("ascii")


def _quoted(value: bytes) -> bytes:
    """A quoted-string (RFC 9110 section 5.6.4)."""
    return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
