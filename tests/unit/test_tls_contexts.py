"""TLS contexts: what they trust, what they refuse, and which of them are shared."""

from __future__ import annotations

import re
import ssl
import subprocess
from pathlib import Path
from typing import Any

import certifi
import pytest

from httpstream._exceptions import ConnectError
from httpstream._network.tls import create_context, default_context, set_alpn


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


def trusted(context: ssl.SSLContext) -> int:
    """How many authorities the context has loaded."""
    return context.cert_store_stats()["x509_ca"]


@pytest.fixture
def certificates(authority: Any, tmp_path: Path) -> Path:
    """A directory of certificates as OpenSSL wants it."""
    (tmp_path / "ca.pem").write_bytes(authority.ca_file.read_bytes())
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True)
    return tmp_path


def test_the_default_verifies_against_certifi():
    context = create_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    number = len(re.findall("BEGIN CERTIFICATE", Path(certifi.where()).read_text()))
    assert trusted(context) == number


@pytest.mark.parametrize("verify", [True, False])
def test_nothing_below_tls_1_2_and_no_common_names(verify):
    context = create_context(verify)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert not context.hostname_checks_common_name


def test_verify_false_verifies_nothing():
    context = create_context(False)
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname


def test_a_context_is_returned_itself_and_unchanged():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    before = (
        context.minimum_version,
        context.options,
        context.verify_mode,
        context.hostname_checks_common_name,
    )
    assert create_context(context) is context
    assert before == (
        context.minimum_version,
        context.options,
        context.verify_mode,
        context.hostname_checks_common_name,
    )


def test_a_path_is_a_file_of_certificates_and_deprecated(authority):
    with pytest.warns(DeprecationWarning, match="verify") as caught:
        context = create_context(str(authority.ca_file))
    assert trusted(context) == 1
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="verify"):
        assert trusted(create_context(authority.ca_file)) == 1


def test_a_path_can_be_a_directory_of_certificates(certificates):
    """OpenSSL reads it when it needs a certificate, so none is counted yet."""
    with pytest.warns(DeprecationWarning, match="verify"):
        context = create_context(str(certificates))
    assert trusted(context) == 0
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_path_that_is_not_there_is_an_error_where_it_was_given(tmp_path):
    with pytest.warns(DeprecationWarning, match="verify"), pytest.raises(FileNotFoundError):
        create_context(str(tmp_path / "nothing"))


def test_what_is_no_verification_is_refused():
    with pytest.raises(TypeError), pytest.warns(DeprecationWarning, match="verify"):
        create_context(7)  # type: ignore[arg-type] # the point


def test_the_environment_names_the_certificates(monkeypatch, authority):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    assert trusted(create_context()) == 1
    assert trusted(create_context(trust_env=False)) > 1


def test_the_environment_names_a_directory(monkeypatch, certificates):
    monkeypatch.setenv("SSL_CERT_DIR", str(certificates))
    assert trusted(create_context()) == 0
    assert trusted(create_context(trust_env=False)) > 1


def test_a_file_in_the_environment_wins_over_a_directory(monkeypatch, authority, certificates):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    monkeypatch.setenv("SSL_CERT_DIR", str(certificates))
    assert trusted(create_context()) == 1


@pytest.mark.parametrize("form", ["one file", "two files", "two files and a password"])
def test_a_client_certificate_is_loaded_and_deprecated(authority, tmp_path, form):
    chain, key = authority.certificate_files("client.test")
    if form == "one file":
        both = tmp_path / "both.pem"
        both.write_bytes(key.read_bytes() + chain.read_bytes())
        cert: Any = str(both)
    else:
        cert = (str(chain), str(key), "not needed")[: 2 if form == "two files" else 3]
    with pytest.warns(DeprecationWarning, match="cert"):
        create_context(cert=cert)
    with pytest.warns(DeprecationWarning, match="cert"), pytest.raises(OSError):
        create_context(cert=(str(chain), str(chain)))


def test_default_contexts_are_shared_and_keyed_by_alpn(monkeypatch, authority):
    shared = default_context()
    assert default_context() is shared
    assert default_context(["http/1.1"]) is shared
    assert default_context(["h2", "http/1.1"]) is not shared
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    assert default_context(trust_env=False) is shared
    assert trusted(default_context()) == 1


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE"])
def test_certificates_that_the_environment_names_in_vain_are_a_connect_error(monkeypatch, tmp_path, variable):
    monkeypatch.setenv(variable, str(tmp_path / "nothing"))
    with pytest.raises(ConnectError, match="nothing") as caught:
        default_context()
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_alpn_is_set_once_for_each_list():
    class Counting(ssl.SSLContext):
        calls: list[list[str]] = []

        def set_alpn_protocols(self, alpn_protocols: Any) -> None:
            self.calls.append(list(alpn_protocols))
            super().set_alpn_protocols(alpn_protocols)

    context = Counting(ssl.PROTOCOL_TLS_CLIENT)
    for alpn in (["http/1.1"], ["http/1.1"], ("http/1.1",), ["h2", "http/1.1"]):
        set_alpn(context, alpn)
    assert context.calls == [["http/1.1"], ["h2", "http/1.1"]]
