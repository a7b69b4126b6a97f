"""`securechat join`: what it asks and what it does not, at a terminal and in a pipe, and what is saved when."""

import contextlib
import getpass
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.client.servers import SavedServer
from securechat.irc.names import valid_nick
from securechat.pki import make_development_certs
from tests.cli.commands import at_terminal, securechat
from tests.cli.inviting import Inviting
from tests.cli.saved import saved_in
from tests.client.memory_keyring import BACKEND
from tests.forked import fresh

PASSWORD = "battery staple"
GIVEN = {"SECURECHAT_PASSWORD": PASSWORD}
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certs")
    make_development_certs(directory, machine="localhost", clients=["zoe"])
    return directory


@pytest.fixture
def peer(certs: Path) -> Iterator[Inviting]:
    with Inviting(certs) as peer:
        yield peer


def join(
    home: Path, link: str, *options: str | Path, said: str = "", **more: str
) -> "subprocess.CompletedProcess[str]":
    """In a pipe, where nothing is asked."""
    return securechat(home, "join", link, *options, stdin=said, more=GIVEN | more)


def saved(peer: Inviting, name: str, user: str, **more: bool | str) -> SavedServer:
    trust = peer.link.rpartition("#")[2]
    return SavedServer(name, "localhost", peer.port, user, trust, **more)  # type: ignore[arg-type]


# -- in a pipe --------------------------------------------------------------------------------------------------------


def test_in_a_pipe_nothing_is_asked(peer: Inviting, tmp_path: Path) -> None:
    done = join(tmp_path, peer.link, "--user", "zoe", said="hello\nand again\n")
    assert done.returncode == 0, done.stderr
    assert peer.accounts["zoe"] == PASSWORD
    assert peer.said == ["hello", "and again"]
    assert saved_in(tmp_path).all() == [saved(peer, "localhost", "zoe")]
    assert "saved as localhost: `securechat connect` comes back" in done.stderr
    assert f"connected to localhost port {peer.port}, verified by the authority that the link is from" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    done = securechat(tmp_path, "connect", stdin="back\n", more=GIVEN)
    assert done.returncode == 0, done.stderr
    assert peer.said[2:] == ["back"]
    assert f"connecting to localhost port {peer.port} as zoe\n" in done.stderr


@pytest.mark.parametrize("argument", [["-"], []])
def test_the_link_on_standard_input(peer: Inviting, tmp_path: Path, argument: list[str]) -> None:
    """So it is in no list of processes; what comes behind it is said."""
    done = securechat(tmp_path, "join", *argument, "--user", "zoe", stdin=f" {peer.link} \nhello\n", more=GIVEN)
    assert done.returncode == 0, done.stderr
    assert peer.said == ["hello"]


@pytest.mark.parametrize("said", ["", "\n", "hello\n", "securechat://x\n", "x" * 100_000, "\x1b[2J\n", "\udcff"])
def test_what_is_no_link(tmp_path: Path, said: str) -> None:
    done = securechat(tmp_path, "join", stdin=said.encode(errors="surrogateescape"), more=GIVEN)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("securechat: ")
    assert done.stderr.strip().isprintable()
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_the_user_on_this_machine(peer: Inviting, tmp_path: Path) -> None:
    done = join(tmp_path, peer.link, LOGNAME="yasmin")
    assert done.returncode == 0, done.stderr
    assert "the account will be yasmin" in done.stderr
    assert "yasmin" in peer.accounts
    done = join(tmp_path, peer.link, LOGNAME="not a nick")
    assert done.returncode == 2
    assert "Say it with --user" in done.stderr


def test_without_a_password_there_is_nobody_to_ask(peer: Inviting, tmp_path: Path) -> None:
    done = securechat(tmp_path, "join", peer.link, "--user", "zoe")
    assert done.returncode == 2
    assert "the input is no terminal, so the password is not asked for" in done.stderr
    assert "zoe" not in peer.accounts
    assert not saved_in(tmp_path).path.exists()


@pytest.mark.parametrize(
    ("options", "password", "status", "words"),
    [
        (["--user", "zoe"], "short", 14, "choose another password (At least 8 characters)"),
        (["--user", "zoe"], "x" * 600, 2, "too long"),
        (["--user", "alice"], PASSWORD, 14, "the name alice is taken"),
        (["--user", "a b"], PASSWORD, 2, "is no name of an account"),
        (["--user", "zoe", "--device", "a b"], PASSWORD, 2, "is no name of a device"),
        (["--user", "zoe", "--save-as", "../x"], PASSWORD, 2, "can't be the name of a saved server"),
        (["--user", "zoe", "--channel", "x"], PASSWORD, 2, "is no name of a channel"),
        (["--user", "zoe", "--cert", "none.pem"], PASSWORD, 2, "none.pem does not exist"),
        (["--user", "zoe", "--password-file", "none"], PASSWORD, 2, "can't be read"),
    ],
)
def test_mistakes_are_told_and_nothing_is_saved(
    peer: Inviting, tmp_path: Path, options: list[str], password: str, status: int, words: str
) -> None:
    done = join(tmp_path, peer.link, *options, SECURECHAT_PASSWORD=password)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert password not in done.stderr
    assert not saved_in(tmp_path).path.exists()
    assert "zoe" not in peer.accounts


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("FAIL INVITATION EXPIRED_CODE :Too late", "this invitation has expired"),
        ("FAIL INVITATION USED_CODE :Used", "was used already"),
        ("FAIL INVITATION INVALID_CODE :No", "knows no such invitation"),
    ],
)
def test_an_invitation_that_is_good_no_more_is_told_before_anything_is_asked(
    peer: Inviting, tmp_path: Path, check: str, words: str
) -> None:
    peer.check = check
    with at_terminal(tmp_path, "join", peer.link) as terminal:
        terminal.expect(words)
        assert terminal.end() == 14
        assert "name" not in terminal.screen.lower().replace("hostname", "")
        assert "password" not in terminal.screen.lower()
    assert not saved_in(tmp_path).path.exists()


def test_an_invitation_for_somebody_else(peer: Inviting, tmp_path: Path) -> None:
    peer.check = "NOTE INVITATION VALID zoe account :It is good"
    done = join(tmp_path, peer.link, "--user", "yasmin")
    assert done.returncode == 2
    assert "this link is for zoe, and not for yasmin" in done.stderr
    done = join(tmp_path, peer.link)
    assert done.returncode == 0, done.stderr
    assert "zoe" in peer.accounts


# -- what is saved ----------------------------------------------------------------------------------------------------


def test_a_name_of_its_own(peer: Inviting, tmp_path: Path) -> None:
    assert join(tmp_path, peer.link, "--user", "zoe", "--save-as", "Work", "--device", "phone").returncode == 0
    assert saved_in(tmp_path).all() == [saved(peer, "work", "zoe", device="phone")]
    done = join(tmp_path, peer.link, "--user", "yasmin", "--save-as", "work")
    assert done.returncode == 2
    assert f"work is saved already, as zoe on localhost port {peer.port}" in done.stderr
    assert "yasmin" not in peer.accounts


def test_another_account_on_the_same_server_gets_a_number(peer: Inviting, tmp_path: Path) -> None:
    for user in ("zoe", "yasmin"):
        assert join(tmp_path, peer.link, "--user", user).returncode == 0
    assert saved_in(tmp_path).all() == [saved(peer, "localhost", "zoe"), saved(peer, "localhost-2", "yasmin")]
    done = securechat(tmp_path, "connect", more=GIVEN)
    assert done.returncode == 2
    assert "several saved servers fit" in done.stderr
    assert f"localhost-2 (yasmin on localhost port {peer.port})" in done.stderr
    for arguments in (["localhost-2"], ["--user", "yasmin"]):
        done = securechat(tmp_path, "connect", *arguments, more=GIVEN)
        assert done.returncode == 0, done.stderr
        assert "you are yasmin" in done.stderr


def test_a_new_password_by_a_link(peer: Inviting, tmp_path: Path) -> None:
    """The server is the one that is saved; what was saved of it stays."""
    assert join(tmp_path, peer.link, "--user", "zoe", "--save-as", "work", "--device", "phone").returncode == 0
    peer.check, peer.resets = "NOTE INVITATION VALID zoe reset :It is good", True
    with at_terminal(tmp_path, "join", peer.link) as terminal:
        terminal.expect("this link lets you choose a new password for zoe")
        terminal.expect("New password for zoe: ")
        terminal.type("another horse\n")
        terminal.expect("The same again: ")
        terminal.type("another horse\n")
        terminal.expect("joined #lobby")
        terminal.type("exit\r")
        assert terminal.end() == 0
    assert peer.accounts["zoe"] == "another horse"
    assert saved_in(tmp_path).all() == [saved(peer, "work", "zoe", device="phone")]


def test_a_certificate_is_shown_and_kept(peer: Inviting, certs: Path, tmp_path: Path) -> None:
    mine = certs / "clients" / "zoe.pem"
    done = join(tmp_path, peer.link, "--user", "zoe", "--cert", mine)
    assert done.returncode == 0, done.stderr
    (server,) = saved_in(tmp_path).all()
    kept = saved_in(tmp_path).certificate_file(server)
    assert kept is not None
    assert kept.read_bytes() == mine.read_bytes()
    done = securechat(tmp_path, "connect", more=GIVEN)  # this server knows no EXTERNAL
    assert done.returncode == 0, done.stderr


def test_where_nothing_can_be_saved_is_told_before_anything_is_done(peer: Inviting, tmp_path: Path) -> None:
    (tmp_path / ".local").write_text("no directory")
    done = join(tmp_path, peer.link, "--user", "zoe", said="hello\n")
    assert done.returncode == 2
    assert "can't be read (Not a directory)" in done.stderr
    assert "zoe" not in peer.accounts


def test_an_account_is_saved_also_if_the_chat_fails(peer: Inviting, tmp_path: Path) -> None:
    peer.rules["JOIN"] = lambda *_: [":test.example 474 zoe #lobby :Cannot join channel (+b)"]
    done = join(tmp_path, peer.link, "--user", "zoe")
    assert done.returncode == 13, done.stderr
    assert saved_in(tmp_path).all() == [saved(peer, "localhost", "zoe")]


# -- the keyring ------------------------------------------------------------------------------------------------------


def test_a_password_that_is_remembered(peer: Inviting, tmp_path: Path) -> None:
    ring = {
        "PYTHON_KEYRING_BACKEND": BACKEND,
        "PYTHONPATH": str(CHECKOUT),
        "KEYRING_FILE": str(tmp_path / "keyring.json"),
    }
    done = join(tmp_path, peer.link, "--user", "zoe", "--remember", **ring)
    assert done.returncode == 0, done.stderr
    assert saved_in(tmp_path).load("localhost").keyring
    assert PASSWORD in (tmp_path / "keyring.json").read_text()
    done = securechat(tmp_path, "connect", stdin="hello\n", more=ring)  # nothing else has the password
    assert done.returncode == 0, done.stderr
    assert peer.said == ["hello"]
    for file in saved_in(tmp_path).path.rglob("*.*"):
        assert PASSWORD.encode() not in file.read_bytes()
    assert securechat(tmp_path, "servers", "forget-password", "localhost", more=ring).returncode == 0
    assert PASSWORD not in (tmp_path / "keyring.json").read_text()
    done = securechat(tmp_path, "connect", more=ring)
    assert done.returncode == 2
    assert "the input is no terminal, so the password is not asked for" in done.stderr


def test_no_keyring_is_told_before_anything_is_done(peer: Inviting, tmp_path: Path) -> None:
    done = join(
        tmp_path, peer.link, "--user", "zoe", "--remember", PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring"
    )
    assert done.returncode == 2
    assert done.stderr == "securechat: this system has no keyring that could keep the password\n"
    assert peer.connections == 0


# -- at a terminal ----------------------------------------------------------------------------------------------------


def test_somebody_types_all_of_it(peer: Inviting, tmp_path: Path) -> None:
    with at_terminal(tmp_path, "join") as terminal:
        terminal.expect("Your invitation, the whole link: ")
        terminal.type(f"{peer.link}\n")
        name = getpass.getuser()
        terminal.expect(f"Your name [{name}]: " if valid_nick(name) else "Your name: ")
        terminal.type("9 lives\n")
        terminal.expect("a name has up to 32 letters")
        terminal.expect("Your name")
        terminal.type("alice\n")
        terminal.expect("New password for alice: ")
        terminal.type(f"{PASSWORD}\n")
        terminal.expect("The same again: ")
        terminal.type("something else\n")
        terminal.expect("the two passwords are not the same; once more")
        terminal.expect("New password for alice: ")
        terminal.type("\n")
        terminal.expect("the password is empty")
        terminal.expect("New password for alice: ")
        terminal.type("short\n")
        terminal.expect("The same again: ")
        terminal.type("short\n")
        terminal.expect("the name alice is taken: choose another one")
        terminal.expect(f"log in: securechat connect --host localhost --port {peer.port} --user alice --fingerprint ")
        terminal.expect("Your name: ")
        terminal.type("zoe\n")  # the password is asked for again only where it is the mistake
        terminal.expect("choose another password (At least 8 characters)")
        terminal.expect("New password for zoe: ")
        terminal.type(f"{PASSWORD}\n")
        terminal.expect("The same again: ")
        terminal.type(f"{PASSWORD}\n")
        terminal.expect("the server is saved as localhost")
        terminal.expect("joined #lobby")
        terminal.type("good evening\r")
        terminal.expect("<zoe> good evening")
        terminal.type("exit\r")
        assert terminal.end() == 0
        assert PASSWORD not in terminal.screen
        assert "Traceback" not in terminal.screen
    assert peer.accounts["zoe"] == PASSWORD
    assert saved_in(tmp_path).all() == [saved(peer, "localhost", "zoe")]


def test_whose_account_is_saved_already_is_told_how_to_come_back(peer: Inviting, tmp_path: Path) -> None:
    assert join(tmp_path, peer.link, "--user", "zoe").returncode == 0
    with at_terminal(tmp_path, "join", peer.link) as terminal:
        terminal.expect("Your name")
        terminal.type("zoe\n")
        for question in ("New password for zoe: ", "The same again: "):
            terminal.expect(question)
            terminal.type(f"{PASSWORD}\n")
        terminal.expect("the name zoe is taken")
        terminal.expect("log in: securechat connect localhost")
        terminal.expect("Your name: ")
        terminal.type("\x03")
        assert terminal.end() == 130
        assert terminal.screen.endswith("\r\n")


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_somebody_who_would_rather_not(peer: Inviting, tmp_path: Path, key: str) -> None:
    with at_terminal(tmp_path, "join", peer.link, "--user", "zoe") as terminal:
        terminal.expect("New password for zoe: ")
        terminal.type(key)
        assert terminal.end() == (130 if key == "\x03" else 2)
        assert "New password for zoe: \r\n" in terminal.screen  # and what comes next is on a line of its own
    assert "zoe" not in peer.accounts
    assert not saved_in(tmp_path).path.exists()


def _command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            yield path.read_bytes()


@fresh()
def test_the_link_is_in_no_list_of_processes(peer: Inviting, tmp_path: Path) -> None:
    with at_terminal(tmp_path, "join", "-", "--user", "zoe") as terminal:
        terminal.expect("the whole link: ")
        terminal.type(f"{peer.link}\n")
        terminal.expect("New password for zoe: ")
        lines = list(_command_lines())
        assert any(b"securechat\0join\0-\0" in line for line in lines)
        assert not any(peer.link.encode() in line for line in lines)
        terminal.type("\x03")
        assert terminal.end() == 130
