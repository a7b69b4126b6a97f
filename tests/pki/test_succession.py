"""The way from an authority to the one that took its place, and all who would like to be on it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import example, given, settings
from hypothesis import strategies as st

from securechat.pki import AUTHORITY_DAYS, Authority, BrokenFilesError, Purpose, follow, history_path, load_history
from securechat.pki.authority import key_usage
from securechat.pki.certificate import MALFORMED
from securechat.pki.succession import MAX_STEPS, appoint, save_history

NOW = datetime.now(UTC).replace(microsecond=0)
CHAIN = [Authority.create(Purpose.SERVERS, now=NOW) for _ in range(5)]
STEPS = [appoint(old, new, now=NOW) for old, new in pairwise(CHAIN)]
FIRST, SECOND, THIRD = (authority.certificate for authority in CHAIN[:3])
STRANGER = Authority.create(Purpose.SERVERS, now=NOW)


def made(
    subject: x509.Certificate,
    issuer: Authority,
    *,
    issuer_name: x509.Name | None = None,
    ca: bool = True,
    signs: bool = True,
    names: Sequence[x509.GeneralName] = (x509.UniformResourceIdentifier("securechat:successor"),),
    usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.SERVER_AUTH,
    start: datetime = NOW - timedelta(minutes=1),
    end: datetime = NOW + timedelta(days=1),
) -> x509.Certificate:
    """A step as a forger makes it: all as it should be but for what the test changes."""
    builder = (
        x509.CertificateBuilder(issuer_name or issuer.certificate.subject, subject.subject, subject.public_key(), 7)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(key_usage(authority=signs), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


def test_the_forger_can_make_good_steps() -> None:
    """So that the refusals below are for what each changes."""
    step = made(SECOND, CHAIN[0])
    assert follow(FIRST, [SECOND, step], NOW) == [step]
    anything = made(SECOND, CHAIN[0], usage=None)
    assert follow(FIRST, [SECOND, anything], NOW) == [anything]


def test_one_step() -> None:
    assert follow(FIRST, [SECOND, STEPS[0]], NOW) == [STEPS[0]]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 4), st.permutations(STEPS))
def test_however_many_and_in_any_order(start: int, steps: list[x509.Certificate]) -> None:
    assert follow(CHAIN[start].certificate, [CHAIN[-1].certificate, *steps], NOW) == STEPS[start:]


def test_who_has_it_already_needs_no_step() -> None:
    assert follow(FIRST, [FIRST], NOW) == []
    assert follow(THIRD, [THIRD, *STEPS], NOW) == []


def test_without_the_steps_there_is_no_way() -> None:
    assert follow(FIRST, [], NOW) is None
    assert follow(FIRST, [SECOND], NOW) is None
    assert follow(FIRST, [THIRD, STEPS[0]], NOW) is None
    assert follow(FIRST, [THIRD, STEPS[1]], NOW) is None


def test_there_is_no_way_back() -> None:
    assert follow(SECOND, [FIRST, STEPS[0]], NOW) is None


def test_the_present_one_comes_first() -> None:
    """Its place says which it is, and a step is not one: it was not signed by itself."""
    assert follow(FIRST, [STEPS[0], SECOND], NOW) is None
    assert follow(FIRST, [STEPS[0], STEPS[0]], NOW) is None


def test_a_step_by_a_stranger() -> None:
    step = appoint(STRANGER, CHAIN[1], now=NOW)
    assert follow(FIRST, [SECOND, step], NOW) is None


def test_a_step_by_somebody_else_of_the_same_name() -> None:
    forged = made(STRANGER.certificate, STRANGER, issuer_name=FIRST.subject)
    assert forged.issuer == FIRST.subject
    assert follow(FIRST, [STRANGER.certificate, forged], NOW) is None


def test_a_step_to_the_name_with_another_key() -> None:
    """A forger's authority under the name of the appointed one."""
    thief = Authority.create(Purpose.SERVERS, now=NOW)
    impostor = (
        x509.CertificateBuilder(SECOND.subject, SECOND.subject, thief.key.public_key(), 7)
        .not_valid_before(NOW - timedelta(minutes=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(authority=True), critical=True)
        .sign(thief.key, hashes.SHA256())
    )
    assert follow(FIRST, [impostor, STEPS[0]], NOW) is None


def test_a_step_to_the_key_with_another_name() -> None:
    renamed = (
        x509.CertificateBuilder(STRANGER.certificate.subject, STRANGER.certificate.subject, SECOND.public_key(), 7)
        .not_valid_before(NOW - timedelta(minutes=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(authority=True), critical=True)
        .sign(CHAIN[1].key, hashes.SHA256())
    )
    assert follow(FIRST, [renamed, STEPS[0]], NOW) is None


def test_the_present_one_has_to_have_signed_itself() -> None:
    """A certificate with the right name and key that nobody with that key has made."""
    claimed = made(SECOND, STRANGER, issuer_name=SECOND.subject)
    assert follow(FIRST, [claimed, STEPS[0]], NOW) is None


def test_what_the_authority_signs_in_daily_use_is_no_step() -> None:
    server = CHAIN[0].issue_server(["localhost"], now=NOW)
    assert follow(FIRST, [server.certificate, server.certificate], NOW) is None
    by_the_server = made(STRANGER.certificate, Authority(Purpose.SERVERS, server.certificate, server.key))
    assert follow(FIRST, [STRANGER.certificate, server.certificate, by_the_server], NOW) is None


@pytest.mark.parametrize(
    "names",
    [
        (),
        (x509.DNSName("securechat:successor"),),
        (x509.UniformResourceIdentifier("securechat:account:successor"),),
        (x509.UniformResourceIdentifier("securechat:successor"), x509.DNSName("example")),
    ],
)
def test_an_intermediate_authority_is_no_successor(names: tuple[x509.GeneralName, ...]) -> None:
    """An organisation's authority signs those of its departments; none of them may take its place."""
    department = made(SECOND, CHAIN[0], names=names)
    assert follow(FIRST, [SECOND, department], NOW) is None


def test_a_step_that_may_not_sign() -> None:
    for forged in (
        made(SECOND, CHAIN[0], ca=False),
        made(SECOND, CHAIN[0], signs=False),
        made(SECOND, CHAIN[0], usage=ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        assert follow(FIRST, [SECOND, forged], NOW) is None


def test_an_authority_of_clients_follows_nobody() -> None:
    clients = Authority.create(Purpose.CLIENTS, now=NOW)
    assert follow(clients.certificate, [SECOND, made(SECOND, clients)], NOW) is None
    assert follow(FIRST, [clients.certificate, made(clients.certificate, CHAIN[0])], NOW) is None
    with pytest.raises(ValueError, match="only an authority of servers"):
        appoint(clients, CHAIN[0], now=NOW)
    with pytest.raises(ValueError, match="only an authority of servers"):
        appoint(CHAIN[0], clients, now=NOW)


def test_everything_on_the_way_has_to_be_in_its_time() -> None:
    early, late = made(SECOND, CHAIN[0], start=NOW + timedelta(hours=1)), made(SECOND, CHAIN[0], end=NOW)
    assert follow(FIRST, [SECOND, early], NOW) is None
    assert follow(FIRST, [SECOND, late], NOW) == [late]
    assert follow(FIRST, [SECOND, late], NOW + timedelta(seconds=1)) is None


def test_an_expired_authority_vouches_for_nobody() -> None:
    """Its key may have been thrown away where somebody found it."""
    old = Authority.create(Purpose.SERVERS, now=NOW - timedelta(days=AUTHORITY_DAYS + 1))
    assert follow(old.certificate, [SECOND, made(SECOND, old)], NOW) is None
    assert follow(old.certificate, [old.certificate], NOW) is None
    assert follow(FIRST, [old.certificate, made(old.certificate, CHAIN[0])], NOW) is None
    with pytest.raises(BrokenFilesError, match="expired on"):
        appoint(old, CHAIN[0], now=NOW)


def test_circles_end() -> None:
    back = appoint(CHAIN[2], CHAIN[0], now=NOW)
    itself = appoint(CHAIN[0], CHAIN[0], now=NOW)
    steps = [itself, back, STEPS[0], STEPS[1], STEPS[0], itself]
    assert follow(FIRST, [STRANGER.certificate, *steps], NOW) is None
    assert follow(FIRST, [THIRD, *steps], NOW) == [STEPS[0], STEPS[1]]


def test_the_shortest_way_is_taken() -> None:
    direct = appoint(CHAIN[0], CHAIN[2], now=NOW)
    assert follow(FIRST, [THIRD, *STEPS, direct], NOW) == [direct]


def test_a_flood_is_not_looked_at() -> None:
    assert follow(FIRST, [SECOND, STEPS[0], *[STEPS[1]] * (MAX_STEPS - 1)], NOW) == [STEPS[0]]
    assert follow(FIRST, [SECOND, STEPS[0], *[STEPS[1]] * MAX_STEPS], NOW) is None


def test_keys_that_nobody_should_trust() -> None:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505
    name = STRANGER.certificate.subject
    weak = (
        x509.CertificateBuilder(name, name, key.public_key(), 7)
        .not_valid_before(NOW - timedelta(minutes=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    assert follow(FIRST, [weak, made(weak, CHAIN[0])], NOW) is None


STEP = STEPS[0].public_bytes(Encoding.DER)


# cryptography reads serial numbers below 1, which RFC 5280 forbids, but announces that it will stop to.
@pytest.mark.filterwarnings("ignore:Parsed a serial number:cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=200, deadline=None)
@example([(12, 1)])  # the version of X.509, which cryptography refuses with an exception of its own
@given(st.lists(st.tuples(st.integers(0, len(STEP) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_step_leads_nowhere_and_does_no_harm(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(STEP)
    for place, value in changes:
        damaged[place] = value
    try:
        step = x509.load_der_x509_certificate(bytes(damaged))
    except MALFORMED:
        return
    found = follow(FIRST, [SECOND, step], NOW)
    assert found is None or [one.tbs_certificate_bytes for one in found] == [STEPS[0].tbs_certificate_bytes]


def test_the_history_comes_back_from_its_file(tmp_path: Path) -> None:
    path = history_path(tmp_path / "ca.pem")
    assert path == tmp_path / "ca-history.pem"
    assert load_history(path) == []
    save_history(path, STEPS, now=NOW)
    assert path.stat().st_mode & 0o777 == 0o644
    assert load_history(path) == STEPS
    path.write_bytes(b"nonsense")
    with pytest.raises(BrokenFilesError, match=r"ca-history\.pem holds no certificate"):
        load_history(path)


def test_the_history_forgets_what_helps_nobody(tmp_path: Path) -> None:
    path = tmp_path / "ca-history.pem"
    old = made(SECOND, CHAIN[0], end=NOW - timedelta(seconds=1))
    save_history(path, [old, *[STEPS[0]] * MAX_STEPS, STEPS[1]], now=NOW)
    assert load_history(path) == [*[STEPS[0]] * (MAX_STEPS - 1), STEPS[1]]
