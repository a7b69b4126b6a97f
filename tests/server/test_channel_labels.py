"""Each command about channels with a label has exactly one answer: a line, a batch or an ACK (labeled-response)."""

import pytest

from tests.server.test_labels import LABELS, answer
from tests.server.wire import Opener, commands


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("JOIN #lab", ["ACK"]),
        ("JOIN #lab,#lab2", ["JOIN", "353", "366"]),
        ("JOIN #lab2,#lab3,foo,", ["JOIN", "353", "366", "JOIN", "353", "366", "403"]),
        ("JOIN #lab,#Lab", ["ACK"]),
        ("JOIN 0", ["PART"]),
        ("JOIN ,", ["461"]),
        ("PART #lab", ["PART"]),
        ("PART #lab,#LAB,#no", ["PART", "442", "403"]),
        ("PART", ["461"]),
        ("KICK #lab member", ["KICK"]),
        ("KICK #lab member,nobody,me", ["KICK", "401", "KICK"]),
        ("KICK #lab", ["461"]),
        ("KICK #no member", ["403"]),
        ("INVITE guest #lab", ["341"]),
        ("INVITE member #lab", ["443"]),
        ("INVITE nobody #lab", ["401"]),
        ("INVITE", ["337"]),
        ("INVITE me", ["461"]),
        ("TOPIC #lab", ["331"]),
        ("TOPIC #lab :x", ["TOPIC"]),
        ("TOPIC #lab :", ["TOPIC"]),
        ("TOPIC #no", ["403"]),
        ("NAMES #lab", ["353", "366"]),
        ("NAMES", ["366"]),
        ("NAMES #no,#lab", ["366", "353", "366"]),
        ("LIST #lab", ["321", "322", "323"]),
        ("LIST >9", ["321", "323"]),
        ("MODE #lab", ["324", "329"]),
        ("MODE #lab +m", ["MODE"]),
        ("MODE #lab +n", ["ACK"]),
        ("MODE #lab +nZ", ["472"]),
        ("MODE #lab +mZ", ["MODE", "472"]),
        ("MODE #lab +mbbeI a", ["MODE", "367", "368", "349", "347"]),
        ("MODE #lab b", ["368"]),
        ("MODE #lab -b nobody", ["ACK"]),
        ("MODE #lab +", ["ACK"]),
        ("MODE #lab +o nobody", ["401"]),
        ("MODE #lab +lk 0 a,b", ["696", "696"]),
        ("MODE #no +m", ["403"]),
        ("RENAME #lab #lab9", ["PART", "JOIN", "353", "366"]),
        ("RENAME #lab #LAB", ["ACK"]),
        ("RENAME #lab bad", ["FAIL"]),
        ("RENAME #lab", ["461"]),
        ("OWNER #lab", ["NOTE"]),
        ("OWNER #lab alice", ["441"]),
        ("OWNER #lab nobody", ["FAIL"]),
    ],
)
def test_one_answer(opened: Opener, line: str, expected: list[str]) -> None:
    me = opened("me", *LABELS, join="#lab")
    member, _ = opened("member", join="#lab"), opened("guest")
    me.sync()
    assert commands(answer(me, line)) == expected
    assert not any(message.tags for message in member.sync())  # nobody else sees anything of labels
