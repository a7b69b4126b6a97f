"""CAP, and what each capability changes (IRCv3 Capability Negotiation, and the specification of each)."""

import re

import pytest

from securechat.irc.caps import OFFERS
from securechat.irc.message import Message
from securechat.server.session import Session
from tests.server.wire import NAME, Client, House, Opener, commands, one, params, plain


def cap(client: Client, line: str) -> list[str]:
    """The parameters of the one answer to a CAP line."""
    (answer,) = client.ask(line)
    assert answer.command == "CAP"
    assert answer.source == NAME
    return answer.params


def offers(client: Client, line: str) -> set[str]:
    """What a CAP LS or LIST of a client that knows 302 is answered with, in as many lines as it takes."""
    *before, last = (answer.params for answer in client.ask(line))
    assert all(answer[2] == "*" and len(answer) == 4 for answer in before)
    assert len(last) == 3
    return {word for answer in (*before, last) for word in answer[-1].split()}


def test_ls_lists_all_with_values_only_for_302(opened: Opener) -> None:
    client = opened.stranger()
    offered = offers(client, "CAP LS 302")
    assert "sasl=PLAIN,EXTERNAL" in offered
    assert {word.partition("=")[0] for word in offered} == set(OFFERS)
    assert offers(client, "CAP LS 307") == offered
    ratified = {name for name in OFFERS if "/" not in name}
    for line in ("CAP LS", "CAP LS 301", "CAP LS x"):
        nick, sub, short = cap(client, line)
        assert (nick, sub) == ("*", "LS")
        assert ratified <= set(short.split()) <= set(OFFERS)


def test_the_client_is_an_asterisk_until_it_has_a_nick(opened: Opener) -> None:
    client = opened.stranger()
    assert cap(client, "CAP LIST") == ["*", "LIST", ""]
    client.send("NICK capnick")
    assert cap(client, "CAP LIST") == ["capnick", "LIST", ""]
    assert client.asked("CAP FOO") == ["410 capnick FOO :Invalid CAP command"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("CAP FOO", "410 * FOO :Invalid CAP command"),
        ("cap foo bar", "410 * foo :Invalid CAP command"),
        ("CAP ACK :batch", "410 * ACK :Invalid CAP command"),
        ("CAP NAK", "410 * NAK :Invalid CAP command"),
        ("CAP CLEAR", "410 * CLEAR :Invalid CAP command"),
        ("CAP REQ", "410 * REQ :Invalid CAP command"),
        ("CAP :", "410 * * :Invalid CAP command"),
        ("CAP", "461 * CAP :Not enough parameters"),
    ],
)
def test_what_is_no_cap_command(opened: Opener, line: str, answer: str) -> None:
    client = opened.stranger()
    assert client.asked(line) == [answer]
    client.register()
    assert client.asked(line) == [answer.replace(" * ", f" {client.nick} ", 1)]


@pytest.mark.parametrize(
    ("request_", "verdict", "enabled"),
    [
        (":multi-prefix", "ACK", {"multi-prefix"}),
        ("multi-prefix", "ACK", {"multi-prefix"}),
        (":multi-prefix batch ", "ACK", {"multi-prefix", "batch"}),
        (":batch batch", "ACK", {"batch"}),
        (":batch -batch", "ACK", set()),
        (":-batch", "ACK", set()),
        (":-batch multi-prefix", "ACK", {"multi-prefix"}),
        (":multi-prefix foo", "NAK", set()),
        (":foo", "NAK", set()),
        (":-foo multi-prefix", "NAK", set()),
        (":Multi-Prefix", "NAK", set()),
        (":sasl=PLAIN", "NAK", set()),
        (":", "ACK", set()),
    ],
)
def test_a_request_is_granted_as_a_whole_or_not_at_all(
    opened: Opener, request_: str, verdict: str, enabled: set[str]
) -> None:
    client = opened.stranger()
    assert cap(client, f"CAP REQ {request_}") == ["*", verdict, request_.removeprefix(":").rstrip()]
    assert set(cap(client, "CAP LIST")[2].split()) == enabled


def test_a_refused_request_changes_nothing(opened: Opener) -> None:
    client = opened.stranger()
    cap(client, "CAP REQ :batch multi-prefix")
    assert cap(client, "CAP REQ :-batch foo")[1] == "NAK"
    assert set(cap(client, "CAP LIST")[2].split()) == {"batch", "multi-prefix"}


def test_302_implies_cap_notify(opened: Opener) -> None:
    client = opened.stranger()
    client.ask("CAP LS 302")
    assert cap(client, "CAP REQ :cap-notify") == ["*", "ACK", "cap-notify"]
    assert cap(client, "CAP REQ :-cap-notify") == ["*", "NAK", "-cap-notify"]
    old = opened.stranger()
    assert cap(old, "CAP REQ :cap-notify")[1] == "ACK"
    assert cap(old, "CAP REQ :-cap-notify")[1] == "ACK"


@pytest.mark.parametrize("begin", ["CAP LS", "CAP LS 302", "CAP REQ :batch", "CAP REQ :foo", "CAP REQ batch"])
def test_negotiation_suspends_registration(opened: Opener, begin: str) -> None:
    for order in (["{0}", "NICK {1}", "USER u 0 * :r"], ["NICK {1}", "{0}", "USER u 0 * :r"]):
        client, nick = opened.stranger(), opened.house.guest_name()
        answers = client.ask(*(line.format(begin, nick) for line in order))
        assert set(commands(answers)) == {"CAP"}
        assert commands(client.ask("CAP LIST")) == ["CAP"]
        client.send("cap end")
        assert client.expect("001").params[0] == nick


def test_end_and_list_do_not_suspend_it(opened: Opener) -> None:
    for line in ("CAP END", "CAP LIST", "CAP FOO"):
        client = opened.stranger()
        client.send(line, f"NICK {opened.house.guest_name()}", "USER u 0 * :r")
        client.expect("001")


def test_end_before_nick_and_user(opened: Opener) -> None:
    client = opened.stranger()
    assert commands(client.ask("CAP LS", "CAP END")) == ["CAP"]
    client.send("NICK endfirst", "USER u 0 * :r")
    client.expect("001")


def test_cap_works_at_any_time(opened: Opener) -> None:
    client = opened()
    assert all(answer.params[:2] == [client.nick, "LS"] for answer in client.ask("CAP LS 302"))
    assert cap(client, "CAP REQ :batch") == [client.nick, "ACK", "batch"]
    assert set(cap(client, "CAP LIST")[2].split()) == {"batch", "cap-notify"}
    assert client.ask("CAP END") == []
    assert client.ask("CAP END") == []
    assert commands(client.ask("LUSERS"))[0] == "251"


def test_what_is_switched_off_is_off(opened: Opener) -> None:
    first, second = opened.pair("#off", "server-time", "message-tags", "echo-message", "extended-join")
    second.ask("CAP REQ :-server-time -message-tags -echo-message -extended-join")
    assert second.ask("PRIVMSG #off :quiet") == []
    first.ask("@+x=y PRIVMSG #off :hello")
    (heard,) = [message for message in second.sync() if message.command == "PRIVMSG"]
    assert heard.tags == {}
    assert second.ask("JOIN #off2")[0].params == ["#off2"]


def test_tags_are_only_for_those_who_asked_for_them(opened: Opener) -> None:
    talker = opened(None, "message-tags", account="alice", join="#tags")
    plain_one = opened(join="#tags")
    timed = opened(None, "server-time", join="#tags")
    accounted = opened(None, "account-tag", join="#tags")
    tagged = opened(None, "message-tags", join="#tags")
    batched = opened(None, "batch", "labeled-response", join="#tags")
    for client in (talker, plain_one, timed, accounted, tagged, batched):
        client.sync()
    talker.ask("@+draft/react=x;msgid=false;time=2011-10-19T16:40:51.620Z;account=x PRIVMSG #tags :hello")
    seen = {client: one(client.sync(), "PRIVMSG").tags for client in (plain_one, timed, accounted, tagged, batched)}
    assert seen[plain_one] == seen[batched] == {}
    assert set(seen[timed]) == {"time"}
    assert re.fullmatch(r"2[0-9]{3}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d{3}Z", seen[timed]["time"])
    assert not seen[timed]["time"].startswith("2011")
    assert seen[accounted] == {"account": "alice"}
    assert set(seen[tagged]) == {"msgid", "+draft/react"}
    assert seen[tagged]["msgid"] != "false"


def test_everything_that_a_user_does_has_their_account(opened: Opener) -> None:
    watcher = opened(None, "account-tag", "extended-join", join="#acct")
    member = opened("acct", account="Bob", join="#acct")
    join = watcher.expect("JOIN")
    assert join.params == ["#acct", "Bob", "acct the tester"]
    assert member.nick == "acct"
    member.ask("PRIVMSG #acct :a", "NOTICE #acct :b", "NICK acct2", "PART #acct", "JOIN #acct")
    member.send("QUIT")
    member.to_end()
    seen = [join, *watcher.sync()]
    assert commands(seen) == ["JOIN", "PRIVMSG", "NOTICE", "NICK", "PART", "JOIN", "QUIT"]
    assert [message.tags for message in seen] == [{"account": "Bob"}] * 7
    guest = opened(join="#acct")
    guest.ask("PRIVMSG #acct :a")
    joined, said = watcher.sync()
    assert joined.params[1] == "*"
    assert joined.tags == said.tags == {}


def test_what_one_does_has_the_account_for_oneself_too(opened: Opener) -> None:
    """IRCv3 account-tag: "MUST be added by the ircd to all commands sent by a user"."""
    client = opened(None, "account-tag", account="carol", join="#carols")
    for line in ("TOPIC #carols :mine", "MODE carol +R", "MODE carol -R", "SILENCE +spam", "SILENCE -spam"):
        assert client.ask(line)[0].tags == {"account": "carol"}


def test_extended_join_of_oneself(opened: Opener) -> None:
    client = opened("extended", "extended-join")
    assert client.ask("JOIN #ej")[0].params == ["#ej", "*", "extended the tester"]
    member = opened(None, "extended-join", account="dave")
    assert member.ask("JOIN #ej")[0].params == ["#ej", "dave", "dave the tester"]
    assert opened().ask("JOIN #ej")[0].params == ["#ej"]


def test_names_with_hosts_and_all_prefixes(opened: Opener) -> None:
    first, second = opened.pair("#uh", "userhost-in-names", "multi-prefix")
    whois = one(first.ask(f"WHOIS {first.nick}"), "311").params
    sources = [f"@{first.nick}!{first.nick}@{whois[3]}", f"{second.nick}!{second.nick}@{whois[3]}"]
    assert one(second.ask("NAMES #uh"), "353").params == [second.nick, "=", "#uh", " ".join(sources)]
    assert one(first.ask("NAMES #uh"), "353").params[3] == f"@{first.nick} {second.nick}"


def test_standard_replies_may_be_asked_for(opened: Opener) -> None:
    client = opened(None, "standard-replies")
    client.send_bytes(b"PRIVMSG #a :\xff\r\n")
    assert one(client.sync(), "FAIL").params[:2] == ["PRIVMSG", "INVALID_UTF8"]


def test_all_at_once_in_one_write(opened: Opener, house: House) -> None:
    """As a client does that does not wait for anything."""
    client = opened.stranger()
    everything = " ".join(sorted(name for name in OFFERS if "/" not in name))
    client.send(
        "CAP LS 302",
        "NICK alice",
        "USER alice 0 * :Alice",
        f"CAP REQ :{everything}",
        "AUTHENTICATE PLAIN",
        f"AUTHENTICATE {plain('alice')}",
        "CAP END",
        "JOIN #once",
        "PRIVMSG #once :hello",
    )
    answers = client.sync()
    start = ["AUTHENTICATE", "900", "903", "001", "002", "003", "004", "005"]
    caps = params(answers, "CAP")
    assert commands(answers)[: len(caps) + len(start)] == ["CAP"] * len(caps) + start
    assert commands(answers)[-2:] == ["JOIN", "PRIVMSG"]  # no-implicit-names is among them
    assert caps[-1] == ["alice", "ACK", everything]


def test_nothing_changes_before_the_acknowledgement(opened: Opener) -> None:
    """What was asked for before is answered as it was then, also where it is sent later than the next line is read."""
    client = opened.stranger()
    caps = "batch draft/extended-isupport userhost-in-names"
    client.send("NICK before", "CAP LS 302", "USER u 0 * :r", f"CAP END\r\nJOIN #ack\r\nCAP REQ :{caps}\r\nNAMES #ack")
    answers = client.sync()
    where = commands(answers).index("353")
    assert answers[where].params[3] == "@before"
    assert answers[where + 1].command == "366"
    assert answers[where + 2].params[1] == "ACK"
    assert "BATCH" not in commands(answers)
    assert answers[-2].params[3].startswith("@before!u@")


def test_no_line_of_others_comes_between_an_answer_and_its_change(
    house: House, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever shows something to others holds the journal's turn; so does a CAP of somebody who is on the chat."""
    held: list[bool] = []
    note = Session.note_capabilities

    def watched(session: Session) -> None:
        held.append(house._journal._turn.locked())
        note(session)

    client = opened()
    monkeypatch.setattr(Session, "note_capabilities", watched)
    assert cap(client, "CAP REQ :server-time")[1] == "ACK"
    assert held == [True]


# -- extended-isupport ------------------------------------------------------------------------------------------------


def tokens(messages: list[Message]) -> list[str]:
    return [token for each in params(messages, "005") for token in each[1:-1]]


def test_isupport_can_be_asked_for(opened: Opener) -> None:
    client = opened.stranger()
    client.send("NICK isup", "USER u 0 * :r")
    told = tokens(client.sync())
    assert tokens(client.ask("ISUPPORT")) == told
    assert set(commands(client.ask("isupport :whatever"))) == {"005"}


def test_isupport_before_registration_needs_its_capability(opened: Opener) -> None:
    client = opened.stranger()
    assert client.asked("ISUPPORT") == ["451 * :You have not registered"]
    client.ask("CAP REQ :draft/extended-isupport")
    early = client.ask("ISUPPORT")
    assert set(commands(early)) == {"005"}
    assert {message.params[0] for message in early} == {"*"}
    client.send("NICK early", "USER u 0 * :r", "CAP END")
    assert tokens(client.sync()) == tokens(early)


def test_isupport_comes_as_a_batch(opened: Opener) -> None:
    client = opened.stranger()
    client.send("CAP REQ :draft/extended-isupport", "CAP REQ :batch", "NICK batched", "USER u 0 * :r", "CAP END")
    welcome = client.sync()
    for messages in (welcome, client.ask("ISUPPORT")):
        opening, *inside = [m for m in messages if m.command in ("005", "BATCH")]
        closing = inside.pop()
        reference = opening.params[0].removeprefix("+")
        assert (opening.command, opening.params[1:]) == ("BATCH", ["draft/isupport"])
        assert (closing.command, closing.params) == ("BATCH", [f"-{reference}"])
        assert opening.tags == closing.tags == {}
        assert commands(inside) == ["005"] * len(inside)
        assert all(message.tags == {"batch": reference} for message in inside)
    at = commands(welcome).index("BATCH")
    assert commands(welcome)[at - 1] == "004"
    client.ask("CAP REQ :-batch")
    assert set(commands(client.ask("ISUPPORT"))) == {"005"}
