"""What registered certificates cost a handshake: the server has OpenSSL trust each of them.

Both ends are in this process, without a network; so the times are of TLS alone, for client and server together. The
registered certificates are from as many people, or all under one name, as whoever follows the same guide has.

    python benchmarks/anchors.py
    python benchmarks/anchors.py --anchors 10_000
"""

from __future__ import annotations

import argparse
import ssl
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from securechat.pki import Authority, Purpose, make_development_certs
from securechat.tls.contexts import add_anchor, ask_clients, client_context, server_context

_HANDSHAKES = 300
_NOW = datetime.now(UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description="What registered certificates cost a handshake.", allow_abbrev=False)
    parser.add_argument("--anchors", type=int, default=2000, metavar="N", help="how many are registered")
    number = parser.parse_args().anchors
    with tempfile.TemporaryDirectory() as place:
        certs = Path(place)
        make_development_certs(certs, machine="localhost", clients=["alice"])
        for names in ("names of their own", "the same name"):
            for anchors in (0, number):
                _measure(certs, anchors, one_name=names == "the same name", title=f"{anchors} anchors, {names}")


def _measure(certs: Path, anchors: int, *, one_name: bool, title: str) -> None:
    context = server_context(certs / "server.pem")
    ask_clients(context)
    authority = Authority.load(certs, Purpose.CLIENTS, now=datetime.now(UTC))
    add_anchor(context, authority.certificate.public_bytes(Encoding.DER))
    key = ec.generate_private_key(ec.SECP256R1())  # one for all: OpenSSL looks at names
    registered = [_own("irssi" if one_name else f"user {number}", key) for number in range(anchors)]
    own = _own("irssi", key)
    begun = time.perf_counter()
    for certificate in (*registered, own):
        add_anchor(context, certificate.public_bytes(Encoding.DER))
    loaded = time.perf_counter() - begun
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + own.public_bytes(Encoding.PEM)
    path = certs / "own.pem"
    path.touch(0o600)
    path.write_bytes(pem)
    print(f"{title}: loaded in {loaded:.2f} s")
    for what, shown in (("none", None), ("by the authority", certs / "clients" / "alice.pem"), ("registered", path)):
        client = client_context(certs / "ca.pem")
        if shown is not None:
            client.load_cert_chain(shown)
        times = [_handshake(context, client) for _ in range(_HANDSHAKES)]
        print(f"  certificate {what}: {statistics.median(times) * 1e6:.0f} us a handshake")


def _own(name: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """As ``openssl req -x509`` makes one."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(_NOW - timedelta(days=1))
        .not_valid_after(_NOW + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> float:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    begun = time.perf_counter()
    left = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while left:
        for end in list(left):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            left.remove(end)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
