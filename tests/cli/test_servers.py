"""`securechat servers`: what is shown, what is forgotten, and what damage does to it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from securechat.client.servers import SavedServers
from securechat.pki import Authority, Purpose
from securechat.pki.revocation import RevocationList
from tests.cli.commands import at_terminal, securechat
from tests.cli.saved import AUTHORITY, NOW, TRUST, WORK, save_two
from tests.client.memory_keyring import BACKEND

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def servers(tmp_path: Path) -> SavedServers:
    return save_two(tmp_path)


def _ring(tmp_path: Path) -> dict[str, str]:
    """The environment of a system with a keyring."""
    return {
        "PYTHON_KEYRING_BACKEND": BACKEND,
        "PYTHONPATH": str(CHECKOUT),
        "KEYRING_FILE": str(tmp_path / "keyring.json"),
    }


def test_a_list_of_none(tmp_path: Path) -> None:
    done = securechat(tmp_path, "servers", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no server is saved here yet: `securechat join`" in done.stderr
    assert securechat(tmp_path, "servers", "list", "--json").stdout == "[]\n"
    assert list(tmp_path.iterdir()) == []  # who only looks leaves nothing behind


def test_the_list(tmp_path: Path, servers: SavedServers) -> None:
    done = securechat(tmp_path, "servers", "list")
    assert (done.returncode, done.stderr) == (0, "")
    heading, public, work = done.stdout.splitlines()
    assert heading.split() == ["NAME", "HOST", "PORT", "ACCOUNT", "VERIFIED", "BY"]
    assert public.split() == ["public", "irc.example.net", "7000", "bob", "the", "system"]
    assert work.split() == ["work", "chat.example.org", "6697", "alice", f"{TRUST[:16]}…"]
    listed = json.loads(securechat(tmp_path, "servers", "list", "--json").stdout)
    assert [one["name"] for one in listed] == ["public", "work"]
    assert listed[1]["trust"] == TRUST


def test_one_of_them(tmp_path: Path, servers: SavedServers) -> None:
    servers.keep_revoked(WORK, RevocationList.make(AUTHORITY, now=NOW, serials=[1, 2]).pem())
    done = securechat(tmp_path, "servers", "show", "WORK")
    assert (done.returncode, done.stderr) == (0, "")
    facts = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    facts = {title: text.strip() for title, text in facts.items()}
    assert facts["server"] == "chat.example.org port 6697"
    assert facts["account"] == "alice"
    assert facts["fingerprint"] == TRUST
    assert facts["revoked"] == "2 certificates (its list 1)"
    assert facts["login"] == "a password"
    assert facts["kept in"] == str(servers.path / "work")
    done = securechat(tmp_path, "servers", "show", "public")
    assert "phone" in done.stdout
    assert "an authority of this system" in done.stdout


def test_a_certificate_of_ones_own_is_shown(tmp_path: Path, servers: SavedServers) -> None:
    issued = Authority.create(Purpose.CLIENTS, now=NOW).issue_client("alice", now=NOW)
    servers.keep_certificate(WORK, issued.pem())
    servers.change(replace(WORK, certificate=True, keyring=True))
    done = securechat(tmp_path, "servers", "show", "work")
    assert "days left), else the password in the system's keyring" in done.stdout
    servers.keep_certificate(WORK, b"nonsense")
    done = securechat(tmp_path, "servers", "show", "work")
    assert done.returncode == 2
    assert "work is damaged" in done.stderr


def test_where_there_is_one_it_need_not_be_named(tmp_path: Path, servers: SavedServers) -> None:
    done = securechat(tmp_path, "servers", "show")
    assert (done.returncode, done.stderr) == (2, "securechat: several servers are saved, so name one: public, work\n")
    servers.remove("work")
    assert securechat(tmp_path, "servers", "show").stdout == securechat(tmp_path, "servers", "show", "public").stdout
    servers.remove("public")
    done = securechat(tmp_path, "servers", "show")
    assert done.returncode == 2
    assert "no server is saved here yet" in done.stderr


def test_one_is_removed(tmp_path: Path, servers: SavedServers) -> None:
    done = securechat(tmp_path, "servers", "remove", "work")
    assert (done.returncode, done.stdout, done.stderr) == (0, "removed work\n", "")
    assert servers.names() == ["public"]
    done = securechat(tmp_path, "servers", "remove", "work")
    assert done.returncode == 2
    assert done.stderr == "securechat: there is no saved server of that name: the only one is public\n"


def test_at_a_terminal_it_asks_first(tmp_path: Path, servers: SavedServers) -> None:
    with at_terminal(tmp_path, "servers", "remove", "work") as terminal:
        terminal.expect("Forget work (alice on chat.example.org port 6697)? [y/N] ")
        terminal.type("n\n")
        terminal.expect("nothing was removed")
        assert terminal.end() == 1
    assert servers.names() == ["public", "work"]
    with at_terminal(tmp_path, "servers", "remove", "work") as terminal:
        terminal.expect("[y/N] ")
        terminal.type("y\n")
        terminal.expect("removed work")
        assert terminal.end() == 0
    assert servers.names() == ["public"]


@pytest.mark.parametrize("name", ["../work", "..", "/etc/passwd", ".", "wo rk", "\x1b[2J"])
@pytest.mark.parametrize("command", ["show", "remove", "forget-password"])
def test_names_that_are_none(tmp_path: Path, servers: SavedServers, command: str, name: str) -> None:
    done = securechat(tmp_path, "servers", command, name)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no saved server of that name" in done.stderr
    assert done.stderr.strip().isprintable()
    assert servers.names() == ["public", "work"]


def test_damage(tmp_path: Path, servers: SavedServers) -> None:
    (servers.path / "work" / "server.json").write_text('{"version": 1, "host": "\x1b[2J"}')
    for arguments in (["show", "work"], ["list"], ["list", "--json"], ["forget-password", "work"]):
        done = securechat(tmp_path, "servers", *arguments)
        assert done.returncode == 2, arguments
        assert "the saved server work is damaged" in done.stderr
        assert done.stderr.strip().isprintable()
        assert ("public" in done.stdout) == (arguments[0] == "list")
    assert securechat(tmp_path, "servers", "remove", "work").returncode == 0
    assert servers.names() == ["public"]


def test_what_others_can_open(tmp_path: Path, servers: SavedServers) -> None:
    (servers.path / "work").chmod(0o755)
    done = securechat(tmp_path, "servers", "show", "work")
    assert done.returncode == 2
    assert "others on this machine can open" in done.stderr


def test_a_password_in_the_keyring_is_forgotten(tmp_path: Path, servers: SavedServers) -> None:
    ring = tmp_path / "keyring.json"
    for command in ("forget-password", "remove"):
        servers.change(replace(WORK, keyring=True))
        ring.write_text(json.dumps({"securechat alice@chat.example.org:6697": "secret", "other": "kept"}))
        done = securechat(tmp_path, "servers", command, "work", more=_ring(tmp_path))
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(ring.read_text()) == {"other": "kept"}
        assert servers.names() == (["public", "work"] if command == "forget-password" else ["public"])
        if command == "forget-password":
            assert servers.load("work") == WORK


def test_a_keyring_that_is_gone(tmp_path: Path, servers: SavedServers) -> None:
    servers.change(replace(WORK, keyring=True))
    gone = _ring(tmp_path) | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done = securechat(tmp_path, "servers", "forget-password", "work", more=gone)
    assert done.returncode == 2
    assert "this system has no keyring" in done.stderr
    assert servers.load("work").keyring
    done = securechat(tmp_path, "servers", "remove", "work", more=gone)
    assert done.returncode == 0
    assert "this system has no keyring that could keep the password: look for `securechat`" in done.stderr
    assert servers.names() == ["public"]
