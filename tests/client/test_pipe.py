"""`securechat connect` in a pipe, as a process: what goes in, what comes out, and the status with which it ends."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from securechat.client.connection import WINDOW
from securechat.irc.message import Message
from tests.client.clients import CONNECT, connected, run, running
from tests.client.offers import PLAIN
from tests.client.support import LIMIT, OLD, PASSWORD, Peer, Recorder, Session


@pytest.fixture(params=["modern", "old"])
def peer(request: pytest.FixtureRequest, certs: Path) -> Peer:
    """A server that has everything, and one that has next to nothing: not started yet."""
    return Peer(certs / "server.pem", PLAIN if request.param == "modern" else OLD)


@pytest.fixture
def modern(certs: Path) -> Peer:
    return Peer(certs / "server.pem")


def test_every_line_is_text_whatever_it_says(peer: Peer, ca: Path) -> None:
    lines = ["hello", "exit", "/quit", "//x", "/join #other", ":", " two  spaces ", "PRIVMSG #x :y", "été 🎉", "last"]
    with peer:
        done = run(peer.port, ca, data="\n".join([*lines[:3], "", "", *lines[3:]]).encode())
    assert done.returncode == 0, done.stderr
    assert peer.said == lines
    assert done.stdout == b"* alice joined #lobby\n"


def test_it_says_with_whom_one_speaks(peer: Peer, ca: Path) -> None:
    with peer:
        done = run(peer.port, ca)
    first, second = done.stderr.decode().splitlines()
    assert first.startswith(f"securechat: connected to localhost port {peer.port}, verified by {ca} (TLSv1.3, ")
    assert first.endswith("it is test.example, you are alice")
    assert second == "securechat: in #lobby: alice"


def test_a_file_goes_in_and_comes_out_whole_and_in_order(peer: Peer, ca: Path, tmp_path: Path) -> None:
    text = "".join(f"{number} {'word ' * (number % 30)}end\n" for number in range(2_000))
    file = tmp_path / "file"
    file.write_text(text)
    with peer, running(peer.port, ca, nick="bob") as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"* bob joined #lobby\n"
        with file.open("rb") as opened, running(peer.port, ca, stdin=opened) as writer:
            assert writer.wait(LIMIT) == 0
            read = b""
            while b"* alice quit" not in read:
                read += reader.stdout.readline()
    said = [line.removeprefix("<alice> ") for line in read.decode().splitlines() if line.startswith("<alice> ")]
    assert "\n".join(said) + "\n" == text


@pytest.mark.parametrize("text", ["x" * 5_000, "wörter und 世界 " * 300, "x" * 70_000])
def test_a_long_line_is_said_in_several_messages(peer: Peer, ca: Path, text: str) -> None:
    with peer:
        assert run(peer.port, ca, data=f"before\n{text}\nafter".encode()).returncode == 0
    assert peer.said[0] == "before"
    assert "".join(peer.said[1:-1]) == text
    assert peer.said[-1] == "after"
    source = ":alice!alice@client.example"
    assert all(len(f"{source} PRIVMSG #lobby :{part}\r\n".encode()) <= 512 for part in peer.said)


def test_what_cannot_be_sent_is_replaced_and_told_once(modern: Peer, ca: Path) -> None:
    with modern:
        done = run(modern.port, ca, data=b"fine\na\0b\nc\rd\n\x01ACTION e\x01\nf\xffg\nend\r\n")
    assert done.returncode == 0
    assert modern.said == ["fine", "a\ufffdb", "c\ufffdd", "\ufffdACTION e\ufffd", "f\ufffdg", "end"]
    (warning,) = re.findall(r"line \d+ has something that can't be sent", done.stderr.decode())
    assert "line 2 " in warning


def test_what_arrives_is_printed_as_lines_and_can_do_no_harm(modern: Peer, ca: Path) -> None:
    with modern, running(modern.port, ca, "--channel", "#lobby", "--channel", "#other") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"* alice joined #lobby\n"
        assert process.stdout.readline() == b"* alice joined #other\n"
        session = modern.came.get(timeout=LIMIT)
        session.send(
            ":bob!b@h PRIVMSG #lobby :hello",
            ":bob!b@h PRIVMSG #other :hel\x1b[2Jlo\u202e",
            ":bob!b@h PRIVMSG alice :psst",
            ":alice!a@h PRIVMSG #lobby :from my phone",
            ":bob!b@h PRIVMSG #lobby :\x01ACTION waves\x01",
            ":bob!b@h NOTICE #lobby :beep",
            ":test.example NOTICE alice :not for programs",
            ":bob!b@h PART #other :bye",
            ":test.example 301 alice bob :away",
        )
        printed = [process.stdout.readline().decode() for _ in range(8)]
        assert printed == [
            "<bob> hello\n",
            "#other <bob> hel␛[2Jlo\n",
            "(private) <bob> psst\n",
            "<alice> from my phone\n",
            "* <bob> waves\n",
            "-bob- beep\n",
            "* bob left #other (bye)\n",
            "* bob is not there: away\n",
        ]
        out, _ = process.communicate(timeout=LIMIT)
        assert out == b""
        assert process.returncode == 0


def test_it_leaves_at_once_without_input(peer: Peer, ca: Path) -> None:
    with peer:
        assert run(peer.port, ca, stdin=subprocess.DEVNULL).returncode == 0
        assert peer.wait_for("JOIN").params == ["#lobby"]
        assert peer.wait_for("QUIT").params in ([], [""])
    assert peer.said == []


def test_it_works_without_any_standard_stream(modern: Peer, ca: Path) -> None:
    command = f"exec {' '.join(CONNECT)} --user alice --port {modern.port} --ca {ca} <&- >&- 2>&-"
    with modern:
        assert (
            subprocess.run(
                ["sh", "-c", command], env={**os.environ, "SECURECHAT_PASSWORD": PASSWORD}, timeout=LIMIT
            ).returncode
            == 0
        )
        assert modern.wait_for("QUIT")


def test_it_leaves_only_after_all_is_acknowledged(modern: Peer, ca: Path) -> None:
    held: list[tuple[Session, Message]] = []

    def hold(session: Session, message: Message) -> list[str]:
        modern.rules["PING"] = lambda *_: []  # a PONG would say that nothing more is to be waited for
        held.append((session, message))
        return []

    modern.rules["PRIVMSG"] = hold
    with modern, running(modern.port, ca) as process:
        assert process.stdin is not None
        process.stdin.write(b"".join(b"%d\n" % number for number in range(WINDOW + 1)))
        process.stdin.close()
        for _ in range(WINDOW):
            modern.wait_for("PRIVMSG")
        assert len(held) == WINDOW
        session, message = held[0]
        session.send(f"@label={message.tags['label']} ACK")
        modern.wait_for("PRIVMSG")
        assert process.poll() is None
        for session, message in held[1:]:
            session.send(f"@label={message.tags['label']} ACK")
        modern.wait_for("QUIT")
        assert process.wait(LIMIT) == 0


# -- statuses ---------------------------------------------------------------------------------------------------------


def _last_words(done: "subprocess.CompletedProcess[bytes]") -> str:
    assert b"Traceback" not in done.stderr
    return done.stderr.decode().splitlines()[-1]


def test_refused_lines_are_counted(peer: Peer, ca: Path) -> None:
    def refuse(session: Session, message: Message) -> list[str] | None:
        return [f":test.example 404 {session.nick} #lobby :Not that"] if "no" in message.params[1] else None

    peer.rules["PRIVMSG"] = refuse
    with peer:
        done = run(peer.port, ca, data=b"yes\nno\nyes\nno\nno\n")
    assert done.returncode == 12
    assert b"refused: Not that (#lobby); not said: no\n" in done.stderr
    assert "2 lines acknowledged; 3 lines refused" in _last_words(done)
    assert peer.said == ["yes", "yes"]


def test_a_lost_connection_says_how_much_was_not_acknowledged(modern: Peer, ca: Path) -> None:
    def vanish(session: Session, message: Message) -> list[str] | None:
        if message.params[1] != "3":
            return None
        modern.rules["PING"] = lambda *_: []
        session.drop()
        return []

    modern.rules["PRIVMSG"] = vanish
    with modern:
        done = run(modern.port, ca, "--no-reconnect", data=b"1\n2\n3\n")
    assert done.returncode == 11
    assert "2 lines acknowledged; 1 line not acknowledged" in _last_words(done)


def test_a_lost_connection_ends_it_while_nothing_comes_in(modern: Peer, ca: Path) -> None:
    with modern, running(modern.port, ca, "--no-reconnect") as process:
        assert process.stdin is not None
        process.stdin.write(b"one\n")
        process.stdin.flush()
        modern.wait_for("PRIVMSG")
        session = modern.came.get(timeout=LIMIT)
        session.send("ERROR :Going down")
        session.quit()
        assert process.wait(LIMIT) == 11
        assert process.stderr is not None
        last = process.stderr.read().decode().splitlines()[-1]
        assert last == "securechat: the server ended the connection: Going down (1 line acknowledged)"


def test_a_channel_that_cannot_be_joined(peer: Peer, ca: Path) -> None:
    peer.rules["JOIN"] = lambda session, _: [f":test.example 473 {session.nick} #lobby :Invite only"]
    with peer:
        done = run(peer.port, ca, data=b"hello\n")
    assert done.returncode == 13
    assert "#lobby can't be joined: #lobby is by invitation only; nothing was sent" in _last_words(done)
    assert peer.said == []


def test_put_out_of_the_only_channel(modern: Peer, ca: Path) -> None:
    with modern, running(modern.port, ca) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"one\n")
        process.stdin.flush()
        modern.wait_for("PRIVMSG")
        session = modern.came.get(timeout=LIMIT)
        session.send(":bob!b@h KICK #lobby alice :too loud")
        assert process.wait(LIMIT) == 13
        assert process.stdout.read().splitlines()[-1] == b"* alice was put out of #lobby by bob (too loud)"
        assert process.stderr.read().decode().splitlines()[-1] == (
            "securechat: alice was put out of #lobby by bob (too loud): there is no channel left (1 line acknowledged)"
        )


def test_put_out_of_one_channel_of_two_and_the_other_is_renamed(modern: Peer, ca: Path) -> None:
    with modern, running(modern.port, ca, "--channel", "#first", "--channel", "#second") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == [
            b"* alice joined #first\n",
            b"* alice joined #second\n",
        ]
        session = modern.came.get(timeout=LIMIT)
        session.send(
            ":bob!b@h KICK #second alice :out",
            ":bob!b@h RENAME #first #1 :shorter",
            "@msgid=m :bob!b@h BATCH +x draft/multiline #1",
            "@batch=x :bob!b@h PRIVMSG #1 :one",
            "@batch=x :bob!b@h PRIVMSG #1 :* alice quit",
            ":bob!b@h BATCH -x",
            ":bob!b@h AWAY :lunch",
            ":bob!b@h SETNAME :Robert",
            ":test.example 305 alice :not for programs",
        )
        assert [process.stdout.readline().decode() for _ in range(6)] == [
            "* alice was put out of #second by bob (out)\n",
            "* bob renamed #first to #1 (shorter)\n",
            "<bob> one\n",
            "<bob> * alice quit\n",
            "* bob is away (lunch)\n",
            "* bob has the real name Robert now\n",
        ]
        modern.channels["#1"] = modern.channels.pop("#first")
        out, _ = process.communicate(b"to the new name\n", timeout=LIMIT)
        assert (process.returncode, out) == (0, b"")
    assert modern.said == ["to the new name"]


def test_nobody_reads(modern: Peer, ca: Path) -> None:
    reader, writer = os.pipe()
    with modern, running(modern.port, ca, stdout=writer) as process:
        os.close(writer)
        assert os.read(reader, 100) == b"* alice joined #lobby\n"
        assert process.stderr is not None
        for words in (b"connected to", b"in #lobby: alice"):
            assert words in process.stderr.readline()
        os.close(reader)
        modern.came.get(timeout=LIMIT).send(":bob!b@h PRIVMSG #lobby :hello")
        assert process.wait(LIMIT) == 141
        assert process.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_is_full(modern: Peer, ca: Path) -> None:
    with modern, Path("/dev/full").open("wb") as full:
        done = run(modern.port, ca, stdout=full)
    assert done.returncode == 1
    assert "standard output can't be written to (No space left on device)" in _last_words(done)


def test_interrupted(modern: Peer, ca: Path) -> None:
    modern.rules["PRIVMSG"] = lambda *_: []
    with modern, running(modern.port, ca) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        process.stdin.write(b"one\n")
        process.stdin.flush()
        modern.wait_for("PRIVMSG")
        process.send_signal(signal.SIGINT)
        modern.wait_for("QUIT")
        assert process.wait(LIMIT) == 130
        assert process.stderr is not None
        assert b"interrupted (0 lines acknowledged; 1 line not acknowledged" in process.stderr.read()


@pytest.mark.parametrize(("nick", "password", "status"), [("alice", "hunter2", 9), ("nobody", PASSWORD, 9)])
def test_a_wrong_login(modern: Peer, ca: Path, nick: str, password: str, status: int) -> None:
    with modern:
        done = run(modern.port, ca, nick=nick, password=password)
    assert done.returncode == status
    assert f"did not let {nick} in" in _last_words(done)
    assert password not in done.stderr.decode()


def test_a_server_that_is_not_there(modern: Peer, ca: Path) -> None:
    with modern:
        port = modern.port
    done = run(port, ca)
    assert done.returncode == 3
    assert "nothing listens" in _last_words(done)


def test_another_server(modern: Peer, certs: Path) -> None:
    with modern:
        done = run(modern.port, certs / "client-ca.pem")
    assert done.returncode == 5
    assert "--ca" in _last_words(done)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--user", "a b"], "'a b' is no name of an account"),
        (["--user", "\x1b[2J"], "is no name of an account"),
        (["--channel", "lobby"], "'lobby' is no name of a channel: it begins with #"),
        (["--channel", "#a,#b"], "is no name of a channel"),
        (["--ca", "/none"], "/none does not exist"),
        (["--cert", "/none"], "/none does not exist"),
        (["--password-file", "/none"], "the password file /none can't be read"),
    ],
)
def test_mistakes(ca: Path, options: list[str], words: str) -> None:
    done = run(1, ca, *options)
    assert done.returncode == 2
    assert words in _last_words(done)
    assert len(done.stderr.splitlines()) == 1


def test_without_a_password(ca: Path) -> None:
    done = run(1, ca, password=None)
    assert done.returncode == 2
    assert "--password-file" in _last_words(done)


def test_the_password_file_and_a_client_certificate(modern: Peer, certs: Path, ca: Path, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    file.chmod(0o600)
    cert = certs / "clients" / "alice.pem"
    with modern:
        done = run(modern.port, ca, "--password-file", str(file), "--cert", str(cert), password=None)
    assert done.returncode == 0, done.stderr


def test_the_authority_in_the_current_directory_is_the_default(modern: Peer, ca: Path, tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "ca.pem").write_bytes(ca.read_bytes())
    command = [*CONNECT, "--user", "alice", "--port", str(modern.port)]
    environment = {**os.environ, "SECURECHAT_PASSWORD": PASSWORD}
    with modern:
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, "env": environment, "timeout": LIMIT}
        done = subprocess.run(command, cwd=tmp_path, **options)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr
        assert b"verified by certs/ca.pem" in done.stderr
        done = subprocess.run(command, cwd=tmp_path / "certs", **options)  # type: ignore[call-overload]
        assert done.returncode == 5


def test_a_pipe_that_stays_open_is_followed(peer: Peer, ca: Path) -> None:
    seen = Recorder()
    with peer, running(peer.port, ca, nick="bob") as process, connected(peer, ca, seen) as alice:
        assert process.stdout is not None
        process.stdout.readline()
        alice.join("#lobby")
        for number in range(100):
            alice.say("#lobby", str(number))
        assert process.stdout.readline() == b"* alice joined #lobby\n"
        assert [process.stdout.readline() for _ in range(100)] == [b"<alice> %d\n" % number for number in range(100)]
