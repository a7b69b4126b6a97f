"""`securechat certs` as an operator types it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.pki import (
    AUTHORITY_DAYS,
    Authority,
    CertificateInfo,
    Purpose,
    RevocationList,
    follow,
    load_history,
    make_development_certs,
)
from securechat.pki.certificate import parse_certificates
from tests.cli.commands import environment, securechat


def certificate(path: Path) -> x509.Certificate:
    return parse_certificates(path.read_bytes(), path)[0]


def certs(home: Path, *arguments: str | Path, status: int = 0) -> str:
    """What it says: on stdout if all is well, else its one sentence."""
    done = securechat(home, "certs", *arguments)
    assert done.returncode == status, done.stderr
    if status == 0:
        assert done.stderr == ""
        return done.stdout
    assert done.stdout == ""
    assert done.stderr.startswith("securechat: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("securechat: ").rstrip("\n")


def listed(home: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(certs(home, "list", "--json"))
    return found


def _by_file(found: list[dict[str, object]]) -> list[dict[str, object]]:
    """Those that were issued in the same second stand in any order."""
    return sorted(found, key=lambda one: str(one["file"] or ""))


def test_from_nothing_to_a_revoked_user(tmp_path: Path) -> None:
    out = tmp_path / "certs"
    told = certs(tmp_path, "init", "--host", "chat.example")
    authority = CertificateInfo.read(out / "ca.pem")
    assert f"SHA-256 of the public key (SPKI) of certs/ca.pem: {authority.spki_fingerprint}\n" in told
    assert "chat.example" in CertificateInfo.read(out / "server.pem").hosts
    assert "made     certs/clients/alice.pem: for the account Alice" in certs(tmp_path, "issue", "Alice")
    told = certs(tmp_path, "renew", "alice", "--keep-key", "--days", "10")
    assert "replaced certs/clients/alice.pem: for the account Alice, with the same key" in told
    (first,) = (one for one in listed(tmp_path) if one["name"] == "Alice" and one["file"] is None)
    assert f"`securechat certs revoke {first['serial']}` ends it" in told

    sentence = certs(tmp_path, "revoke", "alice", status=2)
    assert sentence.startswith("alice has 2 valid certificates: name one (")
    told = certs(tmp_path, "revoke", str(first["serial"])[:10])
    assert f"revoked the client certificate {first['serial']} (Alice)" in told
    assert "certs/client-ca.crl has it" in told
    told = certs(tmp_path, "revoke", "ALICE")
    assert "It is the one in certs/clients/alice.pem: `securechat certs renew Alice` makes another." in told
    assert "is revoked since" in certs(tmp_path, "revoke", "alice")

    revocations = RevocationList.load(out / "client-ca.crl", certificate(out / "client-ca.pem"))
    assert revocations is not None
    assert len(revocations.entries) == 2
    assert [(one["name"], one["purpose"], one["state"], one["file"]) for one in _by_file(listed(tmp_path))] == [
        ("Alice", "client", "revoked", None),
        ("Alice", "client", "revoked", "certs/clients/alice.pem"),
        ("securechat server", "server", "valid", "certs/server.pem"),
    ]
    sentence = certs(tmp_path, "renew", "alice", "--keep-key", status=2)
    assert sentence == "the certificate in certs/clients/alice.pem was revoked, so its key should not be kept"
    assert "stays valid" not in certs(tmp_path, "renew", "alice")
    assert [one["state"] for one in _by_file(listed(tmp_path))] == ["revoked", "revoked", "valid", "valid"]


def test_the_list_for_people(tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    assert "nothing was issued in certs yet" in securechat(tmp_path, "certs", "list").stderr
    certs(tmp_path, "init", "--host", "chat.example", "--days", "9")
    certs(tmp_path, "issue", "bob")
    certs(tmp_path, "revoke", "bob")
    heading, server, bob = certs(tmp_path, "list").splitlines()
    assert heading.split() == ["NAME", "PURPOSE", "SERIAL", "DAYS", "STATE", "FILE"]
    serial = f"{CertificateInfo.read(tmp_path / 'certs/server.pem').serial:x}"
    assert "chat.example" in server
    assert server.split()[-5:] == ["server", serial, "8", "valid", "certs/server.pem"]
    assert bob.split()[-3:] == ["revoked", f"{datetime.now(UTC):%Y-%m-%d}", "certs/clients/bob.pem"]
    (tmp_path / "certs/issued/1234.pem").write_text("nonsense")
    done = securechat(tmp_path, "certs", "list")
    assert (done.returncode, done.stdout.count("\n")) == (0, 3)
    assert done.stderr == "securechat: certs/issued/1234.pem holds no certificate in PEM form\n"


def test_an_authority_is_replaced_and_clients_are_told_of(tmp_path: Path) -> None:
    out = tmp_path / "certs"
    certs(tmp_path, "init", "--host", "chat.example")
    certs(tmp_path, "issue", "alice")
    old, alice = certificate(out / "ca.pem"), (out / "clients/alice.pem").read_bytes()
    told = certs(tmp_path, "init", "--replace-ca", "--host", "irc.example")
    new = CertificateInfo.read(out / "ca.pem")
    before = CertificateInfo.of(old)
    assert f"SHA-256 of the public key (SPKI) of certs/ca.pem: {new.spki_fingerprint}\n" in told
    assert f"The old authority ({before.spki_fingerprint}) has signed the new one, in certs/ca-history.pem" in told
    assert f"until {before.not_after:%Y-%m-%d %H:%M} UTC" in told
    assert "Invitations that were made before have the old fingerprint: make new ones." in told
    steps = load_history(out / "ca-history.pem")
    assert follow(old, [certificate(out / "ca.pem"), *steps], datetime.now(UTC)) == steps
    assert {"chat.example", "irc.example"} <= set(CertificateInfo.read(out / "server.pem").hosts)
    assert (out / "clients/alice.pem").read_bytes() == alice
    assert [one["state"] for one in _by_file(listed(tmp_path))] == ["void", "valid", "valid"]

    told = certs(tmp_path, "init", "--force")
    assert "what the old one signed is void" in told
    assert not (out / "ca-history.pem").exists()


def test_a_servers_certificate_for_these_hosts_only(tmp_path: Path) -> None:
    certs(tmp_path, "init")
    told = certs(tmp_path, "issue", "--server", "--host", "a.example", "--host", "192.0.2.1", "--file", "other.pem")
    assert "made     other.pem: for a.example, 192.0.2.1; valid until" in told
    told = certs(tmp_path, "renew", "other.pem", "--days", "20")
    assert "replaced other.pem: for a.example, 192.0.2.1, with a new key" in told
    assert (tmp_path / "other.pem").stat().st_mode & 0o777 == 0o600
    assert certs(tmp_path, "revoke", "other.pem").startswith("revoked the server certificate ")
    assert "cut short" in certs(tmp_path, "issue", "carol", "--out", near_its_end(tmp_path))


def near_its_end(home: Path) -> Path:
    make_development_certs(home / "old", now=datetime.now(UTC) - timedelta(days=AUTHORITY_DAYS - 5))
    return home / "old"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """With certificates that no test changes."""
    home = tmp_path_factory.mktemp("home")
    make_development_certs(home / "certs", clients=["alice"])
    before = contents(home)
    yield home
    assert contents(home) == before


def contents(directory: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["init", "--replace-ca", "--force"], "choose one"),
        (["init", "--host", "a b"], "'a b' is neither a host name nor an IP address"),
        (["init", "--days", "0"], "1 to 3650 days"),
        (["init", "--replace-ca", "--out", "nowhere"], "there is no directory nowhere"),
        (["issue"], "for whom?"),
        (["issue", "1up"], "'1up' is not an account name"),
        (["issue", "alice", "--server"], "not both"),
        (["issue", "--server"], "needs at least one --host"),
        (["issue", "bob", "--host", "a.example"], "--host is for servers only"),
        (["issue", "bob", "--file", "nowhere/bob.pem"], "there is no directory nowhere"),
        (["issue", "bob", "--out", "."], "there is no client-ca.pem in .: `securechat certs init` makes one"),
        (["renew", "bob"], "there is no certs/clients/bob.pem"),
        (["renew", "bob.pem"], "bob.pem does not exist"),
        (["revoke", "bob"], "no certificate of 'bob' is known here"),
        (["revoke", "12345678abcdef"], "no certificate of '12345678abcdef' is known here"),
        (["revoke", "nothing.pem"], "nothing.pem does not exist"),
        (["revoke", "certs/ca.pem"], "an authority can't be revoked"),
        (["list", "--out", "nowhere"], "there is no directory nowhere"),
    ],
)
def test_mistakes_exit_2_with_one_sentence_and_change_nothing(home: Path, arguments: list[str], sentence: str) -> None:
    assert sentence in certs(home, *arguments, status=2)


def test_a_certificate_of_others_is_not_ours_to_revoke_or_renew(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    Authority.create(Purpose.CLIENTS, now=datetime.now(UTC)).issue_client("alice", now=datetime.now(UTC)).save(other)
    assert "was not signed by an authority in certs" in certs(home, "revoke", other, status=2)
    assert "was not issued by the authority in certs" in certs(home, "renew", other, status=2)


def test_a_public_copy_is_enough_to_revoke(tmp_path: Path) -> None:
    """A stolen certificate that is known by what the server was shown only."""
    make_development_certs(tmp_path / "certs")
    now = datetime.now(UTC)
    stolen = Authority.load(tmp_path / "certs", Purpose.CLIENTS, now=now).issue_client("eve", now=now).certificate
    (tmp_path / "shown.pem").write_bytes(stolen.public_bytes(Encoding.PEM))
    assert "(eve)" in certs(tmp_path, "revoke", "./shown.pem")
    assert [one["state"] for one in listed(tmp_path)] == ["valid", "revoked"]


def test_a_full_disk_exits_1_and_leaves_what_was_there(home: Path, tmp_path: Path) -> None:
    code = (
        "import resource, sys; from securechat.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "sys.argv[0] = 'securechat'; main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, "certs", "revoke", "alice"],
        cwd=home, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("securechat: can't write certs/")
    assert done.stderr.endswith(": File too large\n")
    assert done.stderr.count("\n") == 1


def test_secrets_are_on_no_screen(tmp_path: Path) -> None:
    shown = ""
    for arguments in (["init"], ["issue", "alice"], ["renew", "server"], ["list"], ["show"], ["doctor"]):
        done = securechat(tmp_path, "certs", *arguments)
        shown += done.stdout + done.stderr
    assert "PRIVATE" not in shown
    for path in (tmp_path / "certs").rglob("*"):
        if path.is_file() and b"PRIVATE KEY" in path.read_bytes():
            assert path.stat().st_mode & 0o777 == 0o600
            assert path.read_text().splitlines()[1][:40] not in shown
