"""Invitations as they are used: a command makes a link, a server that runs takes the code, and both may be killed."""

import signal
from pathlib import Path

from securechat.irc.links import JoinLink
from securechat.pki import CertificateInfo
from tests.cli.commands import securechat
from tests.e2e.servers import UNHURRIED, Place, Server, running
from tests.e2e.wires import Chatter, Ended, Wire
from tests.forked import fresh

NEW = "xyzzy a new horse"


def ask(place: Place, *arguments: str) -> tuple[str, str]:
    """What a command of the operator's says on standard output and standard error."""
    done = securechat(place.home, *arguments, "--data", place.data.path)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def link(place: Place, *arguments: str) -> JoinLink:
    (line,) = ask(place, *arguments)[0].splitlines()
    return JoinLink.parse(line)


def register(server: Server, nick: str, code: str, password: str = NEW) -> str:
    """Come with a code; what the answer to REGISTER is called."""
    with Wire(server) as wire:
        wire.send("CAP LS 302", f"PASS invite:{code}", f"NICK {nick}", f"REGISTER * * :{password}")
        while True:
            message = wire.message()
            if message.command == "FAIL":
                return message.params[1]
            if message.command == "REGISTER":
                wire.expect("900")
                wire.send("USER u 0 * :r", "CAP END")
                wire.expect("001", nick)
                return message.params[0]


def command_lines() -> str:
    """Of all processes that this user may see."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue  # it has ended
    return "\n".join(lines)


def test_from_the_link_to_the_account(place: Place) -> None:
    with running(place) as server:
        made = link(place, "invite", "--name", "mallory")
        assert (made.host, made.port) == ("localhost", server.port)  # where it really listens
        assert made.fingerprint == CertificateInfo.read(place.ca).spki_fingerprint
        with Wire(server) as wire:
            wire.send(f"INVITATION CHECK {made.code}")
            wire.expect("NOTE", "INVITATION", "VALID", "mallory", "account")
        assert register(server, "eve", made.code) == "BAD_ACCOUNT_NAME"
        assert register(server, "mallory", made.code) == "SUCCESS"
        assert register(server, "mallory", made.code) == "USED_CODE"
        server.logged("invitation made", by="the operator", account="mallory")
        server.logged("invitation used", account="mallory")
        server.logged("invitation refused", why="name")
        server.logged("invitation refused", why="used")
        with Chatter(server, "mallory", password=NEW) as mallory:
            assert mallory.nick == "mallory"


def test_codes_survive_the_server(place: Place) -> None:
    """One is as good, or as used up, as it was acknowledged before the server was killed."""
    before = link(place, "invite", "--ca", str(place.ca), "--host", "localhost")
    with running(place) as server:
        second = link(place, "invite", "--uses", "2")
        assert register(server, "first", before.code) == "SUCCESS"
        assert register(server, "second", second.code) == "SUCCESS"
        server.kill()
    with running(place) as server:
        assert register(server, "third", before.code) == "USED_CODE"
        assert register(server, "third", second.code) == "SUCCESS"
        assert register(server, "fourth", second.code) == "USED_CODE"
        assert ask(place, "invite", "list")[0].count(" used ") == 2


def test_a_forgotten_password(place: Place) -> None:
    with running(place) as server, Chatter(server, "alice") as alice:
        made = link(place, "user", "reset", "alice")
        alice.sync()  # nothing has happened to her yet
        assert register(server, "alice", made.code) == "SUCCESS"
        try:
            while True:
                last = alice.line()
        except Ended:
            assert "The password was changed" in last
        with Chatter(server, "alice", password=NEW):
            pass


def test_where_the_configuration_leads_after_a_reload(place: Place) -> None:
    with running(place) as server:
        place.configure(f"{UNHURRIED}[invitations]\nhost = 'chat.example.org'\nport = 443\n")
        server.process.send_signal(signal.SIGHUP)
        server.logged("configuration reloaded")
        made = link(place, "invite")
        assert (made.host, made.port) == ("chat.example.org", 443)


@fresh()
def test_codes_and_passwords_stay_where_they_are(place: Place) -> None:
    """Used, refused and throttled; with the log at its most talkative."""
    secrets = {}
    with running(place, config="[server]\npassword = 'open sesame'\n") as server:
        for name, arguments in {
            "used": ["invite"],
            "of an administrator": ["invite", "--admin"],
            "of a reset": ["user", "reset", "bob"],
            "left alone": ["invite", "--uses", "3"],
        }.items():
            secrets[name] = link(place, *arguments).code
            assert secrets[name] not in ask(place, "invite", "list")[0]
        assert register(server, "used", secrets["used"]) == "SUCCESS"
        assert register(server, "ruler", secrets["of an administrator"]) == "SUCCESS"
        assert register(server, "bob", secrets["of a reset"]) == "SUCCESS"
        assert register(server, "late", secrets["used"]) == "USED_CODE"
        guess = secrets["guessed"] = "xyzzy-guess-0123456789"
        for _ in range(4):  # the last one is kept waiting for a second
            assert register(server, "guesser", guess) == "INVALID_CODE"
        server.logged("login failed", how="invitation", why="wrong")
        with Wire(server) as boss:
            boss.send("PASS :open sesame", "CAP LS 302", "CAP REQ :sasl", "NICK ruler", "USER u 0 * :r")
            boss.send("AUTHENTICATE PLAIN", "AUTHENTICATE AHJ1bGVyAHh5enp5IGEgbmV3IGhvcnNl", "CAP END")
            boss.expect("001", "ruler")
            boss.send("INVITATION NEW", f"INVITATION REVOKE {secrets['left alone']}")
            made = boss.expect("NOTE", "INVITATION", "LINK")
            secrets["made on the chat"] = JoinLink.parse(made.params[-1]).code
            boss.expect("FAIL", "INVITATION", "NO_SUCH_INVITATION")
        secrets["new password"] = NEW
        assert not [name for name, secret in secrets.items() if secret in command_lines()]
        written = b"".join(path.read_bytes() for path in place.data.path.iterdir() if path.is_file())
        assert server.stop() == 0
    written += b"".join(path.read_bytes() for path in place.data.path.iterdir() if path.is_file())
    assert b"ruler" in written
    assert not [name for name, secret in secrets.items() if secret.encode() in written]
    assert not [name for name, secret in secrets.items() if secret.encode() in server.output]
