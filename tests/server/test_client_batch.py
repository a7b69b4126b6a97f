"""Batches that are no messages: each gets one FAIL (IRCv3 client-batch; draft/multiline, "Errors")."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.server.config import Limits
from tests.server.batches import MULTILINE, batch, taken_apart
from tests.server.wire import NAME, House, Opener, commands, one, running, shown

LABELS = ("labeled-response", "batch")
MAX_BYTES, MAX_LINES = 1000, 6


@pytest.fixture(scope="module")
def house(certs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    limits = Limits(throttle=False, multiline_max_bytes=MAX_BYTES, multiline_max_lines=MAX_LINES)
    with running(certs, tmp_path_factory.mktemp("house"), limits=limits) as one:
        yield one


def failed(*words: str) -> str:
    """A FAIL as `shown` gives it."""
    return " ".join(["FAIL", "BATCH", *words])


INVALID = failed("MULTILINE_INVALID", ":Invalid multiline batch")


START = "BATCH +1 draft/multiline #fail"
LINE = "@batch=1 PRIVMSG #fail :a"
LIMIT_LINES = failed(f"MULTILINE_MAX_LINES {MAX_LINES} :Multiline batch max-lines exceeded")
LIMIT_BYTES = failed(f"MULTILINE_MAX_BYTES {MAX_BYTES} :Multiline batch max-bytes exceeded")
BLANK = failed("MULTILINE_INVALID :Invalid multiline batch with blank lines only")
BLANK_JOINED = failed("MULTILINE_INVALID :Invalid multiline batch with concatenated blank line")
OTHER = failed("MULTILINE_INVALID :Invalid multiline batch with a line of another batch")
TARGET = failed("MULTILINE_INVALID_TARGET #fail #other :Invalid multiline target")
BAD_TAG = ":The tag of a batch is letters, digits and hyphens"
NO_TYPE = ":There are no batches of this type here"


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        ([START, "@batch=1 PRIVMSG #other :a"], TARGET),
        ([START, LINE, "@batch=1 NOTICE #fail :a"], INVALID),
        ([START, "@batch=1 TAGMSG #fail"], INVALID),
        ([START, "@batch=1 JOIN #fail2"], INVALID),
        ([START, "@batch=1 FOO"], INVALID),
        ([START, "@batch=1 PRIVMSG #fail"], INVALID),
        ([START, "@batch=1 PRIVMSG"], INVALID),
        ([START, LINE, "@batch=1 BATCH -1"], INVALID),
        ([START, "@batch=1 BATCH +2 draft/multiline #fail", "@batch=2 PRIVMSG #fail :a", "@batch=1 BATCH -2"], INVALID),
        ([START, "@batch=2 PRIVMSG #fail :a"], OTHER),
        ([START, LINE, "@batch=1;draft/multiline-concat PRIVMSG #fail :"], BLANK_JOINED),
        ([START], BLANK),
        ([START, "@batch=1 PRIVMSG #fail :", "@batch=1 PRIVMSG #fail :"], BLANK),
        ([START, *[LINE] * (MAX_LINES + 3)], LIMIT_LINES),
        ([START, *[f"@batch=1 PRIVMSG #fail :{'x' * 400}"] * 4], LIMIT_BYTES),
        (["BATCH +1 draft/unknown x", "@batch=1 PRIVMSG #fail :a"], failed("UNKNOWN_TYPE 1 draft/unknown", NO_TYPE)),
        (["BATCH +1 multiline #fail", LINE], failed("UNKNOWN_TYPE 1 multiline", NO_TYPE)),
        (["BATCH +1 draft/multiline", LINE], failed("MULTILINE_INVALID :A multiline batch has one target")),
        (["BATCH +1 draft/multiline #fail,#b", LINE], failed("MULTILINE_INVALID :A multiline batch has one target")),
        (["@batch=0 BATCH +1 draft/multiline #fail", LINE], INVALID),
        (["BATCH +1", LINE], "461 {} BATCH :Not enough parameters"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("label", [False, True])
def test_what_comes_of_a_bad_batch_is_ignored(opened: Opener, lines: list[str], answer: str, label: bool) -> None:
    """One FAIL, with the label of the opening; and afterwards all is as before."""
    reader = opened(join="#fail")
    sender = opened(None, *MULTILINE, *LABELS, "message-tags", join="#fail")
    reader.sync()
    first, *rest = lines
    if label:
        first = f"@label=l;{first[1:]}" if first.startswith("@") else f"@label=l {first}"
    (told,) = sender.ask(first, *rest, "BATCH -1")
    assert shown(told) == answer.format(sender.nick)
    assert told.source == NAME
    assert told.tags == ({"label": "l"} if label else {})
    assert sender.ask(*batch("#fail", "good", "again", reference="2"), "PRIVMSG #fail :and plain") == []
    assert [message.params[-1] for message in reader.sync()] == ["good", "again", "and plain"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("BATCH", "461 {} BATCH :Not enough parameters"),
        ("BATCH x draft/multiline #fail", failed("INVALID_REFTAG x", BAD_TAG)),
        ("BATCH abc draft/multiline #fail", failed("INVALID_REFTAG abc", BAD_TAG)),
        ("BATCH +", failed("INVALID_REFTAG +", BAD_TAG)),
        ("BATCH :", failed("INVALID_REFTAG *", BAD_TAG)),
        ("BATCH +a_b draft/multiline #fail", failed("INVALID_REFTAG a_b", BAD_TAG)),
        ("BATCH +é draft/multiline #fail", failed("INVALID_REFTAG é", BAD_TAG)),
        ("BATCH :+a b", failed("INVALID_REFTAG *", BAD_TAG)),
        ("BATCH -a_b", failed("INVALID_REFTAG a_b", BAD_TAG)),
        ("BATCH -1", INVALID),
        ("@batch=1 BATCH -1", INVALID),
        ("@batch=1 PRIVMSG #fail :a", INVALID),
        ("@batch=1 NOTICE #fail :a", INVALID),
        ("@batch=1 TAGMSG #fail", INVALID),
        ("@batch PRIVMSG #fail :a", INVALID),
    ],
)
def test_lines_without_a_batch(opened: Opener, line: str, answer: str) -> None:
    sender = opened(None, *MULTILINE, *LABELS, "message-tags", "echo-message", join="#fail")
    assert sender.asked(line) == [answer.format(sender.nick)]
    labelled = f"@label=l;{line[1:]}" if line.startswith("@") else f"@label=l {line}"
    (told,) = sender.ask(labelled)
    assert (shown(told), told.tags) == (answer.format(sender.nick), {"label": "l"})


def test_a_tag_that_can_be_none_is_ignored_as_well(opened: Opener) -> None:
    sender = opened(None, *MULTILINE, "echo-message", join="#fail")
    lines = ["BATCH +a_b draft/multiline #fail", "@batch=a_b PRIVMSG #fail :a", "BATCH -a_b"]
    assert commands(sender.ask(*lines)) == ["FAIL"]
    assert commands(sender.ask("PRIVMSG #fail :a")) == ["PRIVMSG"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("JOIN #fail2", ["JOIN", "353", "366"]),
        ("PRIVMSG #fail :aside", ["PRIVMSG"]),
        ("@+typing=active TAGMSG #fail", ["TAGMSG"]),
        ("FOO", ["421"]),
        ("BATCH", ["461"]),
        ("BATCH -2", ["FAIL"]),
        ("CAP REQ :-draft/multiline", ["CAP"]),
    ],
)
def test_what_is_not_part_of_it_ends_it_and_is_done(opened: Opener, line: str, answer: list[str]) -> None:
    sender = opened(None, *MULTILINE, "echo-message", "message-tags", join="#fail")
    assert commands(sender.ask(START, LINE, line, LINE, "BATCH -1")) == ["FAIL", *answer]


def test_another_batch_takes_its_place(opened: Opener) -> None:
    sender = opened(None, *MULTILINE, "echo-message", join="#fail")
    fail, *echo = sender.ask(START, LINE, *batch("#fail", "b", "c", reference="2"))
    assert shown(fail) == INVALID
    assert taken_apart(echo)[1] == ["b", "c"]


def test_what_programs_send_by_themselves_harms_nothing(opened: Opener) -> None:
    sender = opened(None, *MULTILINE, "echo-message", join="#fail")
    assert commands(sender.ask(START, "PING x", LINE, "PONG y", LINE)) == ["PONG"]
    assert taken_apart(sender.ask("BATCH -1"))[1] == ["a", "a"]


@pytest.mark.parametrize(
    ("bad", "answer"),
    [
        (b"@batch=1 PRIVMSG #fail :" + b"x" * 600, "417"),
        (b"@batch=1 PRIVMSG #fail :\xff", "FAIL"),
        (b"@batch=1;x=" + b"y" * 4200 + b" PRIVMSG #fail :a", "417"),
        (b"@batch=1", "421"),
    ],
)
def test_a_line_that_is_none_spoils_it(opened: Opener, bad: bytes, answer: str) -> None:
    """Or else it would be said without one of its lines."""
    reader = opened(join="#fail")
    sender = opened(None, *MULTILINE, "echo-message", join="#fail")
    reader.sync()
    sender.send(START, LINE)
    sender.send_bytes(bad + b"\r\n")
    messages = sender.ask(LINE, "BATCH -1")
    assert commands(messages) == [answer, "FAIL"]
    assert shown(messages[1]) == INVALID
    assert reader.sync() == []


def test_who_leaves_in_the_middle_has_said_nothing(opened: Opener) -> None:
    reader = opened(join="#fail")
    for end in (["QUIT :bye"], []):
        sender = opened(None, *MULTILINE, join="#fail")
        sender.send(START, LINE, LINE, *end)
        if not end:
            sender.hang_up()
        reader.expect("QUIT")
    assert not any(" PRIVMSG #fail " in line for line in reader.lines)


def test_a_batch_that_is_open_for_too_long(opened: Opener, certs: Path, tmp_path: Path) -> None:
    limits = Limits(throttle=False, multiline_timeout=0.1)
    with running(certs, tmp_path, limits=limits) as house:
        sender = Opener(house)(None, *MULTILINE, *LABELS, "echo-message", join="#slow")
        sender.send("@label=late BATCH +slow draft/multiline #slow", "@batch=slow PRIVMSG #slow :a")
        told = sender.message()
        assert shown(told) == failed("TIMEOUT slow :The batch was open for too long")
        assert told.tags == {"label": "late"}
        assert sender.ask("@batch=slow PRIVMSG #slow :a", "BATCH -slow") == []
        assert commands(sender.ask("PRIVMSG #slow :b")) == ["PRIVMSG"]


def test_many_batches_that_are_never_ended(opened: Opener) -> None:
    sender = opened(None, *MULTILINE, "echo-message", join="#many")
    starts = [f"BATCH +{number} draft/multiline #many" for number in range(200)]
    assert commands(sender.ask(*starts)) == ["FAIL"] * 199
    assert one(sender.ask("@batch=199 PRIVMSG #many :a", "BATCH -199"), "PRIVMSG").params[1] == "a"
