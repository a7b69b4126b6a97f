"""A message that is sent again under the id that its client gave it is said once (securechat/client-id)."""

from pathlib import Path

import pytest

from securechat.irc.message import Message
from tests.server.batches import batch, taken_apart
from tests.server.pages import HISTORY, page, take_back, texts
from tests.server.wire import Client, House, Opener, running, shown

CAPS = ("securechat/client-id", "message-tags", "server-time", "echo-message", "labeled-response", "batch")


def tagged(client_id: str, line: str, label: str = "") -> str:
    tags = [f"securechat/client-id={client_id}", *([f"label={label}"] if label else [])]
    return f"@{';'.join(tags)} {line}"


def one_of(messages: list[Message]) -> Message:
    assert len(messages) == 1, [shown(message) for message in messages]
    return messages[0]


def pair(opened: Opener, channel: str, *caps: str) -> tuple[Client, Client]:
    """Somebody who speaks, and somebody who listens."""
    speaker, listener = opened(None, *CAPS, *caps, join=channel), opened(None, *HISTORY, join=channel)
    speaker.sync()
    return speaker, listener


@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE"])
def test_it_is_said_once_and_answered_twice(opened: Opener, kind: str) -> None:
    """The second answer is the first one: its id and its time."""
    channel = f"#once-{kind}"
    speaker, listener = pair(opened, channel)
    first = one_of(speaker.ask(tagged("a1", f"{kind} {channel} :hello")))
    again = one_of(speaker.ask(tagged("a1", f"{kind} {channel} :hello")))
    assert again == first
    assert shown(first) == f"{speaker.nick} {kind} {channel} :hello"
    assert "securechat/client-id" not in first.tags
    other = one_of(speaker.ask(tagged("a2", f"{kind} {channel} :hello")))
    assert other.tags["msgid"] != first.tags["msgid"]
    assert texts(listener.sync()) == ["hello", "hello"]
    assert texts(page(listener, "LATEST", channel, "*", "9")) == ["hello", "hello"]


def test_each_time_with_the_label_of_that_line(opened: Opener) -> None:
    speaker, listener = pair(opened, "#labels")
    for label in ("x", "y"):
        echo = one_of(speaker.ask(tagged("b", "PRIVMSG #labels :hello", label)))
        assert echo.tags["label"] == label
    assert len(listener.sync()) == 1


def test_without_echo_the_label_is_acknowledged_and_else_nothing(opened: Opener) -> None:
    channel = "#quiet"
    speaker = opened(None, *(cap for cap in CAPS if cap != "echo-message"), join=channel)
    listener = opened(None, *HISTORY, join=channel)
    speaker.sync()
    for _ in range(2):
        assert shown(one_of(speaker.ask(tagged("c", f"PRIVMSG {channel} :hello", "L")))) == "ACK"
        assert speaker.ask(tagged("d", f"PRIVMSG {channel} :hello")) == []
    assert len(listener.sync()) == 2


def test_to_somebody(opened: Opener) -> None:
    speaker, listener = opened(None, *CAPS), opened()
    first, again = (one_of(speaker.ask(tagged("e", f"PRIVMSG {listener.nick} :hello", "1"))) for _ in range(2))
    assert first == again
    assert len(listener.sync()) == 1


def test_several_targets_are_several_messages(opened: Opener) -> None:
    speaker, listener = pair(opened, "#many")
    other = opened()
    line = tagged("f", f"PRIVMSG #many,{other.nick},{listener.nick} :hello")
    first, again = speaker.ask(line), speaker.ask(line)
    assert len(first) == 3
    assert first == again
    assert len(other.sync()) == 1
    assert len(listener.sync()) == 2
    begin, *inside, _ = speaker.ask(tagged("f", f"PRIVMSG #many,{other.nick} :hello", "L"))
    assert begin.params[1] == "labeled-response"
    assert [message.tags["msgid"] for message in inside] == [message.tags["msgid"] for message in first[:2]]


@pytest.mark.parametrize("label", ["", "L"])
def test_several_lines(opened: Opener, label: str) -> None:
    channel = f"#lines{label}"
    speaker, listener = pair(opened, channel, "draft/multiline")
    tags = ";".join(["securechat/client-id=g", *([f"label={label}"] if label else [])])
    first, again = (speaker.ask(*batch(channel, "one", "two", "+more", tags=tags)) for _ in range(2))
    assert first == again
    opening, lines = taken_apart(again)
    assert lines == ["one", "two", "+more"]
    assert opening.tags.get("label", "") == label, "on the opening, and nowhere else"
    assert texts(listener.sync()) == ["one", "two", "more"]


def test_several_lines_for_who_does_not_know_of_such_any_more(opened: Opener) -> None:
    speaker, listener = pair(opened, "#fewer", "draft/multiline")
    speaker.ask(*batch("#fewer", "one", "two", tags="securechat/client-id=h"))
    speaker.ask("CAP REQ -draft/multiline")
    assert texts(speaker.ask(tagged("h", "PRIVMSG #fewer :one"))) == ["one", "two"]
    begin, *inside, _ = speaker.ask(tagged("h", "PRIVMSG #fewer :one", "L"))
    assert (begin.params[1], begin.tags["label"]) == ("labeled-response", "L")
    assert texts(inside) == ["one", "two"]
    assert texts(listener.sync()) == ["one", "two"]


def test_one_that_is_refused_is_not_known(opened: Opener) -> None:
    """It may be sent again when it can be said."""
    speaker, listener = opened(None, *CAPS), opened(None, *HISTORY, join="#later")
    assert one_of(speaker.ask(tagged("i", "PRIVMSG #later :hello"))).command == "404"
    speaker.join("#later")
    listener.sync()
    assert texts(speaker.ask(tagged("i", "PRIVMSG #later :hello"))) == ["hello"]
    assert texts(listener.sync()) == ["hello"]


def test_ids_are_of_their_user(opened: Opener) -> None:
    """Another one's are others; those of an account are the same on all its connections."""
    first, second = (opened(None, *CAPS, account="alice", join="#own") for _ in range(2))
    guest = opened(None, *CAPS, join="#own")
    echo = one_of([m for m in first.ask(tagged("j", "PRIVMSG #own :hello")) if m.command == "PRIVMSG"])
    second.sync()
    assert one_of(second.ask(tagged("j", "PRIVMSG #own :hello"))) == echo
    assert texts(guest.sync()) == ["hello"]
    assert one_of(guest.ask(tagged("j", "PRIVMSG #own :hello"))).tags["msgid"] != echo.tags["msgid"]


def test_the_connection_may_be_another_one(opened: Opener) -> None:
    listener = opened(None, *HISTORY, join="#again")
    with opened.stranger() as first:
        first.register(caps=CAPS, account="carol").join("#again")
        echo = one_of(first.ask(tagged("k", "PRIVMSG #again :hello")))
    second = opened(None, *CAPS, account="carol")
    assert one_of(second.ask(tagged("k", "PRIVMSG #again :hello"))) == echo
    assert [message.params[1] for message in listener.sync() if message.command == "PRIVMSG"] == ["hello"]


def test_and_the_server_may_have_been_started_anew(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path) as house:
        alice = Opener(house)(None, *CAPS, account="alice", join="#lobby")
        echo = one_of(alice.ask(tagged("l", "PRIVMSG #lobby :hello")))
    with running(certs, tmp_path, again=True) as house:
        alice = Opener(house)(None, *CAPS, *HISTORY, account="alice", join="#lobby")
        assert one_of(alice.ask(tagged("l", "PRIVMSG #lobby :hello"))) == echo
        assert texts(page(alice, "LATEST", "#lobby", "*", "9")) == ["hello"]


def test_one_that_was_taken_back_is_answered_without_its_text(house: House, opened: Opener) -> None:
    speaker, _ = pair(opened, "#slip")
    echo = one_of(speaker.ask(tagged("m", "PRIVMSG #slip :oops")))
    take_back(house, speaker, echo.tags["msgid"], "#slip")
    again = one_of(speaker.ask(tagged("m", "PRIVMSG #slip :oops", "L")))
    assert again.params == ["#slip", "[taken back]"]
    assert (again.tags["msgid"], again.tags["label"]) == (echo.tags["msgid"], "L")


@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE"])
def test_an_id_that_is_too_long(opened: Opener, kind: str) -> None:
    """64 bytes; a NOTICE is answered where its label asks for it."""
    speaker, listener = pair(opened, f"#long-{kind}")
    for client_id in ("x" * 64, "é" * 32):
        assert texts(speaker.ask(tagged(client_id, f"{kind} #long-{kind} :hello"))) == ["hello"]
    for client_id in ("x" * 65, "é" * 33):
        answer = one_of(speaker.ask(tagged(client_id, f"{kind} #long-{kind} :hello", "L")))
        assert answer.params[:3] == [kind, "INVALID_PARAMS", "securechat/client-id"]
        assert len(speaker.ask(tagged(client_id, f"{kind} #long-{kind} :hello"))) == (kind == "PRIVMSG")
    assert len(listener.sync()) == 2


def test_one_that_is_too_long_for_several_lines(opened: Opener) -> None:
    speaker, listener = pair(opened, "#longer", "draft/multiline")
    answer = one_of(speaker.ask(*batch("#longer", "one", "two", tags=f"securechat/client-id={'x' * 65}")))
    assert answer.params[:3] == ["BATCH", "INVALID_PARAMS", "securechat/client-id"]
    assert listener.sync() == []


def test_without_the_capability_it_is_a_tag_like_others(opened: Opener) -> None:
    speaker = opened(None, *CAPS[1:], join="#ignored")
    listener = opened(None, *HISTORY, join="#ignored")
    speaker.sync()
    for _ in range(2):
        speaker.ask(tagged("n", "PRIVMSG #ignored :hello"))
    assert [message.tags.keys() & {"securechat/client-id"} for message in listener.sync()] == [set(), set()]
