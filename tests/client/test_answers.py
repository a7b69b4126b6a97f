"""What the server says and answers, in words: no numbers of the protocol, and one line each."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securechat.client import answers, plain
from securechat.client.capabilities import WANTED
from securechat.client.events import Refused, ServerSaid
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric, numeric
from tests.client.conversations import conversation_with, hear
from tests.client.test_safe import TEXTS

MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d"


def _shown(*lines: str) -> list[str]:
    """What is shown of these lines, of those that are worth a line."""
    events = hear(conversation_with(*WANTED), *(f":chat.example {line}" for line in lines))
    return [line for event in events if (line := plain.line(event, None)) is not None]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (numeric(Numeric.RPL_UMODEIS, "alice", "+ow"),
         r"\* your modes: \+ow \(operator of the server; hears wallops\)"),
        (numeric(Numeric.RPL_UMODEIS, "alice", "+Z"), r"\* your modes: \+Z"),
        (numeric(Numeric.RPL_NOWAWAY, "alice"), r"\* you are marked as away"),
        (numeric(Numeric.RPL_UNAWAY, "alice"), r"\* you are back"),
        (numeric(Numeric.RPL_AWAY, "alice", "bob", "lunch"), r"\* bob is not there: lunch"),
        (numeric(Numeric.RPL_INVITING, "alice", "bob", "#c"), r"\* bob is invited to #c"),
        (numeric(Numeric.RPL_INVITELIST, "alice", "#c"), r"\* you are invited to #c"),
        (numeric(Numeric.RPL_WHOISUSER, "alice", "bob", "b", "h", "Bob B."), r"\* bob is b@h: Bob B\."),
        (numeric(Numeric.RPL_WHOISOPERATOR, "alice", "bob"), r"\* bob is an operator of the server"),
        (numeric(Numeric.RPL_WHOISACCOUNT, "alice", "bob", "rob"), r"\* bob is logged in as rob"),
        (numeric(Numeric.RPL_WHOISBOT, "alice", "bob"), r"\* bob is a bot"),
        (numeric(Numeric.RPL_WHOISCHANNELS, "alice", "bob", "@#c +#d"), r"\* bob is in @#c, \+#d"),
        (numeric(Numeric.RPL_WHOISACTUALLY, "alice", "bob", "192.0.2.1"), r"\* bob connects from 192\.0\.2\.1"),
        (numeric(Numeric.RPL_WHOISMODES, "alice", "bob", "+i"), r"\* bob is using modes \+i"),
        (numeric(Numeric.RPL_WHOISSECURE, "alice", "bob"), r"\* bob has a secure connection"),
        (numeric(Numeric.RPL_WHOISIDLE, "alice", "bob", "7260", "1767225600"),
         rf"\* bob has said nothing for 2 hours, here since {MOMENT}"),
        ("317 alice bob 1 :seconds idle", r"\* bob has said nothing for 1 second"),
        (numeric(Numeric.RPL_WHOISSERVER, "alice", "bob", "other.example", "far"),
         r"\* bob is on other\.example \(far\)"),
        (numeric(Numeric.RPL_WHOWASUSER, "alice", "bob", "b", "h", "Bob"), r"\* bob was b@h: Bob"),
        (numeric(Numeric.RPL_LIST, "alice", "#c", "1", "tea"), r"\* #c, 1 person: tea"),
        (numeric(Numeric.RPL_LIST, "alice", "#c", "2", ""), r"\* #c, 2 people"),
        (numeric(Numeric.RPL_CHANNELMODEIS, "alice", "#c", "+sk", "key"), r"\* the modes of #c: \+sk key \(secret\)"),
        (numeric(Numeric.RPL_BANLIST, "alice", "#c", "bob!*@*", "carol!c@h", "1767225600"),
         rf"\* bob is banned in #c, by carol on {MOMENT}"),
        (numeric(Numeric.RPL_BANLIST, "alice", "#c", "~m:~a:bob", "carol!c@h", "1767225600"),
         rf"\* the account bob is muted in #c, by carol on {MOMENT}"),
        ("367 alice #c *!*@h", r"\* \*!\*@h is banned in #c"),
        (numeric(Numeric.RPL_EXCEPTLIST, "alice", "#c", "bob!*@*", "carol", "1"),
         rf"\* bob is excepted from the bans of #c, by carol on {MOMENT}"),
        (numeric(Numeric.RPL_INVEXLIST, "alice", "#c", "bob!*@*", "carol", "1"),
         rf"\* bob may come into #c uninvited, by carol on {MOMENT}"),
        (numeric(Numeric.RPL_ENDOFBANLIST, "alice", "#c"), r"\* nobody is banned in #c"),
        (numeric(Numeric.RPL_LISTEND, "alice"), r"\* no channel is found"),
        (numeric(Numeric.RPL_WHOREPLY, "alice", "#c", "b", "h", "s", "bob", "G*@", "0", "Bob B."),
         r"\* @bob \(b@h\): Bob B\., in #c, away, operator of the server"),
        (numeric(Numeric.RPL_WHOREPLY, "alice", "*", "b", "h", "s", "bob", "H", "0", "Bob"), r"\* bob \(b@h\): Bob"),
        (numeric(Numeric.RPL_MOTD, "alice", "hello"), r"-chat\.example- hello"),
        (numeric(Numeric.RPL_GLOBALUSERS, "alice", "2", "3", "2", "3"),
         r"-chat\.example- Current global users 2, max 3"),
        ("WARN PRIVMSG MESSAGE_CUT #c :it was cut", r"-chat\.example- it was cut"),
        ("NOTE OWNER CHANNEL_OWNER #c bob :whatever", r"\* #c belongs to bob"),
        ("NOTE OWNER CHANNEL_OWNER #c * :whatever", r"\* #c belongs to nobody"),
        ("NOTE UBAN BANNED account bob carol 2026-01-31T12:00:00.000Z 2026-02-28T12:00:00.000Z :too loud",
         rf"\* the account bob is kept off the server until {MOMENT}, by carol: too loud"),
        ("NOTE UBAN BANNED network 192.0.2.0/24 * 2026-01-31T12:00:00.000Z * :No reason was given",
         r"\* the network 192\.0\.2\.0/24 is kept off the server, by the operator: No reason was given"),
        ("NOTE UBAN UNBANNED account bob carol 2026-01-31T12:00:00.000Z * :too loud",
         r"\* the account bob is not kept off the server any more"),
        ("NOTE UBAN END_OF_BANS 0 :End of the list of bans", r"\* nobody is kept off the server"),
        ("NOTE OTHER THING #c :for people", r"-chat\.example- for people"),
        ("999 alice a :b", r"-chat\.example- a b"),
    ],
)  # fmt: skip
def test_in_words(line: str, shown: str) -> None:
    (only,) = _shown(line)
    assert re.fullmatch(shown, only), only


@pytest.mark.parametrize(
    "lines",
    [
        [numeric(Numeric.RPL_ENDOFWHOIS, "alice", "bob")],
        [numeric(Numeric.RPL_WHOISSERVER, "alice", "bob", "chat.example", "Chat")],
        [numeric(Numeric.RPL_WHOISCHANNELS, "alice", "bob", "")],
        [numeric(Numeric.RPL_LISTSTART, "alice")],
        ["NOTE UBAN END_OF_BANS 2 :End of the list of bans"],
        [numeric(Numeric.RPL_SILELIST, "alice", "bob!*@*"), numeric(Numeric.RPL_ENDOFSILELIST, "alice")],
    ],
)
def test_what_is_not_worth_a_line(lines: list[str]) -> None:
    assert _shown(*lines) == []


def test_the_end_of_a_list_that_had_something_is_silent() -> None:
    ban = numeric(Numeric.RPL_BANLIST, "alice", "#c", "b", "c", "1")
    end = numeric(Numeric.RPL_ENDOFBANLIST, "alice", "#c")
    assert len(_shown(ban, ban, end)) == 2


def test_who_has_no_modes_is_said_to_have_none() -> None:
    assert _shown(numeric(Numeric.RPL_WHOISMODES, "alice", "bob", "+")) == []


def test_when_somebody_left() -> None:
    said = ServerSaid("chat.example", "312", ("bob", "chat.example", "Mon Jan 1"), answers="WHOWAS")
    assert answers.line(said) == "* bob left at Mon Jan 1 UTC"


_CODES = st.sampled_from([f"{code:03}" for code in Numeric] + ["NOTE", "WARN"])


@given(_CODES, st.lists(TEXTS | st.sampled_from(["-1", "9" * 40, "+o", "0 x"]), max_size=8), st.integers(0, 2))
def test_whatever_a_server_says_is_one_line_at_most(code: str, params: list[str], count: int) -> None:
    line = answers.line(ServerSaid("chat.example", code, tuple(params), "WHOWAS", count))
    assert line is None or (len(line.splitlines()) == 1 and "\x1b" not in line)
    assert line is None or line.startswith(("* ", "-chat.example- "))


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (numeric(Numeric.ERR_USERNOTINCHANNEL, "alice", "bob", "#c"), "bob is not in #c"),
        (numeric(Numeric.ERR_USERONCHANNEL, "alice", "bob", "#c"), "bob is in #c already"),
        (numeric(Numeric.ERR_CHANOPRIVSNEEDED, "alice", "#c"), "only operators of #c may do that"),
        (numeric(Numeric.ERR_NOPRIVILEGES, "alice"), "only operators of the server may do that"),
        (numeric(Numeric.ERR_UNKNOWNMODE, "alice", "Z"), "there is no mode Z"),
        (numeric(Numeric.ERR_NOSUCHNICK, "alice", "bob"), "bob is not here"),
        (numeric(Numeric.ERR_ERRONEUSNICKNAME, "alice", "bob"), "bob can't be your nick here"),
        (numeric(Numeric.ERR_LINKCHANNEL, "alice", "#c", "#d"), "#c is called #d now"),
        (numeric(Numeric.ERR_BADCHANNELKEY, "alice", "#c"), "#c has a key, and that was not it: /join #c key"),
        (numeric(Numeric.ERR_INVALIDMODEPARAM, "alice", "#c", "l", "x", "It is a number"), "It is a number (#c)"),
        (numeric(Numeric.ERR_NEEDMOREPARAMS, "alice", "KICK"), "Not enough parameters (KICK)"),
        ("443 alice :already there", "already there"),
        ("FAIL CHATHISTORY INVALID_TARGET LATEST #c :No messages", "there is nothing of #c that you may read"),
        ("FAIL SETNAME INVALID_REALNAME :Realname is not valid", "Realname is not valid (SETNAME)"),
    ],
)
def test_errors(line: str, shown: str) -> None:
    (refused,) = hear(conversation_with(*WANTED), f":chat.example {line}")
    assert isinstance(refused, Refused)
    assert plain.refusal(refused) == shown


@given(st.integers(400, 599), st.lists(TEXTS, max_size=5))
def test_every_error_is_one_line(code: int, params: list[str]) -> None:
    for event in conversation_with(*WANTED).receive(Message(f"{code:03}", params, "s")):
        if isinstance(event, Refused):
            assert len(plain.refusal(event).splitlines()) == 1
