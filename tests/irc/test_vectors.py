"""The public vectors of ircdocs/parser-tests, all that concern what we do."""

from typing import Any, cast

import parser_tests.data  # type: ignore[import-untyped]
import pytest

from securechat.irc.message import Message
from securechat.irc.names import match, split_source

Case = dict[str, Any]


def vectors(name: str) -> list[Case]:
    """The cases of one file."""
    return cast("list[Case]", getattr(parser_tests.data, name)["tests"])


@pytest.mark.parametrize("case", vectors("msg_split"), ids=lambda case: case["input"])
def test_split(case: Case) -> None:
    message = Message.parse(case["input"])
    atoms = case["atoms"]
    assert message.tags == atoms.get("tags", {})
    assert message.source == atoms.get("source")
    assert message.command == atoms["verb"].upper()
    assert message.params == atoms.get("params", [])


@pytest.mark.parametrize("case", vectors("msg_join"), ids=lambda case: case["desc"])
def test_join(case: Case) -> None:
    atoms = case["atoms"]
    message = Message(atoms["verb"], atoms.get("params", []), atoms.get("source"), atoms.get("tags", {}))
    # Our commands are upper case, which the vectors leave to the implementation.
    assert message.serialise() in [line.replace("foo", "FOO", 1) for line in case["matches"]] + case["matches"]


@pytest.mark.parametrize("case", vectors("userhost_split"), ids=lambda case: case["source"])
def test_userhost(case: Case) -> None:
    atoms = case["atoms"]
    assert split_source(case["source"]) == (atoms.get("nick", ""), atoms.get("user", ""), atoms.get("host", ""))


@pytest.mark.parametrize("case", vectors("mask_match"), ids=lambda case: case["mask"])
def test_mask(case: Case) -> None:
    assert [text for text in case["matches"] if not match(case["mask"], text)] == []
    assert [text for text in case["fails"] if match(case["mask"], text)] == []
