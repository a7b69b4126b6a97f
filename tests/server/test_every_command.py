"""Every command that there is, with whatever a hostile client may say to it.

The commands are those of the registry, so a new one is covered by itself. Of each line the same is held: the session
goes on, or ends as the command says; whoever has asked for it with a label gets exactly one answer; all that the server
sends is well-formed; others are served meanwhile; and the server's log has no error.
"""

import gc
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from securechat.chat.model import Role
from securechat.irc.lines import MAX_LINE, MAX_TAGS_FROM_CLIENT, LineBuffer
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric
from securechat.server.commands import registry
from securechat.server.config import OperatorConfig
from securechat.store.passwords import Hasher, Parameters
from tests.server.wire import NAME, PASSWORD, Client, House, cap_req, plain, running

HASHER = Hasher(Parameters(memory=8, passes=1))

KINDS = ("nobody", "negotiating", "plain", "guest", "member", "operator")
"""Without a word; before registration; a guest without any capability; and three with all that there are."""

THERE = ("#here", "#lobby", "victim", "carol", "alice", NAME)
"""Channels, nicks, accounts and a server that there are."""

WORDS = (
    "", "*", "x", "#", "#none", "nobody", "+", "-", "0", "-1", "1", "00", "99999999999999999999", "1e9", "0x10",
    "9999w9999d99999h999999m9999999s", "+l", "-k", "+bbbb", "+beI", "+qaohv", "+iklmnstCRMzZ", "b", "+B-B+B", "=", "!",
    "*!*@*", "~a:*", "~a:", "~m:~a:x", "?" * 60, "*?" * 60, "*" * 250, "\\*\\", ",", ",,,,", "#here,", ",#here",
    "x!y@z", "@#here", "~&@%+#here", "%cuhn,7", ">3,<1", "C>99999999999999999999", "!*", "ADD", "DEL", "LIST", "LS",
    "302", "REQ", "END", "GET", "SET", "CLEAR", "SUB", "UNSUB", "SUBS", "SYNC", "C", "L", "S", "PLAIN",
    plain("carol"), plain("carol", "wrong"), "a" * 400, "A" * 400, "é" * 200, "#" + "x" * 399, "$", "\x01ACTION\x01",
    "\x01VERSION\x01", "\x02\x03\x04\x1f\x7f", "\x85", "\u2028", "\u202eabc", "a\u200bb", "\ufeff", "\U0001f600" * 50,
    "e\u0301", "İı", "\u0378", "\U0010ffff", "draft/multiline", "+ref", "-ref", "color", "192.0.2.0/24",
    "2001:db8::/32", "192.0.2.1", "999.999.999.999", "::ffff:192.0.2.1", "me@example.org", PASSWORD.replace(" ", "-"),
    "helen", "ENROLL", "AUTHORITY", *THERE,
)  # fmt: skip

NUMERICS = {f"{code:03}": code for code in Numeric}

ENDS = re.compile(r"Closing link: (Quit(: .*)?|Too many failed logins|You are banned: .*|Killed \(.*)")
"""The reasons with which a line may end its sender's session."""


def written(params: Sequence[str]) -> str:
    """Parameters as they stand behind a command: the last one with a colon, where it is empty or begins with one."""
    *words, last = params
    return " ".join([*words, f":{last}" if not last or last[0] == ":" or " " in last else last])


FIXED = (
    *((word,) for word in WORDS),
    *((first, second) for first in (*THERE, "*", "#own") for second in ("", "*", "x", ":x", "+o", "#here", "a" * 300)),
    *(tuple("x" * number) for number in range(3, 16)),
    *(("#here", "+ooovvv", *["victim"] * number) for number in (1, 6, 13)),
    *((",".join([word] * 100),) for word in ("x", "#a", "victim")),
    *((",".join([word] * 60), ",".join([word] * 60)) for word in ("x", "#here", "*")),
    (",".join(f"#{number}" for number in range(100)),),
    (",".join(f"n{number}" for number in range(100)), "text"),
    ("*", "a" * 400),
    ("a" * 100, "b" * 100, "c" * 100, "d" * 100),
    ("ADD", "192.0.2.7", "9999w9999d99999h999999m9999999s", "for long"),
    ("ADD", "nobody", "0s", ""),
    ("AUTHORITY",),
    ("REVOKED",),
    ("ADD", "*"),
    ("ADD", "eA=="),
    ("ADD", "A" * 400),
    ("ENROLL", "A" * 400),
    ("ENROLL", "+"),
    ("DEL", "0123456789abcdef"),
    ("+", "x," * 200),
    ("*", "SET", "color", "\x01" * 100),
    ("#here", "SUB", *["color"] * 12),
    ("+ref", "draft/multiline", "#here"),
    ("*", "*", "long enough"),
    ("carol", "*", "long enough"),
    ("x", "0", "*", ""),
)
"""Lists of parameters that are tried with every command, one after the other."""


class Tormentor:
    """Somebody of a kind, who sends lines; where one has ended the connection, the next comes from another of them."""

    def __init__(self, house: House, kind: str, *, labels: bool) -> None:
        self._house = house
        self._kind = kind
        self._labels = labels
        self._client: Client | None = None
        self._open: dict[str, bool] = {}  # the batches that have begun and not ended
        self._sent: list[str] = []  # the labels of this connection
        self._answered: Counter[str] = Counter()
        self._number = 0

    def say(self, lines: Iterable[str]) -> None:
        """Have these lines answered, and hold what is promised of each."""
        left = list(lines)
        while left:
            left = left[self._say(left) :]
            assert self._house.faults == [], self._house.faults

    def leave(self) -> None:
        """Nothing is left unanswered, not even a batch that was never ended."""
        if self._client is not None:
            if self._kind not in ("nobody", "negotiating"):
                self._say(["VERSION", "VERSION"])
            if self._client is not None:
                assert self._open == {}
                assert self._answered == Counter(self._sent), "each label is on one answer"
        self._forget()

    def _say(self, lines: Sequence[str]) -> int:
        """How many of the lines were carried out; not all, if one has ended the connection."""
        client = self._client = self._client or self._fresh()
        begun, done = self._number, 0
        data = bytearray()
        for line in lines:
            self._number += 1
            label = f"{self._number}"
            if self._labels:
                self._sent.append(label)
                data += f"@label={label} ".encode()
            data += line.encode("utf-8", "surrogatepass") + b"\r\n" + f"PING :ping-{label}\r\n".encode()
        client.send_bytes(bytes(data))
        while done < len(lines):
            message = self._next(client)
            if message is None:
                return done + 1
            if message.command == "PONG" and message.params[-1].startswith("ping-"):
                done += 1
                assert message.params[-1] == f"ping-{begun + done}"
        return done

    def _next(self, client: Client) -> Message | None:
        """The next message of the server, looked at closely; ``None`` when the connection has ended, as it may."""
        while client._next == len(client.lines):
            if not client._receive():
                last = Message.parse(client.lines[-1])
                assert last.command == "ERROR", client.lines[-3:]
                assert ENDS.fullmatch(last.params[0]), client.lines[-3:]
                self._forget()
                return None
        line = client.lines[client._next]
        client._next += 1
        message = well_formed(line)
        self._follow(message, line)
        return message

    def _follow(self, message: Message, line: str) -> None:
        reference = message.tags.get("batch")
        assert reference is None or reference in self._open, line
        if "label" in message.tags:
            self._answered[message.tags["label"]] += 1
        if message.command == "BATCH":
            sign, name = message.params[0][0], message.params[0][1:]
            if sign == "+":
                assert name not in self._open
                self._open[name] = True
            else:
                assert self._open.pop(name), line

    def _fresh(self) -> Client:
        house = self._house
        house.ask(lambda chat: chat.bans.clear())
        client = house.enter(Client(house))
        caps = sorted(set(house.hub.offers) - ({"sasl"} if self._kind == "guest" else set()))
        if self._kind == "nobody":
            client.sync()
        elif self._kind == "negotiating":
            client.send("CAP LS 302", *cap_req(caps), f"NICK {house.guest_name()}")
            client.sync()
        else:
            account = {"member": "carol", "operator": "overlord"}.get(self._kind)
            client.register(None if account else house.guest_name(), () if self._kind == "plain" else caps, account)
            client.send("JOIN #own", "JOIN #here")
            client.sync()
        client.lines.clear()
        client._next = 0
        return client

    def _forget(self) -> None:
        if self._client is not None:
            self._client.__exit__()
        self._client = None
        self._open.clear()
        self._sent.clear()
        self._answered.clear()


def well_formed(line: str) -> Message:
    """A line of the server, which may hold nothing but what the protocol has room for."""
    message = Message.parse(line)
    tags, _, body = line.partition(" ") if line.startswith("@") else ("", "", line)
    assert len(tags.encode()) <= 8190, line
    assert "\0" not in line
    head = body.partition(" :")[0]
    assert "  " not in head, line
    assert not head.endswith(" "), line
    assert message.source or message.command in ("PING", "ERROR", "AUTHENTICATE"), line
    assert message.command.isupper() or re.fullmatch(r"\d{3}", message.command), line
    if message.command.isdigit():
        code = NUMERICS[message.command]
        expected = 1 + code.usage.partition(":")[0].count(" ") + code.sentence
        cut = len(body.encode()) > 500  # then what stood at the end may be missing
        given = len(message.params)
        assert given == expected or cut or code.repeats or code.usage.endswith(">"), line
    return message


@pytest.fixture(scope="module")
def house(certs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With all that can be allowed, and hashes that cost nothing."""
    helen = OperatorConfig(HASHER.hash(PASSWORD))
    with running(certs, tmp_path_factory.mktemp("house"), registration=True, operators={"helen": helen}) as one:
        one.hub.hasher = HASHER
        one.add_account("overlord", role=Role.ADMIN)
        yield one


@pytest.fixture
def bystander(house: House) -> Iterator[Client]:
    """Who is in the same channel, and wants to be served."""
    victim = house.enter(Client(house)).register("victim")
    victim.send("JOIN #here")
    yield house.enter(Client(house)).register("bystander").join("#here")
    house.everybody_out()


@pytest.mark.parametrize("command", sorted({*registry, "NONSENSE", "9", "\u00e9"}))
@pytest.mark.parametrize("kind", KINDS)
def test_with_every_parameter(house: House, bystander: Client, kind: str, command: str) -> None:
    said = FIXED[::10] if command == "QUIT" else FIXED  # each takes a connection of its own
    for labels in (True, False) if kind not in ("nobody", "plain") else (False,):
        tormentor = Tormentor(house, kind, labels=labels)
        tormentor.say([command, f"{command} ", *(f"{command} {written(params)}"[:500] for params in said)])
        tormentor.say([f":me {command} x", f"{command.lower()} :", command])
        bystander.sync()
        tormentor.leave()


_words = st.sampled_from(WORDS) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=40
)
_lines = st.builds(
    lambda command, params, colon: f"{command} {' '.join(params)}{' :' if colon else ''}"[:400],
    st.sampled_from(sorted(registry)),
    st.lists(_words, max_size=15),
    st.booleans(),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(kind=st.sampled_from(KINDS[3:]), labels=st.booleans(), lines=st.lists(_lines, min_size=5, max_size=40))
@example(kind="guest", labels=True, lines=["BATCH +ref draft/multiline #here", "QUIT"])
def test_one_after_the_other(house: House, bystander: Client, kind: str, labels: bool, lines: list[str]) -> None:
    """What one command has left behind, another finds."""
    tormentor = Tormentor(house, kind, labels=labels)
    tormentor.say(lines)
    bystander.sync()
    tormentor.leave()


# -- what is no line, or never ends -----------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=300) | st.sampled_from([b"\r\n", b"@", b":", b" ", b"\0", b"\xff"]), max_size=20))
def test_garbage(house: House, bystander: Client, pieces: list[bytes]) -> None:
    client = Client(house)
    with client:
        client.send_bytes(b"".join(pieces) + b"\r\n")
        client.send("PING :the end")
        while Message.parse(line := client.line()).command != "PONG":
            well_formed(line)
    bystander.sync()
    assert house.faults == []


def test_half_a_line_for_ever(house: House, bystander: Client) -> None:
    """It is refused once, and nothing of it is kept."""
    client = house.enter(Client(house))
    for _ in range(64):
        client.send_bytes(b"PRIVMSG #here :" + b"x" * 65536)
    client.send("")
    assert [message.command for message in client.sync()] == ["417"]
    client.send_bytes(b"@" + b"a=b;" * 500_000)
    client.send("")
    assert [message.command for message in client.sync()] == ["417"]
    client.send_bytes(b"PING :before\r\n@" + b"x" * 4000)
    client.expect("PONG")
    kept = max(len(buffer._partial) for buffer in gc.get_objects() if isinstance(buffer, LineBuffer))
    assert 4000 < kept <= MAX_TAGS_FROM_CLIENT + MAX_LINE
    client.send(" PING :behind")
    client.expect("PONG")
    bystander.sync()


@pytest.mark.parametrize("number", [1000, 2046, 10_000])
def test_many_tags(house: House, bystander: Client, number: int) -> None:
    """As many as there is room for are taken, more are refused; clients get only those that are meant for them."""
    client = house.enter(Client(house)).register(None, ["message-tags", "echo-message", "labeled-response", "batch"])
    client.send("@" + ";".join("a" * number) + " PRIVMSG bystander :one")
    client.send("@" + ";".join(f"+{n}" for n in range(number // 5)) + " PRIVMSG bystander :two")
    answers = client.sync()
    fits = number < 10_000
    assert [message.command for message in answers] == (["PRIVMSG"] * 2 if fits else ["417"] * 2)
    if fits:
        assert answers[0].tags.keys() == {"msgid"}
        assert len(answers[1].tags) == number // 5 + 1
    assert len([m for m in bystander.sync() if m.command == "PRIVMSG"]) == (2 if fits else 0)


def test_batches_that_never_end(house: House, bystander: Client) -> None:
    caps = ["message-tags", "batch", "draft/multiline", "labeled-response", "echo-message", "standard-replies"]
    client = house.enter(Client(house)).register(None, caps)
    lines = ["BATCH +b0 draft/multiline bystander"]
    lines += [f"@batch=b{number} BATCH +b{number + 1} draft/multiline bystander" for number in range(5000)]
    lines += [f"BATCH +c{number} draft/multiline bystander" for number in range(5000)]
    lines += [f"@batch=c4999 PRIVMSG bystander :{'x' * 300}"] * 1000
    client.send(*lines)
    assert {message.command for message in client.sync()} == {"FAIL"}
    bystander.sync()
    assert house.faults == []
    assert client.ask("PRIVMSG bystander :at last")[-1].params[1] == "at last"
