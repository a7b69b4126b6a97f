"""What a public authority and certbot leave on a machine: a chain with an intermediate, and links into an archive."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from securechat.pki.authority import key_usage

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Public:
    """A public authority, with its intermediate."""

    def __init__(self) -> None:
        self._root_key = ec.generate_private_key(ec.SECP384R1())
        self._key = rsa.generate_private_key(65537, 2048)
        self.root = _certificate("Root X1", self._root_key, "Root X1", self._root_key, None)
        self.intermediate = _certificate("R3", self._key, "Root X1", self._root_key, self._root_key)

    def leaf(self, key: Key, *hosts: str, days: int = 60) -> x509.Certificate:
        """A certificate for a server."""
        return _certificate(hosts[0] if hosts else "nobody", key, "R3", self._key, self._key, hosts=hosts, days=days)


def certbot(place: Path, public: Public, key: Key, leaf: x509.Certificate) -> Path:
    """The two directories that certbot leaves; returns the one that is used, with links into the other."""
    live, archive = place / "live" / "chat.example", place / "archive" / "chat.example"
    live.mkdir(parents=True)
    archive.mkdir(parents=True)
    chain = public.intermediate.public_bytes(Encoding.PEM)
    one = leaf.public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    for stem, data in (("cert", one), ("chain", chain), ("fullchain", one + chain), ("privkey", secret)):
        path = archive / f"{stem}1.pem"
        path.write_bytes(data)
        if stem == "privkey":
            path.chmod(0o600)
        (live / f"{stem}.pem").symlink_to(path)
    return live


def _certificate(
    name: str,
    key: Key,
    issuer: str,
    signer: Key,
    authority: Key | None,
    *,
    hosts: tuple[str, ...] | None = None,
    days: int = 3000,
) -> x509.Certificate:
    is_authority = hosts is None
    now = datetime.now(UTC).replace(microsecond=0)
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (issuer, name)]
    builder = (
        x509.CertificateBuilder(names[0], names[1], key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(key_usage(authority=is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if authority is not None:
        from_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
        builder = builder.add_extension(from_issuer, critical=False)
    if not is_authority:
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(both), critical=False)
    if hosts:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(alternatives, critical=False)
    return builder.sign(signer, hashes.SHA256())
