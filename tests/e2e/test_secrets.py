"""Passwords, and what people say, are in no log and in no list of processes; passwords are in no file."""

from pathlib import Path

from tests.cli.commands import securechat
from tests.e2e.connects import connected
from tests.e2e.servers import Place, running
from tests.e2e.wires import Chatter, Wire, login_lines
from tests.forked import fresh

SECRETS = {
    "password": "xyzzy-one",
    "wrong password": "xyzzy-two",
    "server's password": "xyzzy-three",
    "new password": "xyzzy-four",
    "password in a broken login": "xyzzy-five",
    "password where the name should be": "xyzzy-six",
    "password sent as a command": "xyzzy7seven",
    "password of an account that is made": "xyzzy-eight",
    "password that is too like its account": "xyzzy-nine",
    "operator's password": "xyzzy-ten",
    "wrong operator's password": "xyzzy-eleven",
    "password where the operator's name should be": "xyzzy-twelve",
}
TEXTS = {
    "message": "plugh-one",
    "private message": "plugh-two",
    "topic": "plugh-three",
    "quit message": "plugh-four",
    "key of a channel": "plugh-five",
}


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


@fresh()
def test_secrets_stay_where_they_are(place: Place) -> None:
    """With the log at its most talkative."""
    gate = SECRETS["server's password"]
    password, operator = SECRETS["password"], SECRETS["operator's password"]
    hashed = securechat(place.home, "user", "hash", "--password-stdin", stdin=f"{operator}\n").stdout.strip()
    config = (
        f'[server]\npassword = "{gate}"\n[limits]\nthrottle = false\n[accounts]\nregistration = true\n'
        f'[operators.root]\npassword = "{hashed}"\n'
    )
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
            mallory.send(f"MODE #cave +k {TEXTS['key of a channel']}", "REHASH")
            wrong, misplaced = (
                SECRETS["wrong operator's password"],
                SECRETS["password where the operator's name should be"],
            )
            mallory.send(f"OPER root {wrong}", f"OPER {misplaced} root", f"OPER root {operator}")
            mallory.expect("381")
            mallory.sync()
            mallory.send(f"QUIT :{TEXTS['quit message']}")
            mallory.to_end()
        with Wire(server) as newcomer:
            like, made = (
                SECRETS["password that is too like its account"],
                SECRETS["password of an account that is made"],
            )
            newcomer.send(f"PASS :{gate}", "CAP REQ :draft/account-registration", "NICK eve")
            newcomer.send(f"REGISTER {like} * {like}", f"REGISTER * {like}", f"REGISTER * * {made}", "CAP END")
            newcomer.expect("REGISTER", "SUCCESS", "eve")
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


@fresh()
def test_the_clients_password_is_not_on_its_command_line(place: Place) -> None:
    with running(place) as server, connected(server, "alice") as alice:
        line = command_line(alice.process.pid)
        assert "connect --user alice" in line
        assert "correct" not in line
        assert alice.leave() == 0
