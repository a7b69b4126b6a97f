"""`/cert`, `/passwd`, `/invitation` and `/server`: what is sent, what is asked, and what is told of the answers."""

import base64
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from securechat.client import plain
from securechat.client.commands import COMMANDS, obey
from securechat.client.events import Event, Refused, ServerSaid
from securechat.client.logins import Certificate, Invitation, Password
from securechat.client.saved_door import SavedDoor
from securechat.client.servers import SavedServer, SavedServers
from securechat.client.steady import Steady
from securechat.irc.pieces import PieceInbox
from securechat.pki import CertificateInfo
from tests.client.clients import steady
from tests.client.enrolment import Enroller, client_authority, signing
from tests.client.screens import Screen, at_screen
from tests.client.support import PASSWORD, Peer, Recorder

FINGERPRINT = "0123456789abcdef" * 4
NO_FINGERPRINT = "! a fingerprint has 64 of 0-9 and a-f, of which the first 8 are enough: /cert list shows them"
CODE = "A" * 22
LINK = f"securechat://localhost:6697/{CODE}#{FINGERPRINT}"


@pytest.fixture
def peer(certs: Path) -> Iterator[Peer]:
    with Peer(certs / "server.pem") as peer:
        yield peer


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def screen(peer: Peer, ca: Path, recorder: Recorder) -> Iterator[Screen]:
    with steady(peer, ca, recorder) as chat:
        chat.wait_until_here()
        yield Screen(chat)


def told(recorder: Recorder, kind: type[Event]) -> str | None:
    event = recorder.wait_for(kind)
    return plain.refusal(event) if isinstance(event, Refused) else plain.line(event, None)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("/cert", ["CERT", "LIST"]),
        ("/cert list", ["CERT", "LIST"]),
        ("/cert add", ["CERT", "ADD", "*"]),
        ("/cert del 01234567", ["CERT", "DEL", "01234567"]),
        ("/cert del 01:23:45:67:AB", ["CERT", "DEL", "01234567ab"]),
        (f"/cert del {FINGERPRINT[:32]} {FINGERPRINT[32:]}", ["CERT", "DEL", FINGERPRINT]),
        ("/invitation", ["INVITATION", "NEW"]),
        ("/invitation admin", ["INVITATION", "NEW", "admin"]),
        ("/invitation expires 1d12h uses 5 for bob", ["INVITATION", "NEW", "expires=1d12h", "uses=5", "for=bob"]),
        ("/invitation for admin admin", ["INVITATION", "NEW", "for=admin", "admin"]),
        ("/invitation host chat.example.org port 7000", ["INVITATION", "NEW", "host=chat.example.org", "port=7000"]),
        ("/invitation list", ["INVITATION", "LIST"]),
        ("/invitation revoke 0123456789ab", ["INVITATION", "REVOKE", "0123456789ab"]),
    ],
)
def test_what_is_sent(peer: Peer, screen: Screen, typed: str, sent: list[str]) -> None:
    obey(screen, typed)
    message = peer.wait_for(sent[0])
    assert [message.command, *message.params] == sent
    assert screen.shown == []


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (f"/{words}", f"! it is {COMMANDS[words.split()[0]].usage}: /help {words.split()[0]} tells more")
        for words in ("cert x", "cert list x", "invitation list x", "invitation revoke", "invitation revoke a b")
    ]
    + [
        (f"/invitation {words}", f"! {wrong} can't stand there: what can is for NAME, uses 5, expires 7d, admin, "
         "host NAME and port N, one or several")
        for words, wrong in (("x", "x"), ("admin admin", "admin"), ("uses 1 uses 2", "uses"), ("for bob x", "x"))
    ]
    + [
        ("/cert del", NO_FINGERPRINT),
        ("/cert del 0123456", NO_FINGERPRINT),
        ("/cert del 0123456g", NO_FINGERPRINT),
        (f"/cert del {FINGERPRINT}0", NO_FINGERPRINT),
        ("/cert enroll", "! this server is not saved on this machine for this account: name a file for the "
         "key and its certificate"),
        ("/invitation for 1bob", "! behind for there has to be the name of an account, not 1bob"),
        ("/invitation uses", "! behind uses there has to be a number, as in: uses 5, not nothing"),
        ("/invitation uses 0", "! behind uses there has to be a number, as in: uses 5, not 0"),
        ("/invitation expires 24", "! behind expires there has to be a time, as in: expires 24h, or 7d, not 24"),
        ("/passwd secret", "! it is /passwd alone: it asks for the passwords, and nobody sees them"),
        ("/server x", "! it is /server"),
        ("/help tanzen", "! there is no command /tanzen: /help shows all"),
    ],
)  # fmt: skip
def test_what_makes_no_sense(screen: Screen, typed: str, shown: str) -> None:
    obey(screen, typed)
    assert screen.shown == [shown]
    assert screen.client.unanswered() == 0


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.forms])
def test_help_with_one_command(screen: Screen, name: str) -> None:
    for typed in (f"/help {name}", f"/help /{name.upper()}"):
        screen.shown.clear()
        obey(screen, typed)
        assert COMMANDS[name].usage in screen.shown[0]
        for (parameters, about), line in zip(COMMANDS[name].forms, screen.shown[1:], strict=True):
            assert line.startswith(f"  /{name} {parameters}")
            assert line.endswith(f"  {about}")
        assert all(len(line) < 80 for line in screen.shown)


@pytest.mark.parametrize(
    ("typed", "answer", "line"),
    [
        ("/cert add", f"NOTE CERT ADDED {FINGERPRINT} :x",
         f"* from now on you log in with the certificate {FINGERPRINT}"),
        ("/cert del 01234567", f"NOTE CERT REMOVED {FINGERPRINT} :x",
         f"* you no longer log in with the certificate {FINGERPRINT}"),
        ("/cert", f"NOTE CERT CERTIFICATE {FINGERPRINT} 2026-01-31T12:00:00.000Z 2027-01-31T12:00:00.000Z :my \x1b key",
         f"* my ␛ key, added <2026-01-31T12:00:00Z>, good until <2027-01-31T12:00:00Z>: {FINGERPRINT}"),
        ("/cert", "NOTE CERT END_OF_CERTIFICATES :x",
         "* no certificate is known that logs you in; /cert enroll makes one"),
        ("/cert", f"NOTE CERT CERTIFICATE {FINGERPRINT} 2026-01-31T12:00:00.000Z 2027-01-31T12:00:00.000Z enrolled :x",
         f"* signed by the server, good from <2026-01-31T12:00:00Z> until <2027-01-31T12:00:00Z>: {FINGERPRINT}"),
        ("/cert", "NOTE CERT CERTIFICATE x y z :odd", "-test.example- odd"),
        ("/quote PASSWD +", "NOTE PASSWD CHANGED 2 :x", "* your password is changed: your other devices have to log in "
         "again, with the new one; the certificates that log you in stay good, and /cert list shows them"),
        ("/cert", "NOTE CERT CERTIFICATE :odd", "-test.example- odd"),
        ("/cert", "NOTE CERT NOVELTY a b :in words", "-test.example- in words"),
        ("/quote CERT AUTHORITY", "CERT END AUTHORITY", "* CERT AUTHORITY: 0 came, which are for programs"),
        ("/invitation", f"NOTE INVITATION LINK 0123456789ab 2026-01-31T12:00:00.000Z :{LINK}",
         f"* invitation 0123456789ab, good until <2026-01-31T12:00:00Z>: {LINK}"),
        ("/invitation list", "NOTE INVITATION INVITED 0123456789ab 1/3 2026-01-31T12:00:00.000Z * account "
         ":made by alice; open", "* invitation 0123456789ab for anybody, 1 of 3 left, good until "
         "<2026-01-31T12:00:00Z>, made by alice; open"),
        ("/invitation list", "NOTE INVITATION INVITED 0123456789ab 1/1 2026-01-31T12:00:00.000Z bob admin "
         ":made by alice; used", "* invitation 0123456789ab for bob, as administrator, 1 of 1 left, good until "
         "<2026-01-31T12:00:00Z>, made by alice; used"),
        ("/invitation list", "NOTE INVITATION INVITED 0123456789ab 1/1 2026-01-31T12:00:00.000Z bob reset "
         ":made by alice; open", "* invitation 0123456789ab lets bob choose a new password, 1 of 1 left, good until "
         "<2026-01-31T12:00:00Z>, made by alice; open"),
        ("/invitation list", "NOTE INVITATION END_OF_INVITATIONS :x", "* there are no invitations"),
        ("/invitation revoke 0123456789ab", "NOTE INVITATION REVOKED 0123456789ab :x",
         "* invitation 0123456789ab lets nobody in any more"),
        ("/whois bob", f"276 alice bob :has client certificate fingerprint {FINGERPRINT}",
         f"* bob has client certificate fingerprint {FINGERPRINT}"),
    ],
)  # fmt: skip
def test_what_is_told(peer: Peer, screen: Screen, recorder: Recorder, typed: str, answer: str, line: str) -> None:
    command = (typed.removeprefix("/quote ").removeprefix("/")).split()[0].upper()
    peer.rules[command] = lambda *_: [f":test.example {answer}"]
    obey(screen, typed)
    for time in ("2026-01-31T12:00:00", "2027-01-31T12:00:00"):
        line = line.replace(f"<{time}Z>", f"{datetime.fromisoformat(time + '+00:00').astimezone():%Y-%m-%d %H:%M}")
    while (found := told(recorder, ServerSaid)) != line:  # the start has its own
        assert found is None or "MOTD" in found
    assert screen.shown == []


@pytest.mark.parametrize(
    ("typed", "answer", "line"),
    [
        ("/cert", "421 alice CERT :Unknown command", "this server does not know CERT"),
        ("/cert", "FAIL CERT ACCOUNT_REQUIRED :Log in first", "Log in first"),
        ("/cert add", "FAIL CERT INVALID_CERTIFICATE :{0.__class__} is none", "{0.__class__} is none"),
        ("/cert del 01234567", "FAIL CERT NO_SUCH_CERTIFICATE 01234567 :No such one", "No such one (01234567)"),
        ("/invitation", "FAIL INVITATION NO_PRIVS x :Only administrators", "Only administrators (x)"),
        ("/invitation revoke ab", "FAIL INVITATION NO_SUCH_INVITATION ab :x",
         "there is no invitation ab: /invitation list shows those that there are"),
    ],
)  # fmt: skip
def test_what_is_refused(peer: Peer, screen: Screen, recorder: Recorder, typed: str, answer: str, line: str) -> None:
    peer.rules[typed[1:].split()[0].upper()] = lambda *_: [f":test.example {answer}"]
    obey(screen, typed)
    assert told(recorder, Refused) == line


def test_the_end_of_a_list_is_told_only_where_there_is_none(peer: Peer, screen: Screen, recorder: Recorder) -> None:
    entry = f"NOTE CERT CERTIFICATE {FINGERPRINT} 2026-01-31T12:00:00.000Z 2027-01-31T12:00:00.000Z :x"
    answers = [[entry, entry, "NOTE CERT END_OF_CERTIFICATES :x"], ["NOTE CERT END_OF_CERTIFICATES :x"]]
    peer.rules["CERT"] = lambda *_: [f":test.example {line}" for line in answers.pop(0)]
    obey(screen, "/cert")
    obey(screen, "/cert")
    lines = []
    while "no certificate is known" not in str(line := told(recorder, ServerSaid)):
        lines.append(line)
    assert [line is not None for line in lines[-3:]] == [True, True, False]


# -- certificates -----------------------------------------------------------------------------------------------------


def test_a_certificate_from_a_file_goes_without_its_key(peer: Peer, screen: Screen, certs: Path) -> None:
    file = certs / "clients" / "alice.pem"
    obey(screen, f"/cert add {file}")
    inbox, thing, lines = PieceInbox(), None, []
    while thing is None:
        message = peer.wait_for("CERT")
        assert message.params[0] == "ADD"
        lines.append(message.params[1])
        thing = inbox.add(message.params[1])
    assert CertificateInfo.of(x509.load_der_x509_certificate(thing)) == CertificateInfo.read(file)
    key = load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    secret = key.private_numbers().private_value.to_bytes(32, "big")
    assert secret not in thing
    assert base64.b64encode(secret).decode()[:40] not in "".join(lines)


@pytest.mark.parametrize("what", ["nothing", "directory", "key"])
def test_files_that_hold_none(screen: Screen, tmp_path: Path, what: str) -> None:
    file = tmp_path / "it"
    if what == "directory":
        file.mkdir()
    elif what == "key":
        file.write_text("-----BEGIN PRIVATE KEY-----\n")
    obey(screen, f"/cert add {file}")
    assert len(screen.shown) == 1
    assert screen.shown[0].startswith(f"! {file} ")
    assert screen.client.unanswered() == 0


def test_enrolling_into_a_file(peer: Peer, screen: Screen, certs: Path, tmp_path: Path) -> None:
    peer.rules["CERT"] = Enroller(signing(client_authority(certs)))
    file = tmp_path / "with space.pem"
    obey(screen, f"/cert enroll {file}")
    assert screen.shown[0].startswith("-- the server has certified a key of this machine for alice, until ")
    assert any(f"`securechat connect --cert '{file}'` logs in with it" in line for line in screen.shown)
    assert CertificateInfo.read(file).account == "alice"
    screen.shown.clear()
    obey(screen, f"/cert enroll {file}")
    assert screen.shown == [f"! {file} is there already: name another file, or take that one away"]


def test_enrolling_for_the_saved_server(peer: Peer, ca: Path, certs: Path, tmp_path: Path) -> None:
    peer.rules["CERT"] = Enroller(signing(client_authority(certs)))
    servers = SavedServers(tmp_path / "servers")
    authority = x509.load_pem_x509_certificate(ca.read_bytes())
    trust = CertificateInfo.read(ca).spki_fingerprint
    server = SavedServer("test", "localhost", peer.port, "alice", trust)
    chat = Steady(
        Recorder(), SavedDoor(servers, server, authority, Password("alice", PASSWORD), print, saved=False), ()
    )
    chat.connect()  # which saves it
    chat.start()
    try:
        screen = Screen(chat)
        obey(screen, "/cert enroll")
        assert servers.load("test").certificate
        assert any("from now on `securechat connect`" in line for line in screen.shown)
    finally:
        chat.leave()


def test_enrolling_that_comes_to_nothing(peer: Peer, screen: Screen, certs: Path, tmp_path: Path) -> None:
    obey(screen, f"/cert enroll {tmp_path / 'alice.pem'}")
    peer.rules["CERT"] = Enroller(signing(client_authority(certs), "bob"))
    obey(screen, f"/cert enroll {tmp_path / 'alice.pem'}")
    screen.chat.door.login = None
    obey(screen, f"/cert enroll {tmp_path / 'alice.pem'}")
    assert screen.shown == [
        "! this server does not know CERT",
        "! the server sent a certificate that is no use: it is for another account than alice",
        "! you are not logged in, so there is no account to which a key could belong",
    ]
    assert list(tmp_path.iterdir()) == []


def test_without_a_connection(peer: Peer, screen: Screen, tmp_path: Path) -> None:
    screen.client.leave()
    for typed in ("/cert", "/passwd", f"/cert enroll {tmp_path / 'a'}", "/invitation"):
        obey(screen, typed)
    assert len(screen.shown) == 4
    assert all(line.startswith("! there is no connection") for line in screen.shown)


# -- the password -----------------------------------------------------------------------------------------------------


def _passwords(peer: Peer) -> list[str]:
    """What comes with PASSWD."""
    inbox, thing = PieceInbox(), None
    while thing is None:
        (piece,) = peer.wait_for("PASSWD").params
        thing = inbox.add(piece)
    return thing.decode().split("\0")


@pytest.mark.parametrize("new", ["wrong horse", ":%s ü 🦊", "x" * 1000])
def test_a_new_password(peer: Peer, screen: Screen, recorder: Recorder, new: str) -> None:
    def change(_: object, message: object) -> list[str]:
        return [":test.example NOTE PASSWD CHANGED :x"] if len(peer_pieces(message)) < 400 else [":test.example ACK"]

    peer.rules["PASSWD"] = change
    obey(screen, "/passwd")
    assert screen.asked == ["Your password until now: ", "Your new password: ", "The same again: "]
    assert screen.client.unanswered() == 0
    screen.answer(PASSWORD, new, new)
    assert _passwords(peer) == [PASSWORD, new]
    while told(recorder, ServerSaid) != (
        "* your password is changed: your other devices have to log in again, with the new one"
    ):
        pass
    assert screen.chat.door.login == Password("alice", new)
    assert screen.shown == []


def peer_pieces(message: object) -> str:
    return message.params[0]  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        (("a", "b", "c"), "the two new passwords are not the same: nothing was changed"),
        (("a", "", ""), "the new password is empty: nothing was changed"),
        (("", "b", "b"), "the old password is empty: nothing was changed"),
        (("a", "b\nc", "b\nc"), "a password has one line, and no NUL: nothing was changed"),
        (("a\0", "b", "b"), "a password has one line, and no NUL: nothing was changed"),
        (("a", "\ud800", "\ud800"), "the password has something in it that is no text: nothing was changed"),
    ],
)
def test_passwords_that_are_none(screen: Screen, answers: tuple[str, ...], shown: str) -> None:
    obey(screen, "/passwd")
    screen.answer(*answers)
    assert screen.shown == [f"! {shown}"]
    assert screen.client.unanswered() == 0


def test_a_new_password_that_is_refused(peer: Peer, screen: Screen, recorder: Recorder) -> None:
    answers = ["FAIL PASSWD INVALID_CREDENTIALS :No", "FAIL PASSWD WEAK_PASSWORD :Too short", "421 alice PASSWD :No"]
    for answer, line in zip(answers, ["the old password is not the right one: nothing was changed", "Too short",
                                      "this server does not know PASSWD"], strict=True):  # fmt: skip
        peer.rules["PASSWD"] = lambda *_, answer=answer: [f":test.example {answer}"]
        obey(screen, "/passwd")
        screen.answer("old", "newnewnew", "newnewnew")
        assert told(recorder, Refused) == line
    assert screen.chat.door.login == Password("alice", PASSWORD)


def test_what_logs_in_the_next_time(screen: Screen) -> None:
    door = screen.chat.door
    for login, after in (
        (Password("alice@phone", "old", scram=False), Password("alice@phone", "new")),
        (Certificate("alice", Password("alice", "old")), Certificate("alice", Password("alice", "new"))),
        (Certificate("alice"), Certificate("alice")),
        (None, None),
    ):
        door.login = login
        assert door.account == ("" if login is None else "alice")
        door.password_changed("new")
        assert door.login == after
    door.login = Invitation("code", "alice", "secret")
    assert door.account == "alice"


def test_nobody_sees_a_password_at_a_terminal(peer: Peer, ca: Path) -> None:
    peer.rules["PASSWD"] = lambda *_: [":test.example NOTE PASSWD CHANGED :x"]
    with at_screen(peer, ca) as screen:
        screen.wait_for("#lobby>")
        screen.type("/passwd\r")
        screen.wait_for("Your password until now:")
        screen.type("xyzzy old\r")
        screen.wait_for("Your new password:")
        screen.type("\x1b[200~xyzzy new\n\x1b[201~\r")
        screen.wait_for("The same again:")
        screen.type("xyzzy neW\x7fw\r")
        assert _passwords(peer) == ["xyzzy old", "xyzzy new"]
        screen.wait_for("* your password is changed")
        screen.wait_for("#lobby>")
        # Neither the arrow for what was typed before nor the key for what was cut out brings it back.
        screen.type("\x1b[A\x19 and on\r")
        screen.wait_for("! it is /passwd alone")
        assert "xyzzy" not in screen.raw
        assert peer.said == []


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_who_would_rather_not_keeps_the_password_and_the_chat(peer: Peer, ca: Path, key: str) -> None:
    with at_screen(peer, ca) as screen:
        screen.wait_for("#lobby>")
        screen.type("/passwd\r")
        screen.wait_for("Your password until now:")
        screen.type("xyzzy\r")
        screen.wait_for("Your new password:")
        screen.type(f"x{key if key == chr(3) else chr(127) + key}")
        screen.wait_for("-- never mind, then: nothing was changed")
        screen.type("still here\r")
        screen.wait_for("<alice> still here")
        screen.type("exit\r")
        assert screen.end() == 0
        assert "xyzzy" not in screen.raw


def test_a_connection_that_ends_while_one_is_asked(peer: Peer, ca: Path) -> None:
    with at_screen(peer, ca, "--no-reconnect") as screen:
        screen.wait_for("#lobby>")
        screen.type("/passwd\r")
        screen.wait_for("Your password until now:")
        screen.type("xyzzy")
        peer.came.get().drop()
        assert screen.end() == 11
        assert "xyzzy" not in screen.raw
        assert "Traceback" not in screen.text


# -- the rest of it at a terminal -------------------------------------------------------------------------------------


def test_a_link_is_one_row_to_be_copied(peer: Peer, ca: Path) -> None:
    peer.rules["INVITATION"] = lambda *_: [
        f":test.example NOTE INVITATION LINK 0123456789ab 2026-01-31T12:00:00.000Z :{LINK}"
    ]
    for columns in (80, 15):
        with at_screen(peer, ca, columns=columns) as screen:
            screen.wait_for("#lobby>")
            screen.type("/invitation\r")
            screen.wait_for(f"\n{LINK}\n")
            assert f"\n{LINK}\r\n" in screen.raw


def test_what_only_looks_like_a_link_is_wrapped_as_all_else(peer: Peer, ca: Path) -> None:
    fake = "securechat://x:1/ 12:34 <bob> " + "x" * 100
    peer.rules["INVITATION"] = lambda *_: [
        f":test.example NOTE INVITATION LINK 0123456789ab 2026-01-31T12:00:00.000Z :{fake}"
    ]
    with at_screen(peer, ca) as screen:
        screen.wait_for("#lobby>")
        screen.type("/invitation\r")
        screen.wait_for("xxx\n")
        assert "\n12:34 <bob>" not in screen.raw
        assert "\nsecurechat:" not in screen.raw


def test_with_whom_one_speaks(peer: Peer, screen: Screen, ca: Path, certs: Path) -> None:
    obey(screen, "/server")
    server, authority = CertificateInfo.read(certs / "server.pem"), CertificateInfo.read(ca)
    until = f"{server.not_after.astimezone():%Y-%m-%d %H:%M}"
    assert screen.shown[:6] == [
        f"* you speak with test.example, of Test, at localhost port {peer.port}",
        f"* its certificate is for {', '.join(server.hosts)}, with the fingerprint",
        f"*   {server.fingerprint}",
        f"* verified by {authority.name}, whose key has the fingerprint (that of invitations)",
        f"*   {authority.spki_fingerprint}",
        f"* its certificate is valid until {until}, for 364 more days",
    ]
    assert screen.shown[6].startswith("* encrypted with TLSv1.3, TLS_")
    assert screen.shown[7:] == ["* you are alice, logged in by your password (SASL PLAIN)"]
