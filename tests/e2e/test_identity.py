"""Who one is, changed from inside the chat and beside it, with a server as it is: passwords, certificates, links."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from securechat.irc.links import JoinLink
from securechat.pki import CertificateInfo
from tests.cli.commands import securechat
from tests.client.screens import Terminal
from tests.e2e.connects import connect, connected
from tests.e2e.servers import PASSWORD, MakePlace, Server, running

NEW = "xyzzy :plugh ü"


@pytest.fixture
def server(make_place: MakePlace) -> Iterator[Server]:
    """One for each test, since they change the accounts."""
    with running(make_place()) as one:
        yield one


def where(server: Server, user: str = "alice") -> list[str | Path]:
    return ["--user", user, "--port", str(server.port), "--ca", server.place.ca]


@contextmanager
def at_screen(server: Server) -> Iterator[Terminal]:
    screen = Terminal(server.port, server.place.ca)
    try:
        screen.wait_for("#lobby>")
        yield screen
    finally:
        screen.close()


def no_secret(server: Server, *secrets: str) -> bool:
    """Stop the server, and look whether its log has one of them."""
    assert server.stop() == 0
    return not any(secret.encode() in server.output for secret in secrets)


def test_a_new_password_beside_the_chat(server: Server) -> None:
    place = server.place
    with connected(server, "alice") as other:
        lines = f"{PASSWORD}\n{NEW}\n"
        done = securechat(place.home, "passwd", *where(server), "--password-stdin", stdin=lines)
        assert (done.returncode, done.stderr) == (0, "")
        assert other.process.wait(20) == 9  # it comes back with the old one
    assert connect(server, "alice").returncode == 9
    assert connect(server, "alice", password=NEW).returncode == 0
    done = securechat(place.home, "passwd", *where(server), "--password-stdin", stdin=f"{PASSWORD}\n{NEW}\n")
    assert done.returncode == 9
    done = securechat(place.home, "passwd", *where(server), "--password-stdin", stdin=f"{NEW}\nshort\n")
    assert done.returncode == 2
    assert no_secret(server, PASSWORD, NEW, "plugh")


def test_a_new_password_in_the_chat(server: Server) -> None:
    with at_screen(server) as screen:
        screen.type("/passwd\r")
        for question, answer in (("until now:", "wrong"), ("new password:", NEW), ("same again:", NEW)):
            screen.wait_for(question)
            screen.type(f"{answer}\r")
        screen.wait_for("! the old password is not the right one: nothing was changed")
        screen.type("/passwd\r")
        for question, answer in (("until now:", PASSWORD), ("new password:", NEW), ("same again:", NEW)):
            screen.wait_for(question)
            screen.type(f"{answer}\r")
        screen.wait_for("* your password is changed")
        screen.type("still here\r")
        screen.wait_for("<alice> still here")
        assert PASSWORD not in screen.raw
        assert "xyzzy" not in screen.raw
        screen.type("exit\r")
        assert screen.end() == 0
    assert connect(server, "alice", password=NEW).returncode == 0
    assert no_secret(server, PASSWORD, NEW)


def test_a_key_of_one_s_own_logs_in(server: Server) -> None:
    home = server.place.home
    done = securechat(
        home, "certs", "enroll", *where(server), "--out", "alice.pem", more={"SECURECHAT_PASSWORD": PASSWORD}
    )
    assert (done.returncode, done.stderr) == (0, "")
    file = home / "alice.pem"
    assert CertificateInfo.read(file).account == "alice"
    done = connect(server, "alice", "--cert", str(file), password="")
    assert (done.returncode, done.stdout) == (0, "* alice joined #lobby\n")
    server.logged("login", how="EXTERNAL", account="alice")
    # What it is for is alice, and nobody else.
    assert connect(server, "bob", "--cert", str(file), password="").returncode == 9


def test_a_certificate_from_inside_the_chat(server: Server) -> None:
    home = server.place.home
    file = home / "mine.pem"
    with at_screen(server) as screen:
        screen.type("/cert add\r")
        screen.wait_for("! This connection shows no certificate")
        screen.type(f"/cert enroll {file}\r")
        screen.wait_for("-- the server has certified a key of this machine for alice, until ")
        screen.wait_for("-- WeeChat: ")
        fingerprint = CertificateInfo.read(file).fingerprint
        screen.type("/cert\r")
        screen.wait_for("* signed by the server, good from ")
        screen.wait_for(fingerprint)
        screen.type(f"/cert add {file}\r")
        screen.wait_for(f"from now on you log in with the certificate {CertificateInfo.read(file).fingerprint}")
        screen.type("/cert list\r")
        screen.wait_for("* alice, added ")
        screen.wait_for(fingerprint)
        screen.type("/cert del 00000000\r")
        screen.wait_for("You have no such certificate (00000000)")
        screen.type(f"/cert del {fingerprint[:8].upper()}\r")
        screen.wait_for("you no longer log in with the certificate")
        listed = securechat(home, "certs", "list", "--json", "--out", str(server.place.cert.parent)).stdout
        assert [one["state"] for one in json.loads(listed) if one["fingerprint"] == fingerprint] == ["revoked"]
        screen.type("/server\r")
        screen.wait_for(CertificateInfo.read(server.place.cert).fingerprint)
        screen.wait_for(CertificateInfo.read(server.place.ca).spki_fingerprint)
        screen.wait_for("encrypted with TLSv1.3")
        screen.type("exit\r")
        assert screen.end() == 0


def test_one_s_certificate_is_shown_to_oneself(server: Server) -> None:
    file = server.place.home / "alice.pem"
    enrolled = ("certs", "enroll", *where(server), "--out", str(file))
    assert securechat(server.place.home, *enrolled, more={"SECURECHAT_PASSWORD": PASSWORD}).returncode == 0
    screen = Terminal(server.port, server.place.ca, "--cert", str(file))
    try:
        screen.wait_for("#lobby>")
        screen.type("/whois alice\r")
        screen.wait_for(f"has client certificate fingerprint {CertificateInfo.read(file).fingerprint}")
        screen.type("/server\r")
        screen.wait_for("* you are alice, logged in by your certificate (SASL EXTERNAL)")
        screen.type("/cert add\r")
        screen.wait_for(f"from now on you log in with the certificate {CertificateInfo.read(file).fingerprint}")
    finally:
        screen.close()


def test_an_invitation_from_inside_the_chat(make_place: MakePlace) -> None:
    place = make_place()
    data = ("--data", place.data.path)
    added = securechat(place.home, "user", "add", "root", "--admin", "--password-stdin", *data, stdin=f"{PASSWORD}\n")
    assert added.returncode == 0
    with running(place) as server:
        with at_screen(server) as screen:
            screen.type("/invitation\r")
            screen.wait_for("! ")
        screen = Terminal(server.port, place.ca, "--user", "root")
        try:
            screen.wait_for("#lobby>")
            screen.type("/invitation for eve expires 2h\r")
            screen.wait_for("* invitation ")
            screen.wait_for("\nsecurechat://")
            screen.wait_for("\n")
            text = re.search(r"^securechat://\S+$", screen.text, re.MULTILINE)
            assert text is not None
            link = JoinLink.parse(text[0])
            assert link.fingerprint == CertificateInfo.read(place.ca).spki_fingerprint
            screen.type("/invitation list\r")
            screen.wait_for("for eve, 1 of 1 left, good until ")
            screen.wait_for("open")
            found = re.search(r"\* invitation ([0-9a-f]{12}), good until", screen.text)
            assert found is not None
            screen.type(f"/invitation revoke {found[1]}\r")
            screen.wait_for("lets nobody in any more")
            screen.type("/invitation revoke 000000000000\r")
            screen.wait_for("! there is no invitation 000000000000")
            screen.type("/invitation expires 1s\r")
            screen.wait_for("! ")
        finally:
            screen.close()
        assert no_secret(server, link.code)


def test_the_whole_way_with_a_saved_server(server: Server) -> None:
    """Saved once with the password, then with a key of this machine: nothing is asked any more."""
    home, secret = server.place.home, {"SECURECHAT_PASSWORD": PASSWORD}
    fingerprint = CertificateInfo.read(server.place.ca).spki_fingerprint
    at = ("--host", "localhost", "--port", str(server.port))
    done = securechat(home, "connect", "--user", "alice", *at, "--fingerprint", fingerprint, more=secret)
    assert done.returncode == 0, done.stderr
    done = securechat(home, "certs", "enroll", more=secret)
    assert done.returncode == 0, done.stderr
    assert "it is kept for localhost: from now on `securechat connect`" in done.stdout
    done = securechat(home, "connect", stdin="hello\n")
    assert (done.returncode, done.stdout) == (0, "* alice joined #lobby\n")
    server.logged("login", how="EXTERNAL", account="alice")
    # A second one is asked for with the first, and takes its place.
    (file,) = home.rglob("client.pem")
    before = file.read_bytes()
    done = securechat(home, "certs", "enroll")
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() != before
    done = securechat(home, "passwd", "localhost", "--password-stdin", stdin=f"{PASSWORD}\n{NEW}\n")
    assert done.returncode == 0, done.stderr
    assert securechat(home, "connect").returncode == 0
    key = b"".join(file.read_bytes().partition(b"-----END PRIVATE")[0].splitlines()[1:])
    assert no_secret(server, PASSWORD, NEW, key.decode()[60:])
