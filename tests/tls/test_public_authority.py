"""The files of a public authority as they come: the chain in one, the key in another, of whatever kind."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from securechat.tls.contexts import client_context, server_context
from securechat.tls.errors import CertificateFileError
from tests.pki.handshake import Pair

NOW = datetime.now(UTC).replace(microsecond=0)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
KINDS: dict[str, Callable[[], Key]] = {
    "RSA 2048": lambda: rsa.generate_private_key(65537, 2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
}


def certify(
    common: str, key: Key, by: tuple[x509.Certificate, Key] | None = None, host: str | None = None
) -> x509.Certificate:
    """As public authorities do: for three months, with the extensions that their rules ask for."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    issuer, signer = (by[0].subject, by[1]) if by else (subject, key)
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=89))
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if host is not None:
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.sign(signer, hashes.SHA256())


def fetch(directory: Path, kind: str, form: PrivateFormat = PrivateFormat.PKCS8) -> None:
    """What is there when a program has fetched a certificate: fullchain.pem and privkey.pem; and the root."""
    root_key, middle_key, key = KINDS["P-384"](), KINDS["P-256"](), KINDS[kind]()
    root = certify("Public Root", root_key)
    middle = certify("Public Middle", middle_key, (root, root_key))
    leaf = certify("chat.example.org", key, (middle, middle_key), "chat.example.org")
    chain = b"\n".join(one.public_bytes(Encoding.PEM) for one in (leaf, middle))
    (directory / "fullchain.pem").write_bytes(chain)
    (directory / "privkey.pem").write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
    (directory / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("kind", KINDS)
def test_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, form: PrivateFormat) -> None:
    fetch(tmp_path, kind, form)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))  # which OpenSSL takes for the system's
    context = server_context(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")
    pair = Pair(context, client_context(None), "chat.example.org")
    pair.shake()
    pair.exchange()


def test_half_renewed(tmp_path: Path) -> None:
    """The new chain is there, and the new key is not yet."""
    fetch(tmp_path, "P-256")
    old = (tmp_path / "privkey.pem").read_bytes()
    fetch(tmp_path, "P-256")
    (tmp_path / "privkey.pem").write_bytes(old)
    with pytest.raises(CertificateFileError, match="does not belong to"):
        server_context(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")
