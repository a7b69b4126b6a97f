"""Passwords, and what people say, are in no log and in no list of processes; passwords are in no file."""

from pathlib import Path

from tests.cli.commands import securechat
from tests.e2e.connects import connected
from tests.e2e.servers import Place, running
from tests.e2e.wires import Chatter, Wire, login_lines

SECRETS = {
    "password": "xyzzy-one",
    "wrong password": "xyzzy-two",
    "server's password": "xyzzy-three",
    "new password": "xyzzy-four",
    "password in a broken login": "xyzzy-five",
    "password where the name should be": "xyzzy-six",
    "password sent as a command": "xyzzy7seven",
}
TEXTS = {"message": "plugh-one", "private message": "plugh-two", "topic": "plugh-three", "quit message": "plugh-four"}


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_secrets_stay_where_they_are(place: Place) -> None:
    """With the log at its most talkative."""
    gate = SECRETS["server's password"]
    config = f'[server]\npassword = "{gate}"\n[limits]\nthrottle = false\n'
    password = SECRETS["password"]
    data = ("--data", place.data.path)
    done = securechat(place.home, "user", "add", "mallory", "--password-stdin", *data, stdin=f"{password}\n")
    assert done.returncode == 0
    with running(place, config=config) as server, Wire(server) as wire:
        broken = login_lines("x", SECRETS["password in a broken login"])[-1][:-7] + "!"
        mixed_up = login_lines(SECRETS["password where the name should be"], "mallory")
        wire.send(f"PASS :{gate}", "CAP LS 302", *login_lines("mallory", SECRETS["wrong password"]), *mixed_up)
        wire.send("AUTHENTICATE PLAIN", broken, f"{SECRETS['password sent as a command']} x", "CAP END")
        wire.sync()
        with Chatter(server, "mallory", password=password, first=[f"PASS :{gate}"], join="#cave") as mallory:
            mallory.say("#cave", TEXTS["message"])
            mallory.send(f"PRIVMSG alice :{TEXTS['private message']}", f"TOPIC #cave :{TEXTS['topic']}")
            mallory.send_bytes(f"PRIVMSG #cave :{TEXTS['message']} \xff\r\n".encode("latin-1"))
            mallory.sync()
            mallory.send(f"QUIT :{TEXTS['quit message']}")
            mallory.to_end()
        new = SECRETS["new password"]
        done = securechat(place.home, "user", "passwd", "mallory", "--password-stdin", *data, stdin=f"{new}\n")
        assert done.returncode == 0
        line = command_line(server.process.pid)
        assert not [name for name, secret in {**SECRETS, **TEXTS}.items() if secret in line]
        written = {path: path.read_bytes() for path in place.data.path.iterdir() if path.is_file()}
        assert server.stop() == 0
        wire.until_cut_off()
    assert not [name for name, secret in {**SECRETS, **TEXTS}.items() if secret.encode() in server.output]
    assert any(TEXTS["private message"].encode() in content for content in written.values())
    for content in written.values():
        assert not [name for name, secret in SECRETS.items() if secret.encode() in content]


def test_the_clients_password_is_not_on_its_command_line(place: Place) -> None:
    with running(place) as server, connected(server, "alice") as alice:
        line = command_line(alice.process.pid)
        assert "connect --user alice" in line
        assert "correct" not in line
        assert alice.leave() == 0
