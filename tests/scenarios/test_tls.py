"""TLS over the client: verified by default, names from subjectAltName alone, nothing sent before
verification.
"""

from __future__ import annotations

import socket
import ssl
import subprocess

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

import httpstream
from httpstream import ConnectError
from tests.dialogue import HELLO, check_error, check_next_request
from tests.servers.steps import expect_end, expect_request, ignore_until_end, send, serve, without_tls


async def test_a_context_of_the_callers_is_used(world, fault_server, authority):
    server = fault_server(tls=authority.server_context())
    async with world.client(verify=authority.client_context()) as client:
        await check_next_request(client, server)
        response = await client.get(server.url + "/a")
        assert response.http_version == "HTTP/1.1"
    assert len(server.peers) == 1


async def test_a_certificate_file_is_used(world, fault_server, authority):
    """verify= as a path: httpx accepts it, with a warning."""
    server = fault_server(tls=authority.server_context())
    with pytest.warns(DeprecationWarning, match="verify"):
        client = world.client(verify=str(authority.ca_file))
    async with client:
        await check_next_request(client, server)


async def test_an_unknown_authority_is_refused_before_anything_is_sent(world, fault_server, authority):
    server = fault_server(tls=authority.server_context(), strict=False)
    async with world.client() as client:
        with pytest.raises(ConnectError) as caught:
            await client.get(server.url + "/secret")
        check_error(caught.value, server, ConnectError, "certificate")
        assert isinstance(caught.value.__cause__, ssl.SSLError)
    assert not any(server.received)


async def test_another_name_is_refused_before_anything_is_sent(world, fault_server, authority):
    server = fault_server(tls=authority.server_context("other.example"), strict=False)
    async with world.client(verify=authority.client_context()) as client:
        with pytest.raises(ConnectError) as caught:
            await client.get(server.url + "/secret")
        check_error(caught.value, server, ConnectError, "certificate|name|address")
    assert not any(server.received)


async def test_the_common_name_is_not_a_name(world, fault_server, authority):
    """RFC 9110 section 4.3.4, RFC 9525: only subjectAltName counts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.ca.issue_cert("other.example", common_name="localhost").configure_cert(context)
    server = fault_server(tls=context, strict=False)
    url = server.url.replace("127.0.0.1", "localhost")
    async with world.client(verify=authority.client_context()) as client:
        with pytest.raises(ConnectError):
            await client.get(url + "/secret")
    assert not any(server.received)


async def test_without_verification_any_certificate_will_do(world, fault_server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("other.example").configure_cert(context)
    server = fault_server(tls=context)
    async with world.client(verify=False) as client:
        await check_next_request(client, server)


async def test_the_name_of_the_url_is_sent_and_verified(world, fault_server, authority):
    """RFC 6066: a host name goes out as server name indication, an address does not."""
    asked = []
    context = authority.server_context("localhost", fresh=True)
    context.sni_callback = lambda sock, name, ctx: asked.append(name)
    server = fault_server(tls=context)
    async with world.client(verify=authority.client_context()) as client:
        response = await client.get(server.url.replace("127.0.0.1", "localhost") + "/a")
        assert response.text == "GET /a"
    assert asked == ["localhost"]


@pytest.mark.parametrize("form", ["one file", "two files", "with password"])
async def test_a_client_certificate_is_shown(world, fault_server, authority, form, tmp_path):
    """cert=: a path, or (path, key), or (path, key, password). httpx deprecated it and keeps it."""
    context = authority.server_context("127.0.0.1", fresh=True)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(context)
    chain, key = authority.certificate_files("client.example")
    if form == "one file":
        both = tmp_path / "both.pem"
        both.write_bytes(key.read_bytes() + chain.read_bytes())
        cert = str(both)
    elif form == "two files":
        cert = (str(chain), str(key))
    else:
        cert = (str(chain), str(locked(key, tmp_path)), "word")
    server = fault_server(tls=context)
    with pytest.warns(DeprecationWarning, match="cert|verify"):
        client = world.client(verify=str(authority.ca_file), cert=cert)
    async with client:
        await check_next_request(client, server)


def locked(key, folder):
    """The key again, encrypted with the password "word"."""
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    path = folder / "locked.key"
    path.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
    )
    return path


async def test_a_missing_client_certificate_is_a_transport_error(world, fault_server, authority):
    """TLS 1.3 says so only after the handshake: then it is a read or write error, never an ssl.SSLError."""
    context = authority.server_context("127.0.0.1", fresh=True)
    context.verify_mode = ssl.CERT_REQUIRED
    server = fault_server(tls=context, strict=False)
    async with world.client(verify=authority.client_context()) as client:
        with pytest.raises(httpstream.TransportError) as caught:
            await client.get(server.url + "/a")
        assert server.url.partition("//")[2] in str(caught.value)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("trust_env", [True, False])
async def test_the_environment_names_the_authorities(
    world, fault_server, authority, monkeypatch, tmp_path, variable, trust_env
):
    """Only under trust_env."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if variable == "SSL_CERT_DIR":
        (tmp_path / "ca.pem").write_bytes(authority.ca_file.read_bytes())
        subprocess.run(["openssl", "rehash", str(tmp_path)], check=True)
    monkeypatch.setenv(variable, str(authority.ca_file if variable == "SSL_CERT_FILE" else tmp_path))
    server = fault_server(tls=authority.server_context(), strict=False)
    async with world.client(trust_env=trust_env) as client:
        if trust_env:
            await check_next_request(client, server)
        else:
            with pytest.raises(ConnectError):
                await client.get(server.url + "/a")


async def test_tls_1_1_is_refused(world, fault_server, authority):
    context = authority.server_context("127.0.0.1", fresh=True)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    server = fault_server(tls=context, strict=False)
    async with world.client(verify=False) as client:
        with pytest.raises(ConnectError) as caught:
            await client.get(server.url + "/a")
        assert "TLS" in str(caught.value) or "version" in str(caught.value)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_tls_1_2_and_1_3_are_spoken(world, fault_server, authority, version):
    context = authority.server_context("127.0.0.1", fresh=True)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    server = fault_server([serve()], tls=context, then=None)
    async with world.client(verify=authority.client_context()) as client:
        await check_next_request(client, server)
        async with client.stream("GET", server.url + "/a") as answer:
            network = answer.extensions["network_stream"]
            assert network.get_extra_info("ssl_object").version() == version.replace("_", ".")
            await answer.read()


async def test_session_tickets_do_not_end_an_idle_connection(world, fault_server, authority):
    """TLS 1.3 tickets make a healthy idle connection readable; they are not data."""
    context = authority.server_context("127.0.0.1", fresh=True)
    context.num_tickets = 8
    server = fault_server([serve()], tls=context, then=None)
    async with world.client(verify=authority.client_context()) as client:
        for _ in range(3):
            await check_next_request(client, server)
    assert len(server.peers) == 1


async def test_a_context_of_the_callers_is_not_changed(world, fault_server, authority):
    context = authority.client_context()
    before = (context.verify_mode, context.check_hostname, context.options, context.minimum_version)
    server = fault_server(tls=authority.server_context())
    async with world.client(verify=context) as client:
        await check_next_request(client, server)
    assert (context.verify_mode, context.check_hostname, context.options, context.minimum_version) == before


async def test_two_clients_with_other_settings_share_no_connection(world, fault_server, authority):
    server = fault_server(tls=authority.server_context())
    async with (
        world.client(verify=authority.client_context()) as trusting,
        world.client(verify=False) as careless,
    ):
        await check_next_request(trusting, server)
        await check_next_request(careless, server)
    assert len(server.peers) == 2


async def test_a_plain_request_to_a_tls_port_is_a_documented_error(world, fault_server, authority):
    server = fault_server(
        [without_tls(), expect_request("GET /a"), send(b"\x15\x03\x01\x00\x02\x02\x16"), expect_end()],
        tls=authority.server_context(),
    )
    async with world.client() as client:
        url = server.url.replace("https", "http")
        with pytest.raises(httpstream.RemoteProtocolError) as caught:
            await client.get(url + "/a")
        assert url in str(caught.value)


async def test_a_damaged_record_is_a_read_error(world, fault_server, authority):
    """Never an ssl.SSLError."""

    def send_garbage(peer):
        socket.socket.send(peer.sock, b"\x17\x03\x03\x00\x20" + b"x" * 32)

    script = [expect_request("GET /a"), send(HELLO[:-2]), send_garbage, ignore_until_end()]
    server = fault_server(script, tls=authority.server_context())
    async with world.client(verify=authority.client_context()) as client:
        with pytest.raises(httpstream.ReadError) as caught:
            await client.get(server.url + "/a")
        check_error(caught.value, server, httpstream.ReadError, "TLS|SSL|record|decrypt")
        await check_next_request(client, server)
