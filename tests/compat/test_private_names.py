"""Private names of httpx that programs import or patch: that they are there, and do what they do in httpx."""

from __future__ import annotations

import importlib
import inspect
import io
import re
import typing
from typing import Any

import pytest

from tests.compat.harness import Lib, patched, same

httpx = pytest.importorskip("httpx")

# Found in public programs and in the libraries of tests/ecosystem: module, and what is imported from it.
NAMES = {
    "_api": "Client delete get head options patch post put request stream",
    "_auth": "Auth BasicAuth DigestAuth FunctionAuth NetRCAuth",
    "_client": "AsyncClient BaseClient Client ClientState EventHook USE_CLIENT_DEFAULT UseClientDefault",
    "_config": "DEFAULT_LIMITS DEFAULT_MAX_REDIRECTS DEFAULT_TIMEOUT_CONFIG Limits Proxy Timeout create_ssl_context",
    "_content": "AsyncIteratorByteStream ByteStream IteratorByteStream encode_json encode_request encode_response",
    "_exceptions": "ConnectError HTTPError HTTPStatusError InvalidURL TimeoutException request_context",
    "_models": "Cookies Headers Request Response",
    "_multipart": "MultipartStream",
    "_status_codes": "codes",
    "_transports": "ASGITransport AsyncHTTPTransport HTTPTransport MockTransport WSGITransport default",
    "_transports.asgi": "ASGITransport",
    "_transports.base": "AsyncBaseTransport BaseTransport",
    "_transports.default": "AsyncHTTPTransport HTTPTransport create_ssl_context",
    "_transports.mock": "MockTransport",
    "_transports.wsgi": "WSGITransport",
    "_types": (
        "AsyncByteStream AuthTypes CertTypes CookieTypes FileContent FileTypes HeaderTypes ProxyTypes QueryParamTypes"
        " RequestContent RequestData RequestExtensions RequestFiles SyncByteStream TimeoutTypes URLTypes"
    ),
    "_urlparse": "MAX_URL_LENGTH",
    "_urls": "QueryParams URL",
    "_utils": "URLPattern get_environment_proxies primitive_value_to_str to_bytes to_str",
}


def module_of(library: Any, name: str) -> Any:
    return importlib.import_module(f"{library.__name__}.{name}")


def kind(value: Any) -> str:
    """What an import gives, as far as a program can use it: aliases of types differ in how they are written."""
    if typing.get_origin(value) is not None:
        return "type alias"
    if inspect.isclass(value):
        return "class"
    return type(value).__name__ if inspect.ismodule(value) or inspect.isfunction(value) else "value"


@pytest.mark.parametrize("module", NAMES)
@same("a name that programs import from a private module is not there")
def test_private_names_are_there(httpx: Any, module: str) -> Any:
    return {name: kind(getattr(module_of(httpx, module), name)) for name in NAMES[module].split()}


@same("the public class and the one in the private module are two")
def test_private_modules_have_the_public_classes(httpx: Any) -> Any:
    return [
        (name, getattr(module_of(httpx, module), name) is getattr(httpx, name))
        for module, names in NAMES.items()
        for name in names.split()
        if name in httpx.__all__
    ]


@same("USE_CLIENT_DEFAULT is of another class than UseClientDefault")
def test_use_client_default(httpx: Any) -> Any:
    client = module_of(httpx, "_client")
    return isinstance(
        httpx.USE_CLIENT_DEFAULT, client.UseClientDefault
    ), client.USE_CLIENT_DEFAULT is httpx.USE_CLIENT_DEFAULT


@same("DEFAULT_TIMEOUT_CONFIG is not what clients and top-level functions have for a default")
def test_default_timeout_config(httpx: Any) -> Any:
    config = module_of(httpx, "_config")
    default = inspect.signature(httpx.Client).parameters["timeout"].default
    return (
        default is config.DEFAULT_TIMEOUT_CONFIG,
        httpx.Client().timeout == config.DEFAULT_TIMEOUT_CONFIG,
        config.DEFAULT_LIMITS,
    )


@same("a request does not take its transport from _transport_for_url of the class")
async def test_transport_for_url_may_be_patched(lib: Lib) -> Any:
    """respx does so."""
    client_class = lib.httpx.AsyncClient if lib.is_async else lib.httpx.Client
    seen = []

    def instead(self: Any, url: Any) -> Any:
        seen.append(url)
        return lib.httpx.MockTransport(lambda request: lib.httpx.Response(200, text="mocked"))

    async with lib.client() as client:
        with patched(client_class, "_transport_for_url", instead):
            text = (await client.get("http://host/path")).text
    return text, seen


@same("_transport_for_url does not give the mounted transport, or the client's own")
async def test_transport_for_url_gives_the_transport(lib: Lib) -> Any:
    mounted = lib.httpx.MockTransport(lambda request: lib.httpx.Response(200))
    async with lib.client(mounts={"all://example.org": mounted}) as client:
        url = lib.httpx.URL
        return (
            client.inner._transport_for_url(url("https://example.org/a")) is mounted,
            client.inner._transport_for_url(url("https://example.com/a")) is client.inner._transport,
        )


@same("_mounts is not a dict from patterns to transports")
async def test_mounts_may_be_gone_through(lib: Lib) -> Any:
    """Instrumentation wraps each of them."""
    mounted = lib.httpx.MockTransport(lambda request: lib.httpx.Response(200))
    async with lib.client(mounts={"all://b.org": None, "https://a.org:8443": mounted}) as client:
        return [(key.pattern, value is mounted) for key, value in client.inner._mounts.items()]


@pytest.mark.parametrize("url", ["a", "/a", "http://other/a", "?b=c", ""])
@same("_merge_url joins a URL to the base URL in another way")
async def test_merge_url(lib: Lib, url: str) -> Any:
    async with lib.client(base_url="http://host/base/") as client:
        return client.inner._merge_url(url), client.inner._merge_url(lib.httpx.URL(url))


@same("a subclass that overrides _merge_url is not asked")
async def test_merge_url_may_be_overridden(lib: Lib) -> Any:
    client_class = lib.httpx.AsyncClient if lib.is_async else lib.httpx.Client
    before = client_class._merge_url

    def instead(self: Any, url: Any) -> Any:
        return before(self, f"/prefix{url}")

    with patched(client_class, "_merge_url", instead):
        async with lib.client(base_url="http://host") as client:
            return client.inner.build_request("GET", "/a").url


@same("the state of a client has other names, or another life")
async def test_the_state_of_a_client(lib: Lib) -> Any:
    client = lib.client(transport=lib.httpx.MockTransport(lambda request: lib.httpx.Response(200)))
    states = module_of(lib.httpx, "_client").ClientState
    seen = [client.inner._state]
    await client.get("http://host/")
    seen.append(client.inner._state)
    await client.close()
    return [state.name for state in [*seen, client.inner._state]], client.inner._state is states.CLOSED


@same("a response keeps its request elsewhere than in _request")
def test_the_request_of_a_response(httpx: Any) -> Any:
    request = httpx.Request("GET", "http://host/")
    response = httpx.Response(200, request=request)
    bare = httpx.Response(200)
    before = bare._request
    bare._request = request
    return response._request is request, before, bare.request is request


@same("the content of a response cannot be deleted and read again")
def test_the_content_of_a_response_may_be_deleted(httpx: Any) -> Any:
    response = httpx.Response(200, content=b"content")
    del response._content
    try:
        content = response.content
    except httpx.ResponseNotRead:
        content = None
    response._content = b"other"
    return content, response.content, response.text


@same("the content of a request is kept elsewhere than in _content")
def test_the_content_of_a_request_may_be_replaced(httpx: Any) -> Any:
    request = httpx.Request("POST", "http://host/", content=b"content")
    request._content = b"other"
    request.stream = module_of(httpx, "_content").ByteStream(b"other")
    return request.content, list(request.stream)


@same("the content streams do not iterate what they are given")
def test_the_content_streams(httpx: Any) -> Any:
    content = module_of(httpx, "_content")
    streams = (content.IteratorByteStream([b"a", b"b"]), content.IteratorByteStream(io.BytesIO(b"file")))
    return [list(stream) for stream in streams], list(content.ByteStream(b"bytes"))


@same("MultipartStream takes its arguments in another order, or writes other bytes")
def test_multipart_stream_by_position(httpx: Any) -> Any:
    multipart = module_of(httpx, "_multipart")
    stream = multipart.MultipartStream({"a": "1"}, {"f": ("n.txt", b"x", "text/plain")}, b"boundary")
    return b"".join(stream), stream.get_headers()


@same("the default boundary is not made of lower case hexadecimal digits")
def test_multipart_stream_makes_a_boundary(httpx: Any) -> Any:
    stream = module_of(httpx, "_multipart").MultipartStream({}, {"f": b"x"})
    boundary = stream.boundary
    return bool(re.fullmatch(rb"[0-9a-f]{32}", boundary)), b"--" + boundary in b"".join(stream)


@same("request_context does not tell an error its request")
def test_request_context(httpx: Any) -> Any:
    context = module_of(httpx, "_exceptions").request_context
    request = httpx.Request("GET", "http://host/")
    with context(request=request):
        raise httpx.ReadError("broken")


@same("request_context without a request takes away the one that is there")
def test_request_context_without_a_request(httpx: Any) -> Any:
    own = httpx.Request("GET", "http://host/own")
    with module_of(httpx, "_exceptions").request_context():
        raise httpx.ReadError("broken", request=own)


@same("the error of the operating system is not the context of the cause of a ConnectError")
async def test_the_os_error_behind_a_connect_error(lib: Lib) -> Any:
    try:
        await lib.client().get("http://127.0.0.1:1/")
    except lib.httpx.ConnectError as exc:
        return isinstance(exc.__cause__.__context__, OSError)


@same("a transport has no _pool")
def test_the_pool_of_a_transport(httpx: Any) -> Any:
    return [hasattr(transport(), "_pool") for transport in (httpx.HTTPTransport, httpx.AsyncHTTPTransport)]


@same("the requests of a pool cannot be counted, or count when they are over")
async def test_the_requests_of_a_pool(lib: Lib) -> Any:
    """Tests of generated API clients look for leaks there."""
    async with lib.client() as client:
        pool = client.inner._transport._pool
        counts = [len(pool._requests)]
        async with client.stream("GET", lib.site.url + "/a") as answer:
            counts.append(len(pool._requests))
            await answer.read()
        counts.append(len(pool._requests))
    return counts


@same("_uri_reference does not have the components as they are on the wire")
def test_the_components_of_a_url(httpx: Any) -> Any:
    urls = ("https://u:p@example.com:8443/a%20b?q#f", "http://example.com", "/a", "http://[::1]/é")
    names = ("scheme", "userinfo", "host", "port", "path", "query", "fragment")
    return [[getattr(httpx.URL(url)._uri_reference, name) for name in names] for url in urls]


@same("_list of Headers does not have each field as it came, with its lower-case name")
def test_the_list_of_headers(httpx: Any) -> Any:
    """pytest-httpx writes them into its messages."""
    return httpx.Headers([("X-A", "1"), (b"x-a", b"\xff"), ("B", "")])._list


@same("get_environment_proxies reads other variables, or makes other patterns of them")
def test_get_environment_proxies(httpx: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "example.org,127.0.0.1")
    return module_of(httpx, "_utils").get_environment_proxies()


@pytest.mark.parametrize("value", [True, False, None, 1, 1.5, "text"])
@same("a primitive value is written otherwise")
def test_primitive_value_to_str(httpx: Any, value: Any) -> Any:
    return module_of(httpx, "_utils").primitive_value_to_str(value)


@same("to_bytes or to_str convert what needs no conversion, or with another charset")
def test_to_bytes_and_to_str(httpx: Any) -> Any:
    utils = module_of(httpx, "_utils")
    return (
        utils.to_bytes("é"),
        utils.to_bytes(b"\xff"),
        utils.to_str(b"\xc3\xa9"),
        utils.to_str("é"),
        utils.to_bytes("é", "latin-1"),
    )


@same(
    "the types of signatures can be evaluated",
    differs="`typing.get_type_hints(Client.get)` raises `NameError`",
)
def test_the_types_of_a_signature(httpx: Any) -> Any:
    return sorted(typing.get_type_hints(httpx.Client.get))


@same("the types of the arguments of a client can be evaluated")
def test_the_types_of_the_signature_of_a_client(httpx: Any) -> Any:
    return sorted(typing.get_type_hints(httpx.Client.__init__))
