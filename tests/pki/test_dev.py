"""The one call that makes everything: what it makes, what it keeps, and what it never does."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from securechat.pki import (
    AUTHORITY_DAYS,
    BrokenFilesError,
    CertificateInfo,
    DevelopmentCertificates,
    InvalidRequestError,
    Outcome,
    make_development_certs,
)
from tests.pki.places import reachable_directory, without_privileges

NOW = datetime.now(UTC)


def outcomes(made: DevelopmentCertificates) -> list[str]:
    return [file.outcome.value for file in made.files]


def contents(directory: Path) -> dict[str, bytes]:
    """All files but the copies in the index, of which each run leaves more."""
    files = (path for path in directory.rglob("*") if path.is_file() and path.parent.name != "issued")
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_everything_is_there_with_its_mode(tmp_path: Path) -> None:
    out = tmp_path / "new" / "certs"
    made = make_development_certs(out, clients=["Alice", "a|b"], hosts=["chat.example"], machine="box", now=NOW)
    assert outcomes(made) == ["made"] * 5
    modes = {str(path.relative_to(out)): path.stat().st_mode & 0o777 for path in out.rglob("*") if path.is_file()}
    assert modes == {
        "ca.pem": 0o644,
        "ca.key": 0o600,
        "client-ca.pem": 0o644,
        "client-ca.key": 0o600,
        "server.pem": 0o600,
        "clients/alice.pem": 0o600,
        "clients/a%7Cb.pem": 0o600,
        **{f"issued/{file.info.serial:x}.pem": 0o644 for file in (made.server, *made.clients)},
    }
    assert (out / "issued").stat().st_mode & 0o777 == 0o700
    assert (out / "clients").stat().st_mode & 0o777 == 0o700
    assert made.server.info.hosts == ("localhost", "127.0.0.1", "::1", "box", "chat.example")
    assert [client.info.account for client in made.clients] == ["alice", "a|b"]
    for file in made.files:
        assert CertificateInfo.read(file.path) == file.info
    assert made.server.info.issuer == made.authority.info.name
    assert made.clients[0].info.issuer == made.client_authority.info.name
    assert made.authority.info.spki_fingerprint != made.client_authority.info.spki_fingerprint


def test_without_users_there_is_no_directory_for_them(tmp_path: Path) -> None:
    make_development_certs(tmp_path, now=NOW)
    assert set(contents(tmp_path)) == {"ca.pem", "ca.key", "client-ca.pem", "client-ca.key", "server.pem"}
    assert not (tmp_path / "clients").exists()


def test_again_keeps_the_authorities_and_issues_afresh(tmp_path: Path) -> None:
    make_development_certs(tmp_path, clients=["alice"], now=NOW)
    before = contents(tmp_path)
    made = make_development_certs(tmp_path, clients=["alice", "bob"], now=NOW)
    assert outcomes(made) == ["kept", "kept", "replaced", "replaced", "made"]
    after = contents(tmp_path)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"server.pem", "clients/alice.pem", "clients/bob.pem"}


def test_a_missing_authority_is_made_and_the_other_kept(tmp_path: Path) -> None:
    make_development_certs(tmp_path, now=NOW)
    (tmp_path / "client-ca.pem").unlink()
    (tmp_path / "client-ca.key").unlink()
    assert outcomes(make_development_certs(tmp_path, now=NOW)) == ["kept", "made", "replaced"]


def test_force_replaces_both(tmp_path: Path) -> None:
    make_development_certs(tmp_path, now=NOW)
    before = contents(tmp_path)
    assert outcomes(make_development_certs(tmp_path, force=True, now=NOW)) == ["replaced"] * 3
    after = contents(tmp_path)
    assert before.keys() == after.keys()
    assert all(after[name] != before[name] for name in after)


def test_users_called_like_files_take_nobodys_place(tmp_path: Path) -> None:
    names = ["server", "ca", "client-ca", "clients", "CA"]
    made = make_development_certs(tmp_path, clients=names, now=NOW)
    assert len({file.path for file in made.files}) == 3 + 4
    assert [client.info.name for client in made.clients] == ["server", "ca", "client-ca", "clients"]
    assert CertificateInfo.read(tmp_path / "server.pem").hosts
    assert CertificateInfo.read(tmp_path / "ca.pem").is_authority


def test_spellings_of_one_account_are_issued_once_as_first_written(tmp_path: Path) -> None:
    made = make_development_certs(tmp_path, clients=["Alice", "bob", "alice"], now=NOW)
    assert [(client.path.name, client.info.name) for client in made.clients] == [
        ("alice.pem", "Alice"),
        ("bob.pem", "bob"),
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"hosts": ["chat.example", "a b"]},
        {"clients": ["alice", "../ca"]},
        {"days": 0},
        {"days": AUTHORITY_DAYS + 1},
    ],
)
def test_a_mistake_writes_nothing(tmp_path: Path, asked: dict[str, object]) -> None:
    out = tmp_path / "certs"
    with pytest.raises(InvalidRequestError):
        make_development_certs(out, now=NOW, **asked)  # type: ignore[arg-type]
    assert not out.exists()


@pytest.mark.parametrize("half", ["ca.pem", "ca.key", "client-ca.pem", "client-ca.key"])
def test_half_an_authority_changes_nothing_until_forced(tmp_path: Path, half: str) -> None:
    make_development_certs(tmp_path, now=NOW)
    (tmp_path / half).unlink()
    before = contents(tmp_path)
    with pytest.raises(BrokenFilesError, match="is there, but"):
        make_development_certs(tmp_path, clients=["alice"], now=NOW)
    assert contents(tmp_path) == before
    make_development_certs(tmp_path, force=True, now=NOW)
    assert outcomes(make_development_certs(tmp_path, now=NOW)) == ["kept", "kept", "replaced"]


def test_an_expired_authority_is_not_used(tmp_path: Path) -> None:
    make_development_certs(tmp_path, now=NOW - timedelta(days=AUTHORITY_DAYS + 1))
    before = contents(tmp_path)
    with pytest.raises(BrokenFilesError, match=r"ca\.pem expired on"):
        make_development_certs(tmp_path, now=NOW)
    assert contents(tmp_path) == before


def test_the_days_are_told_when_the_authority_cuts_them(tmp_path: Path) -> None:
    made = make_development_certs(tmp_path, days=AUTHORITY_DAYS, now=NOW - timedelta(days=AUTHORITY_DAYS - 10))
    assert not made.cut_short
    made = make_development_certs(tmp_path, days=11, now=NOW)
    assert made.cut_short
    assert made.server.info.not_after == made.authority.info.not_after
    assert not make_development_certs(tmp_path, days=10, now=NOW).cut_short


def test_a_machine_whose_name_is_no_host_name(tmp_path: Path) -> None:
    made = make_development_certs(tmp_path, machine="my_box", now=NOW)
    assert made.left_out == "my_box"
    assert made.server.info.hosts == ("localhost", "127.0.0.1", "::1")


def test_the_outermost_call_knows_the_machine_and_the_time(tmp_path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    made = make_development_certs(tmp_path, days=1)
    assert before <= made.server.info.not_after - timedelta(days=1) <= datetime.now(UTC)
    name = socket.gethostname()
    assert name.lower().removesuffix(".") in made.server.info.hosts or made.left_out == name
    assert made.authority.outcome is Outcome.MADE


def test_a_place_where_we_may_not_write_stays_untouched() -> None:
    with reachable_directory() as directory:
        make_development_certs(directory, now=NOW)
        before = contents(directory)
        # The keys are read by their owner; here they are nobody's, which a forced run does not need.
        directory.chmod(0o555)
        with without_privileges(), pytest.raises(InvalidRequestError, match="Permission denied"):
            make_development_certs(directory, force=True, now=NOW)
        directory.chmod(0o755)
        assert contents(directory) == before
