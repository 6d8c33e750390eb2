"""Certificates of the tests: one authority per run, contexts for both sides. Never a certificate from
outside.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


class Authority:
    """A certificate authority, and what is signed by it.

    `ca_file` is its certificate as a PEM file; `folder` holds that and the files of the certificates.
    """

    def __init__(self, ca: trustme.CA, folder: Path) -> None:
        self.ca = ca
        self.folder = folder
        self.ca_file = folder / "ca.pem"
        ca.cert_pem.write_to_path(str(self.ca_file))
        self._server_contexts: dict[tuple[str, ...], ssl.SSLContext] = {}

    def server_context(self, *names: str, fresh: bool = False) -> ssl.SSLContext:
        """A server's context for these names; 127.0.0.1, ::1 and localhost when none is given.

        fresh: a context of the caller's own, which may be changed.
        """
        names = names or ("127.0.0.1", "::1", "localhost")
        if fresh or names not in self._server_contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.ca.issue_cert(*names).configure_cert(context)
            if fresh:
                return context
            self._server_contexts[names] = context
        return self._server_contexts[names]

    def client_context(self) -> ssl.SSLContext:
        """A client's context that trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ca.configure_trust(context)
        return context

    def certificate_files(self, *names: str) -> tuple[Path, Path]:
        """(certificate chain, private key) as PEM files, for these names."""
        stem = names[0].replace(":", "_").replace("*", "_")
        chain, key = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        certificate = self.ca.issue_cert(*names)
        chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
        certificate.private_key_pem.write_to_path(str(key))
        return chain, key
