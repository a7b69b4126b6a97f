"""`securechat passwd` and `securechat certs enroll`, with a server that answers as a test wants it."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.irc.pieces import PieceInbox
from securechat.pki import CertificateInfo, make_development_certs
from securechat.tls.contexts import client_context
from tests.cli.commands import at_terminal, securechat
from tests.client.enrolment import Enroller, client_authority, signing
from tests.client.support import PASSWORD, Peer, Rule

NEW = ":a new one ü"


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an authority that signs servers, one that signs clients, and `server.pem`."""
    directory = tmp_path_factory.mktemp("certs")
    make_development_certs(directory, machine="localhost")
    return directory


@pytest.fixture
def peer(certs: Path) -> Iterator[Peer]:
    with Peer(certs / "server.pem") as peer:
        yield peer


def where(peer: Peer, certs: Path) -> list[str | Path]:
    return ["--user", "alice", "--port", str(peer.port), "--ca", certs / "ca.pem"]


def saying(line: str) -> Rule:
    return lambda *_: [f":test.example {line}"]


def passwords(peer: Peer) -> list[str]:
    (piece,) = peer.wait_for("PASSWD").params
    thing = PieceInbox().add(piece)
    assert thing is not None
    return thing.decode().split("\0")


# -- passwd -----------------------------------------------------------------------------------------------------------


def test_from_standard_input(peer: Peer, certs: Path, tmp_path: Path) -> None:
    peer.rules["PASSWD"] = saying("NOTE PASSWD CHANGED :Changed")
    lines = f"{PASSWORD}\n{NEW}\nmore\n"
    done = securechat(tmp_path, "passwd", *where(peer, certs), "--password-stdin", stdin=lines)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "changed the password of alice; your other devices have to log in again\n"
    assert passwords(peer) == [PASSWORD, NEW]
    assert peer.wait_for("QUIT")
    assert list(tmp_path.iterdir()) == []


def test_an_account_that_has_certificates(peer: Peer, certs: Path, tmp_path: Path) -> None:
    peer.rules["PASSWD"] = saying("NOTE PASSWD CHANGED 2 :Changed")
    done = securechat(tmp_path, "passwd", *where(peer, certs), "--password-stdin", stdin=f"{PASSWORD}\n{NEW}\n")
    assert (done.returncode, done.stderr) == (0, "")
    _, told = done.stdout.splitlines()
    assert told == "the certificates that log you in stay good, and /cert list shows them, in the chat"


def test_at_a_terminal_nothing_of_it_is_seen(peer: Peer, certs: Path, tmp_path: Path) -> None:
    peer.rules["PASSWD"] = saying("NOTE PASSWD CHANGED :Changed")
    with at_terminal(tmp_path, "passwd", *where(peer, certs)) as terminal:
        for question, answer in (("until now: ", PASSWORD), ("new password: ", NEW), ("same again: ", NEW)):
            terminal.expect(question)
            terminal.type(f"{answer}\n")
        terminal.expect("changed the password of alice")
        assert terminal.end() == 0
    assert passwords(peer) == [PASSWORD, NEW]
    assert PASSWORD not in terminal.screen
    assert NEW not in terminal.screen


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ([PASSWORD, "one", "two"], "the two new passwords are not the same"),
        ([PASSWORD, "", ""], "the new password is empty"),
        ([""], "the old password is empty"),
        (["\x04"], "no password was given"),
    ],
)
def test_who_mistypes_has_said_nothing(peer: Peer, certs: Path, tmp_path: Path, typed: list[str], told: str) -> None:
    with at_terminal(tmp_path, "passwd", *where(peer, certs)) as terminal:
        for question, answer in zip(("until now: ", "new password: ", "same again: "), typed, strict=False):
            terminal.expect(question)
            terminal.type(answer if answer == "\x04" else f"{answer}\n")
        terminal.expect(told)
        assert terminal.end() == 2
    assert peer.connections == 1  # by which it was made sure who is there, before the first question
    assert peer.received.empty()


@pytest.mark.parametrize(
    "lines", [b"", b"only one\n", b"\nnew\n", b"old\n\n", b"old\n\xff\n", b"ol\0d\nnew\n", b"old\nn\rew\n"]
)
def test_lines_that_are_none(peer: Peer, certs: Path, tmp_path: Path, lines: bytes) -> None:
    done = securechat(tmp_path, "passwd", *where(peer, certs), "--password-stdin", stdin=lines)
    assert done.returncode == 2
    assert done.stderr.startswith("securechat: ")
    assert peer.connections == 0


def test_without_a_terminal_it_does_not_ask(peer: Peer, certs: Path, tmp_path: Path) -> None:
    done = securechat(tmp_path, "passwd", *where(peer, certs), stdin="a\nb\n")
    assert done.returncode == 2
    assert "--password-stdin" in done.stderr
    assert peer.connections == 0


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        ("FAIL PASSWD INVALID_CREDENTIALS :x", 9, "the old password is not the right one: nothing was changed"),
        ("FAIL PASSWD WEAK_PASSWORD :It is too \x1b short", 2, "It is too ␛ short"),
        ("FAIL PASSWD UNACCEPTABLE_PASSWORD :Not that", 2, "Not that"),
        ("FAIL PASSWD TEMPORARILY_UNAVAILABLE :Not now", 12, "Not now"),
        ("FAIL PASSWD NOVELTY :", 12, "the server did not change the password, and does not say why"),
        ("421 * PASSWD :x", 12, "this server does not know PASSWD"),
    ],
)
def test_what_is_refused(peer: Peer, certs: Path, tmp_path: Path, answer: str, status: int, told: str) -> None:
    peer.rules["PASSWD"] = saying(answer)
    lines = f"{PASSWORD}\n{NEW}\n"
    done = securechat(tmp_path, "passwd", *where(peer, certs), "--password-stdin", stdin=lines)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", f"securechat: {told}\n")


def test_who_has_another_password_is_not_let_in(peer: Peer, certs: Path, tmp_path: Path) -> None:
    lines = f"wrong\n{NEW}\n"
    done = securechat(tmp_path, "passwd", *where(peer, certs), "--password-stdin", stdin=lines)
    assert done.returncode == 9
    assert "alice" in done.stderr
    assert NEW not in done.stderr


def test_a_server_that_hangs_up(peer: Peer, certs: Path, tmp_path: Path) -> None:
    def hang_up(session: object, _: object) -> list[str]:
        session.drop()  # type: ignore[attr-defined]
        return []

    peer.rules["PASSWD"] = hang_up
    lines = f"{PASSWORD}\n{NEW}\n"
    done = securechat(tmp_path, "passwd", *where(peer, certs), "--password-stdin", stdin=lines)
    assert done.returncode == 11


# -- certs enroll -----------------------------------------------------------------------------------------------------


def test_enrolling(peer: Peer, certs: Path, tmp_path: Path) -> None:
    peer.rules["CERT"] = Enroller(signing(client_authority(certs)))
    command = ["certs", "enroll", *where(peer, certs), "--out", "alice.pem"]
    done = securechat(tmp_path, *command, more={"SECURECHAT_PASSWORD": PASSWORD})
    assert (done.returncode, done.stderr) == (0, "")
    file = tmp_path / "alice.pem"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    info = CertificateInfo.read(file)
    assert info.account == "alice"
    first, *others = done.stdout.splitlines()
    assert first.endswith(f"for alice, until {info.not_after.astimezone():%Y-%m-%d %H:%M}")
    assert [line.partition(":")[0] for line in others[-2:]] == ["irssi", "WeeChat"]
    assert sum(str(file) in line for line in others) >= 2
    client_context(certs / "ca.pem", file)
    again = securechat(tmp_path, *command, more={"SECURECHAT_PASSWORD": PASSWORD})
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert peer.connections == 1


def test_enrolling_without_a_place(peer: Peer, certs: Path, tmp_path: Path) -> None:
    done = securechat(tmp_path, "certs", "enroll", *where(peer, certs))
    assert done.returncode == 2
    assert "name a file" in done.stderr
    assert peer.connections == 0


def test_enrolling_where_there_is_no_authority(peer: Peer, certs: Path, tmp_path: Path) -> None:
    peer.rules["CERT"] = saying("FAIL CERT ENROLMENT_UNAVAILABLE :No certificates are made here")
    done = securechat(
        tmp_path,
        *("certs", "enroll", *where(peer, certs), "--out", "alice.pem"),
        more={"SECURECHAT_PASSWORD": PASSWORD},
    )
    assert (done.returncode, done.stderr) == (12, "securechat: No certificates are made here\n")
    assert list(tmp_path.iterdir()) == []


def test_both_say_what_they_are_not() -> None:
    here = Path.cwd()
    assert "securechat user passwd" in securechat(here, "passwd", "--help").stdout.replace("\n  ", " ")
    assert "client-ca.key" in securechat(here, "certs", "enroll", "--help").stdout
