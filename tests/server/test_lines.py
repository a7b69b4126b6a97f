"""How lines may come, and what becomes of those that are none (Modern IRC, "Message Format"; IRCv3 UTF8ONLY)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.wire import NAME, Client, Opener, commands, one, shown


def told(client: Client, data: bytes) -> list[str]:
    """What the server says to these bytes."""
    client.send_bytes(data)
    return [shown(message) for message in client.sync()]


@pytest.fixture
def client(opened: Opener) -> Client:
    return opened("liner")


@pytest.mark.parametrize(
    "data",
    [
        b"PING x\r\n",
        b"PING x\n",
        b"PING x\r",
        b"ping x\r\n",
        b"PiNg   x  \r\n",
        b"  PING x\r\n",
        b"PING :x\r\n",
        b"PING x y :z\r\n",
        b":somebody!else@here PING x\r\n",
        b"@a=b;c PING x\r\n",
        b"@a=b;c    :src   PING   :x\r\n",
        b"@ PING x\r\n",
        b"@;;=;a PING x\r\n",
        b"\r\n\r\n\n\rPING x\r\n\n",
    ],
)
def test_one_line_in_many_forms(client: Client, data: bytes) -> None:
    assert told(client, data) == [f"PONG {NAME} :x"]


def test_lines_in_pieces_and_several_at_once(client: Client) -> None:
    for byte in b"PING a\r\nPING b\nPING c\r":
        client.send_bytes(bytes([byte]))
    assert told(client, b"\nPING d\r\n") == [f"PONG {NAME} :{token}" for token in "abcd"]


def test_empty_lines_are_nothing(client: Client) -> None:
    assert told(client, b"\r\n\n\r\r\n" * 20) == []
    assert told(client, b"   \r\n \n\t\n") == []


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"PRIVMSG #a :\xff\xfe\r\n", "FAIL PRIVMSG INVALID_UTF8"),
        (b"privmsg #\xe9 :x\r\n", "FAIL PRIVMSG INVALID_UTF8"),
        (b"NOTICE #a :\xc3\r\n", "FAIL NOTICE INVALID_UTF8"),
        (b"TOPIC #a :\xed\xa0\x80\r\n", "FAIL TOPIC INVALID_UTF8"),
        (b"\xff\r\n", "FAIL * INVALID_UTF8"),
        (b"@+a=\xff PRIVMSG #a :x\r\n", "FAIL PRIVMSG INVALID_UTF8"),
        (b"PRIVMSG #a :a\0b\r\n", "400 liner * :A message can't hold a NUL byte"),
        (b"PRIVMSG #a :" + b"x" * 499 + b"\r\n", "417 liner :Input line was too long"),
        (b"PRIVMSG #a :" + b"x" * 499 + b"\n", "417 liner :Input line was too long"),
        (b"PING " + b"x" * 100_000 + b"\r\n", "417 liner :Input line was too long"),
        (b"@" + b"a" * 4095 + b" PING x\r\n", "417 liner :Input line was too long"),
        (b"@a\r\n", "421 liner * :Unknown command"),
        (b":source\r\n", "421 liner * :Unknown command"),
        (b"PRIV-MSG x\r\n", "421 liner PRIV-MSG :Unknown command"),
        (b"123 x\r\n", "421 liner 123 :Unknown command"),
        (b"001 liner :x\r\n", "421 liner 001 :Unknown command"),
    ],
)
def test_what_is_no_line_costs_one_answer(client: Client, data: bytes, answer: str) -> None:
    (said,) = told(client, data)
    assert said.startswith(answer)
    assert told(client, b"PING x\r\n") == [f"PONG {NAME} :x"]


@pytest.mark.parametrize(
    "line",
    [
        "X" * 510,
        f"PRIVMSG {'n' * 490} :hello",
        f"MODE {'n' * 500}",
        f"WHOIS {'ü' * 240}",
        f"SILENCE +{'x' * 490}",
        f"VERSION {'x' * 490}",
        f"HELP {'x' * 490}",
    ],
)
def test_an_answer_that_repeats_a_long_word_still_says_what_was_wrong(client: Client, line: str) -> None:
    first, *_ = client.ask(line)
    assert " " in first.params[-1]
    assert len(first.params[-2]) > 150
    assert set(first.params[-2]) <= set(line)


def test_a_label_is_found_beside_what_is_not_utf8(opened: Opener) -> None:
    client = opened(None, "labeled-response", "batch")
    client.send_bytes(b"@+a=\xff;label=here PRIVMSG #a :x\r\n@label=\xff PRIVMSG #a :x\r\n")
    assert [(m.command, m.tags) for m in client.sync()] == [("FAIL", {"label": "here"}), ("FAIL", {})]


def test_invalid_utf8_during_registration(opened: Opener) -> None:
    client = opened.stranger()
    client.send("NICK latin")
    (said,) = told(client, b"USER u 0 * :\xe9\r\n")
    assert said.startswith("FAIL USER INVALID_UTF8")
    client.send("USER u 0 * :é")
    client.expect("001")
    assert one(client.ask("WHOIS latin"), "311").params[5] == "é"


def test_the_longest_line_that_is_one(opened: Opener) -> None:
    client = opened(None, "message-tags", "echo-message")
    line = f"{'PING':509}x"  # 510 bytes
    assert client.asked(line) == [f"PONG {NAME} :x"]
    assert client.asked(line + "x") == [f"417 {client.nick} :Input line was too long"]


@pytest.mark.parametrize("over", [0, 1])
def test_the_longest_tags(opened: Opener, over: int) -> None:
    """4094 bytes of a client's own, and as many of the server's (Message Tags, "Size limit")."""
    first = opened(None, "message-tags", "server-time", "account-tag", join="#size")
    second = opened(None, "message-tags", "echo-message", "labeled-response", "batch", join="#size")
    first.sync()
    tags = "label=x;+a=" + "v" * (4094 + over - len("label=x;+a="))
    (answer,) = second.ask(f"@{tags} PRIVMSG #size :{'x' * 300}")
    if over:
        assert (answer.command, answer.params) == ("417", [second.nick, "Input line was too long"])
        assert first.sync() == []
    else:
        (seen,) = first.sync()
        assert seen.tags["+a"] == answer.tags["+a"] == "v" * 4083
        assert seen.params[1] == "x" * 300


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("JOIN :#trailing", ["JOIN", "353", "366"]),
        ("JOIN #trailing :key", ["JOIN", "353", "366"]),
        ("WHOIS :liner", ["311", "312", "338", "379", "671", "317", "318"]),
        ("MODE :liner", ["221"]),
        ("NICK :liner2", ["NICK"]),
        ("CAP :LS", ["CAP"]),
        ("CAP REQ batch multi-prefix", ["CAP"]),
        ("LIST ::x", ["321", "323"]),
        ("NAMES ::x", ["366"]),
        ("WHO :", ["315"]),
    ],
)
def test_the_last_parameter_may_have_its_colon(client: Client, line: str, expected: list[str]) -> None:
    assert commands(client.ask(line)) == expected


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    data=st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.builds(
                lambda command, rest: command.encode() + b" " + rest,
                st.sampled_from(["JOIN", "PRIVMSG", "TOPIC", "WHO", "WHOIS", "MODE", "NAMES", "CAP", "TAGMSG", "LIST"]),
                st.text(st.sampled_from("#a,:*?! @\x01é+-0b"), max_size=20).map(str.encode),
            ),
        ),
        max_size=8,
    )
)
def test_whatever_comes_the_server_answers_in_lines_and_goes_on(client: Client, data: list[bytes]) -> None:
    """`Client` looks at the form of each line that comes; the server's log must stay free of errors."""
    for line in data:
        client.send_bytes(line + b"\r\n")
    for message in client.sync():
        assert message.command.isalnum()
