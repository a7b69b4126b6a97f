"""`securechat invite`, and what is like it in `securechat user`, as processes: with a server, without, and misused."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from securechat.chat.model import InviteCode
from securechat.irc.links import JoinLink
from securechat.pki import CertificateInfo, make_development_certs
from securechat.server.assembly import build_hub
from securechat.server.config import Config, TLSConfig
from securechat.server.control import ControlServer, Wish
from securechat.server.invitations import digest_of
from securechat.server.log import EventLog
from securechat.server.operator import open_operator
from securechat.store.datadir import DataDir
from tests.cli.commands import securechat
from tests.server.operators import CERTIFICATE, LINK, MemoryOperator

HOST = ("--host", "chat.example.org")


class Chat:
    """The command, on one data directory, beside whose home are the usual certificates."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = DataDir(home / "data")

    def run(self, *arguments: str | Path, stdin: str = "") -> CompletedProcess[str]:
        return securechat(self.home, *arguments, "--data", self.data.path, stdin=stdin)

    def link(self, *arguments: str) -> JoinLink:
        """What is on standard output, and nothing else."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        (line,) = done.stdout.splitlines()
        return JoinLink.parse(line)

    def listed(self) -> list[dict[str, object]]:
        done = self.run("invite", "list", "--json")
        assert done.returncode == 0, done.stderr
        invitations: list[dict[str, object]] = json.loads(done.stdout)
        return invitations

    def stored(self) -> dict[str, InviteCode]:
        """The codes that the store has, by their digests."""
        with self.data.lock():
            hub = build_hub(Config(), self.data, EventLog())
            try:
                return hub.chat.invite_codes
            finally:
                hub.hasher.close()
                hub.database.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("home")
    make_development_certs(directory / "certs", machine="box", hosts=["chat.example.org"])
    return directory


@pytest.fixture
def chat(home: Path, tmp_path: Path) -> Chat:
    chat = Chat(home)
    chat.data = DataDir(tmp_path / "data")
    return chat


@contextmanager
def no_server(chat: Chat) -> Iterator[None]:
    yield


@contextmanager
def server(chat: Chat) -> Iterator[None]:
    """What the command needs of a server: the lock, the store, and the operator at the control socket."""
    config = Config(tls=TLSConfig(cert=chat.home / "certs" / "server.pem"))
    with chat.data.lock(), open_operator(chat.data, config) as operator:
        control = ControlServer(chat.data.control_socket, operator)
        control.start()
        try:
            yield
        finally:
            control.stop()


@contextmanager
def memory(chat: Chat) -> Iterator[MemoryOperator]:
    operator = MemoryOperator()
    with chat.data.lock():
        control = ControlServer(chat.data.control_socket, operator)
        control.start()
        try:
            yield operator
        finally:
            control.stop()


Beside = Callable[[Chat], AbstractContextManager[object]]


def refused(done: CompletedProcess[str], *words: str, status: int = 2) -> None:
    """One sentence on stderr, with these words in it, and nothing on stdout."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("securechat: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def test_the_life_of_an_invitation(chat: Chat) -> None:
    """Without a server: what leads to it are the files in certs/."""
    done = chat.run("invite", "--name", "alice")
    assert done.returncode == 0, done.stderr
    link = JoinLink.parse(done.stdout.removesuffix("\n"))
    authority = CertificateInfo.read(chat.home / "certs" / "ca.pem")
    assert (link.host, link.port, link.fingerprint) == ("chat.example.org", 6697, authority.spki_fingerprint)
    assert done.stderr.startswith("securechat: this link is for alice, until 20")
    assert done.stderr.endswith(" UTC: they say `securechat join 'LINK'`\n")
    assert link.code not in done.stderr

    (code,) = chat.stored().values()
    assert code.digest == digest_of(link.code)
    (listed,) = chat.listed()
    assert {**listed, "created": "", "until": ""} == {
        "id": code.id, "state": "open", "kind": "account", "name": "alice", "left": 1, "uses": 1,
        "by": "the operator", "created": "", "until": "",
    }  # fmt: skip
    heading, row = chat.run("invite", "list").stdout.splitlines()
    assert heading.split() == ["ID", "STATE", "KIND", "FOR", "LEFT", "BY", "CREATED", "UNTIL"]
    assert row.split()[:5] == [code.id, "open", "account", "alice", "1/1"]

    assert chat.run("invite", "revoke", code.id).stdout == f"revoked {code.id}\n"
    refused(chat.run("invite", "revoke", code.id), f"There is no invitation {code.id!r}")
    nothing = chat.run("invite", "list")
    assert (nothing.stdout, nothing.returncode) == ("", 0)
    assert "there are no invitations" in nothing.stderr
    content = b"".join(path.read_bytes() for path in chat.data.path.iterdir() if path.is_file())
    assert link.code.encode() not in content


def test_beside_a_server(chat: Chat) -> None:
    with server(chat):
        link = chat.link("invite", "--admin", "--uses", "3", "--expires", "7d", "--port", "443", *HOST)
        assert (link.host, link.port) == ("chat.example.org", 443)
        (line,) = chat.listed()
        assert (line["kind"], line["uses"]) == ("admin", 3)
        assert chat.run("invite", "revoke", str(line["id"])).returncode == 0
        assert chat.listed() == []


def test_all_options_go_to_the_server(chat: Chat) -> None:
    with memory(chat) as operator:
        ca = str(chat.home / "certs" / "ca.pem")
        done = chat.run(
            "invite", "--name", "zoe", "--admin", "--expires", "30m", "--ca", ca, "--port", "1", "--host", "::1"
        )
        assert (done.returncode, done.stdout) == (0, f"{LINK}\n")
        assert "for zoe, until 2026-11-23 13:00 UTC, and makes administrators: they say" in done.stderr
        (wish,) = operator.wishes
        assert wish.authority
        assert wish == Wish("zoe", True, False, 1, 1800, "::1", 1, wish.authority)
        done = chat.run("invite", "--uses", "12")
        assert done.stderr.splitlines()[0] == "securechat: it may not work"
        assert "for 12 people" in done.stderr


@pytest.mark.parametrize("beside", [no_server, server])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--name", "9lives"], "can't be the name of an account"),
        (["--name", ""], "the name is empty"),
        (["--uses", "0"], "one use at least"),
        (["--uses", "1001"], "1 to 1000 uses"),
        (["--name", "zoe", "--uses", "2"], "one use"),
        (["--expires", "soon"], "like 30m, 24h or 7d"),
        (["--expires", "366d"], "365d"),
        (["--port", "0"], "1 to 65535"),
        (["--host", "a b"], "neither a host name nor an IP address"),
        (["--ca", "gone.pem"], "gone.pem does not exist"),
        (["--ca", "certs/client-ca.pem"], "--ca has not signed"),
    ],
)
def test_what_can_not_be_done(chat: Chat, beside: Beside, arguments: list[str], words: str) -> None:
    with beside(chat):
        refused(chat.run("invite", *arguments), words)


def test_options_stand_behind_the_command_that_they_are_for(chat: Chat) -> None:
    done = securechat(chat.home, "invite", "--data", chat.data.path, "list")
    refused(done, "stand behind it")
    assert chat.run("invite", "lists").returncode == 2


def test_what_nobody_can_tell_has_to_be_said(chat: Chat, tmp_path: Path) -> None:
    """Without a server, and where there are no files of one."""
    bare = Chat(tmp_path)
    bare.data = chat.data
    refused(bare.run("invite"), "--host")
    refused(bare.run("invite", *HOST), "--ca")
    link = bare.link("invite", *HOST, "--ca", str(chat.home / "certs" / "ca.pem"))
    assert (link.host, link.port) == ("chat.example.org", 6697)
    (tmp_path / "chat.toml").write_text(
        f"[invitations]\nhost = 'Other.Example.org'\n[listen]\nport = 0\n[tls]\nca = '{chat.home}/certs/ca.pem'\n"
    )
    refused(bare.run("invite", "--config", "chat.toml"), "--port")
    link = bare.link("invite", "--config", "chat.toml", "--port", "7000")
    assert (link.host, link.port) == ("other.example.org", 7000)
    assert len(chat.stored()) == 2


def test_a_link_that_works_on_this_machine_only(chat: Chat, tmp_path: Path) -> None:
    make_development_certs(tmp_path / "certs", machine="localhost")
    local = Chat(tmp_path)
    done = local.run("invite")
    assert JoinLink.parse(done.stdout.strip()).host == "localhost"
    assert "works on this machine only" in done.stderr


# -- `securechat user` ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beside", [no_server, server])
def test_a_link_for_a_new_password(chat: Chat, beside: Beside) -> None:
    with beside(chat):
        refused(chat.run("user", "reset", "alice"), "There is no account alice")
        refused(chat.run("user", "reset", "9lives"), "can't be the name")
        assert chat.run("user", "add", "Alice", "--password-stdin", stdin="correct horse\n").returncode == 0
        done = chat.run("user", "reset", "alice", "--expires", "1h", *HOST)
        assert done.returncode == 0, done.stderr
        assert JoinLink.parse(done.stdout.strip()).host == "chat.example.org"
        assert "with this link Alice sets a new password, until 20" in done.stderr
        assert "the old one is good until then" in done.stderr
        (line,) = chat.listed()
        assert (line["kind"], line["name"]) == ("reset", "Alice")


def test_the_certificates_of_an_account(chat: Chat) -> None:
    with memory(chat) as operator:
        refused(chat.run("user", "certs", "alice"), "there is no account alice")
        operator.add_account("alice", "correct horse", admin=False)
        heading, row = chat.run("user", "certs", "alice").stdout.splitlines()
        assert heading.split() == ["FINGERPRINT", "ADDED", "EXPIRES", "NAME"]
        assert row.split()[0] == CERTIFICATE.fingerprint
        (line,) = json.loads(chat.run("user", "certs", "alice", "--json").stdout)
        assert line["name"] == "laptop"
        done = chat.run("user", "certs", "alice", "--remove", "abababab")
        assert (done.returncode, done.stdout) == (0, f"removed {CERTIFICATE.fingerprint}\n")
        refused(chat.run("user", "certs", "alice", "--remove", "cdcdcdcd"), "no such certificate")


@pytest.mark.parametrize("beside", [no_server, server])
def test_an_account_without_certificates(chat: Chat, beside: Beside) -> None:
    with beside(chat):
        assert chat.run("user", "add", "alice", "--password-stdin", stdin="correct horse\n").returncode == 0
        done = chat.run("user", "certs", "alice")
        assert (done.returncode, done.stdout) == (0, "")
        assert "no certificates" in done.stderr
        refused(chat.run("user", "certs", "alice", "--remove", "abababab"), "no certificate with this fingerprint")
        refused(chat.run("user", "certs", "alice", "--remove", "ab"), "the first 8 or more")
