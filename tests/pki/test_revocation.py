"""Lists of revoked certificates, judged by OpenSSL and by a handshake; and lists that are not to be believed."""

import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.pki import Authority, BrokenFilesError, Purpose, RevocationList, StorageError, revocation_path
from tests.pki.handshake import Pair, raw_client, raw_server

NOW = datetime.now(UTC)
SERVERS = Authority.create(Purpose.SERVERS, now=NOW)
CLIENTS = Authority.create(Purpose.CLIENTS, now=NOW)
OTHER = Authority.create(Purpose.CLIENTS, now=NOW)


def openssl_verify(directory: Path, revocations: RevocationList, certificate: x509.Certificate) -> str:
    (directory / "ca").write_bytes(CLIENTS.certificate.public_bytes(Encoding.PEM))
    (directory / "leaf").write_bytes(certificate.public_bytes(Encoding.PEM))
    revocations.save(directory / "crl")
    command = ["openssl", "verify", "-x509_strict", "-crl_check", "-purpose", "sslclient", "-CAfile", "ca"]
    return subprocess.run(
        [*command, "-CRLfile", "crl", "leaf"],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    ).stdout


def test_openssl_believes_the_list(tmp_path: Path) -> None:
    alice, bob = (CLIENTS.issue_client(name, now=NOW).certificate for name in ("alice", "bob"))
    nobody = RevocationList.make(CLIENTS, now=NOW)
    assert openssl_verify(tmp_path, nobody, alice) == "leaf: OK\n"
    after = nobody.extend(CLIENTS, [alice.serial_number], now=NOW)
    assert "certificate revoked" in openssl_verify(tmp_path, after, alice)
    assert openssl_verify(tmp_path, after, bob) == "leaf: OK\n"


def test_a_client_with_the_list_turns_away_from_a_revoked_server(tmp_path: Path) -> None:
    stolen, fresh = (SERVERS.issue_server(["localhost"], now=NOW) for _ in range(2))
    client = raw_client(SERVERS)
    client.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    path = tmp_path / "ca.crl"
    RevocationList.make(SERVERS, serials=[stolen.certificate.serial_number], now=NOW).save(path)
    client.load_verify_locations(path)
    Pair(raw_server(fresh, tmp_path), client).shake()
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate revoked"):
        Pair(raw_server(stolen, tmp_path), client).shake()


def test_the_list_comes_back_from_its_file_and_from_the_wire(tmp_path: Path) -> None:
    made = RevocationList.make(CLIENTS, serials=[3, 2**158], now=NOW)
    path = revocation_path(tmp_path / "client-ca.pem")
    assert path == tmp_path / "client-ca.crl"
    assert RevocationList.load(path, CLIENTS.certificate) is None
    made.save(path)
    assert path.stat().st_mode & 0o777 == 0o644
    loaded = RevocationList.load(path, CLIENTS.certificate)
    parsed = RevocationList.parse(made.der(), CLIENTS.certificate, "the server's list")
    for one in (made, loaded, parsed):
        assert one is not None
        assert one.number == 1
        assert one.revoked(3) == one.revoked(2**158) == NOW.replace(microsecond=0)
        assert one.revoked(4) is None


def test_a_list_grows_by_number_and_keeps_dates() -> None:
    first = RevocationList.make(CLIENTS, serials=[1], now=NOW)
    later = NOW + timedelta(days=3)
    second = first.extend(CLIENTS, [1, 2], now=later)
    assert (first.number, second.number) == (1, 2)
    assert second.revoked(1) == NOW.replace(microsecond=0)
    assert second.revoked(2) == later.replace(microsecond=0)
    assert first.revoked(2) is None
    assert second.crl.next_update_utc == CLIENTS.certificate.not_valid_after_utc
    with pytest.raises(BrokenFilesError, match="expired on"):
        second.extend(CLIENTS, [3], now=NOW + timedelta(days=4000))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sets(st.integers(1, 2**159 - 1), max_size=5), max_size=4))
def test_what_was_revoked_once_stays_so(rounds: list[set[int]]) -> None:
    revocations = RevocationList.make(CLIENTS, now=NOW)
    for number, serials in enumerate(rounds):
        revocations = revocations.extend(CLIENTS, serials, now=NOW + timedelta(days=number))
    read = RevocationList.parse(revocations.der(), CLIENTS.certificate, "it")
    assert read.entries == revocations.entries
    assert read.entries.keys() == set().union(*rounds)
    assert read.number == 1 + len(rounds)


Builder = x509.CertificateRevocationListBuilder


def forged(
    change: Callable[[Builder], Builder] = lambda builder: builder,
    *,
    signer: Authority = CLIENTS,
    name: x509.Name = CLIENTS.certificate.subject,
) -> bytes:
    builder = Builder(name, NOW, NOW + timedelta(days=1)).add_extension(x509.CRLNumber(9), critical=False)
    return change(builder).sign(signer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def entry(extension: x509.ExtensionType) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder(7, NOW).add_extension(extension, critical=True)
    return builder.build()


ISSUER = x509.CertificateIssuer([x509.DirectoryName(OTHER.certificate.subject)])
POINT = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
LIES: dict[str, tuple[bytes, str]] = {
    "another authority's": (forged(signer=OTHER, name=OTHER.certificate.subject), "not signed by the authority"),
    "another's key under the name": (forged(signer=OTHER), "not signed by the authority"),
    "another's name": (forged(name=OTHER.certificate.subject), "not signed by the authority"),
    "a change to another list": (
        forged(lambda builder: builder.add_extension(x509.DeltaCRLIndicator(8), critical=True)),
        "of a kind that is not understood",
    ),
    "of some certificates only": (
        forged(lambda builder: builder.add_extension(POINT, critical=True)),
        "of a kind that is not understood",
    ),
    "of another's certificate": (
        forged(lambda builder: builder.add_revoked_certificate(entry(ISSUER))),
        "of a kind that is not understood",
    ),
    "a certificate": (CLIENTS.certificate.public_bytes(Encoding.DER), "that can be read"),
    "nothing": (b"", "that can be read"),
    "half of it": (forged()[:100], "that can be read"),
    "half of its text": (RevocationList.make(CLIENTS, now=NOW).pem()[:100], "that can be read"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lists_that_are_not_believed(tmp_path: Path, lie: str) -> None:
    data, sentence = LIES[lie]
    (tmp_path / "client-ca.crl").write_bytes(data)
    with pytest.raises(BrokenFilesError, match=sentence) as caught:
        RevocationList.load(tmp_path / "client-ca.crl", CLIENTS.certificate)
    assert "\n" not in str(caught.value)


def test_the_forger_makes_good_lists_too() -> None:
    """So that the refusals above are for what was changed."""
    assert RevocationList.parse(forged(), CLIENTS.certificate, "it").number == 9


def test_a_list_without_number_is_refused() -> None:
    data = Builder(CLIENTS.certificate.subject, NOW, NOW + timedelta(days=1)).sign(CLIENTS.key, hashes.SHA256())
    with pytest.raises(BrokenFilesError, match="that can be read"):
        RevocationList.parse(data.public_bytes(Encoding.DER), CLIENTS.certificate, "it")


def test_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="can't read"):
        RevocationList.load(tmp_path, CLIENTS.certificate)


LIST = RevocationList.make(CLIENTS, serials=[5], now=NOW).der()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(LIST) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_list_is_refused_or_says_the_same(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(LIST)
    for place, value in changes:
        damaged[place] = value
    try:
        assert set(RevocationList.parse(bytes(damaged), CLIENTS.certificate, "it").entries) == {5}
    except BrokenFilesError as error:
        assert str(error)  # noqa: PT017
