"""Batches as clients send them and as they come back (IRCv3 draft/multiline)."""

from securechat.irc.message import Message

MULTILINE = ("draft/multiline", "batch")

EXAMPLE = ("hello", "", "how is ", "+everyone?")
"""The specification's: what begins with a plus is sent with the concat tag."""


def batch(target: str, *texts: str, kind: str = "PRIVMSG", reference: str = "1", tags: str = "") -> list[str]:
    """The lines of a client's batch."""
    lines = [f"{tags and f'@{tags} '}BATCH +{reference} draft/multiline {target}"]
    for text in texts:
        concat = ";draft/multiline-concat" if text.startswith("+") else ""
        lines.append(f"@batch={reference}{concat} {kind} {target} :{text.removeprefix('+')}")
    return [*lines, f"BATCH -{reference}"]


def taken_apart(messages: list[Message]) -> tuple[Message, list[str]]:
    """The opening of the one batch that these are, which is checked, and the lines in it as `batch` takes them."""
    opening, *inside, closing = messages
    assert (opening.command, closing.command) == ("BATCH", "BATCH")
    reference, kind, target = opening.params
    assert kind == "draft/multiline"
    assert reference[0] == "+"
    assert closing.params == ["-" + reference[1:]]
    assert closing.tags == {}
    texts = []
    for message in inside:
        tags = dict(message.tags)
        assert tags.pop("batch") == reference[1:]
        concat = tags.pop("draft/multiline-concat", None)
        assert tags == {}
        assert concat in (None, "")
        assert message.command in ("PRIVMSG", "NOTICE")
        assert message.params[0] == target
        texts.append(message.params[1] if concat is None else "+" + message.params[1])
    assert len({message.source for message in messages}) == 1
    assert len({message.command for message in inside}) == 1
    return opening, texts
