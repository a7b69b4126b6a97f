"""What is told of others, to those with the capability for it and to nobody else.

IRCv3 account-notify, away-notify, chghost, extended-join, setname. What MONITOR tells is in `test_monitor`;
invite-notify and no-implicit-names are with the commands that they belong to.
"""

import pytest

from securechat.irc.message import Message
from tests.server.wire import NAME, PASSWORD, Client, Opener, commands, one, plain


def log_in(client: Client, account: str, label: str = "") -> list[Message]:
    """Log in when on the chat already; all that comes of it. ``label``: of the line that finishes it."""
    client.ask("CAP REQ sasl")
    client.send("AUTHENTICATE PLAIN")
    client.expect("AUTHENTICATE", "+")
    tag = f"@label={label} " if label else ""
    return client.ask(f"{tag}AUTHENTICATE {plain(account)}")


def source_of(client: Client) -> str:
    """How others see a client."""
    user = one(client.ask(f"WHOIS {client.nick}"), "311").params
    return f"{user[1]}!{user[2]}@{user[3]}"


# -- away-notify ------------------------------------------------------------------------------------------------------


def test_away(opened: Opener) -> None:
    client, watcher = opened.pair("#away", "away-notify")
    without, elsewhere = opened(join="#away"), opened(None, "away-notify")
    watcher.sync()
    own = opened(None, "away-notify", join="#away")
    for other in (client, watcher, without):
        other.sync()
    source = source_of(client)
    client.ask("AWAY :gone for tea")
    (away,) = watcher.sync()
    assert (away.source, away.command, away.params) == (source, "AWAY", ["gone for tea"])
    client.ask("AWAY :gone for tea", "AWAY other")
    assert [m.params for m in watcher.sync()] == [["other"]]  # that nothing has changed is not told
    client.ask("AWAY", "AWAY")
    assert [m.params for m in watcher.sync()] == [[]]
    for other in (without, elsewhere):
        assert other.sync() == []
    own.sync()
    assert commands(own.ask("AWAY mine")) == ["306"]  # of themselves they are told by the numeric


def test_away_is_told_once_to_who_shares_several_channels(opened: Opener) -> None:
    client, watcher = opened.pair("#aw1", "away-notify")
    for channel in ("#aw2", "#aw3"):
        client.join(channel)
        watcher.join(channel)
    watcher.sync()
    client.ask("AWAY x")
    assert commands(watcher.sync()) == ["AWAY"]


def test_who_comes_in_and_is_away(opened: Opener) -> None:
    with_it, without = opened(None, "away-notify", join="#come"), opened(join="#come")
    with_it.sync()
    away, here = opened(None, "away-notify"), opened()
    away.ask("AWAY :at sea")
    here.join("#come")
    assert commands(with_it.sync()) == ["JOIN"]
    assert commands(away.ask("JOIN #come")) == ["JOIN", "353", "366"]
    joined, told = with_it.sync()
    assert (joined.command, told.command, told.params) == ("JOIN", "AWAY", ["at sea"])
    assert told.source == joined.source
    assert commands(without.sync()) == ["JOIN", "JOIN"]


# -- setname, extended-join -------------------------------------------------------------------------------------------


def test_setname(opened: Opener) -> None:
    client, watcher = opened.pair("#sn", "setname")
    without, elsewhere = opened(join="#sn"), opened(None, "setname")
    watcher.sync()
    source = source_of(client)
    client.ask("SETNAME :A new name")
    (told,) = watcher.sync()
    assert (told.source, told.command, told.params) == (source, "SETNAME", ["A new name"])
    assert without.sync() == elsewhere.sync() == []


def test_extended_join(opened: Opener) -> None:
    extended, plainly = opened(None, "extended-join", join="#ej"), opened(join="#ej")
    extended.sync()
    guest, alice = opened("joiner"), opened(account="alice")
    guest.ask("SETNAME :Some guest", "JOIN #ej")
    alice.join("#ej")
    assert [m.params for m in extended.sync()] == [["#ej", "*", "Some guest"], ["#ej", "alice", "alice the tester"]]
    assert [m.params for m in plainly.sync()] == [["#ej"], ["#ej"]]
    assert one(opened(None, "extended-join").ask("JOIN #ej"), "JOIN").params[1] == "*"


# -- account-notify, chghost ------------------------------------------------------------------------------------------


def test_a_login(opened: Opener) -> None:
    client, watcher = opened.pair("#login", "account-notify", "chghost")
    elsewhere = opened(None, "account-notify", "chghost")
    before = source_of(client)
    log_in(client, "alice")
    account, host = watcher.sync()
    assert (account.source, account.command, account.params) == (before, "ACCOUNT", ["alice"])
    assert (host.source, host.command, host.params) == (before, "CHGHOST", [client.nick, "user/alice"])
    assert source_of(client) == f"{client.nick}!{client.nick}@user/alice"
    assert elsewhere.sync() == []


def test_who_logs_in_has_the_account_of_before_until_that_is_told(opened: Opener) -> None:
    """As the example of IRCv3 account-tag shows it."""
    client, watcher = opened.pair("#tagged", "account-notify", "account-tag")
    for account, before in (("carol", {}), ("dave", {"account": "carol"})):
        log_in(client, account)
        client.ask("PRIVMSG #tagged :x")
        told = [(m.params[0], m.tags) for m in watcher.sync() if m.command in ("ACCOUNT", "PRIVMSG")]
        assert told == [(account, before), ("#tagged", {"account": account})]


@pytest.mark.parametrize(
    ("caps", "expected"),
    [
        (("account-notify", "chghost"), ["ACCOUNT", "CHGHOST", "900", "903"]),
        (("account-notify",), ["ACCOUNT", "396", "900", "903"]),
        (("chghost",), ["CHGHOST", "900", "903"]),
        ((), ["396", "900", "903"]),
    ],
)
def test_one_is_told_of_ones_own_login(opened: Opener, caps: tuple[str, ...], expected: list[str]) -> None:
    client = opened(None, *caps, join="#ownlogin")
    assert commands(log_in(client, "Bob")) == expected


def test_without_chghost_somebody_leaves_and_comes_in(opened: Opener) -> None:
    client = opened(join="#cg1,#cg2,#cg3")
    client.ask(f"MODE #cg2 +v {client.nick}")
    watcher, extended = opened(join="#cg1,#cg2"), opened(None, "extended-join", "message-tags", join="#cg2")
    watcher.sync()
    before = source_of(client)
    log_in(client, "carol")
    after = source_of(client)
    left, join1, mode1, join2, mode2 = watcher.sync()
    assert (left.source, left.command, left.params) == (before, "QUIT", ["Changing host"])
    assert (join1.source, join1.command, join1.params) == (after, "JOIN", ["#cg1"])
    assert (mode1.source, mode1.params) == (NAME, ["#cg1", "+o", client.nick])
    assert (join2.source, join2.params) == (after, ["#cg2"])
    assert mode2.params == ["#cg2", "+ov", client.nick, client.nick]
    lines = extended.sync()
    assert commands(lines) == ["QUIT", "JOIN", "MODE"]
    assert lines[1].params == ["#cg2", "carol", f"{client.nick} the tester"]
    msgids = [line.tags["msgid"] for line in lines if "msgid" in line.tags]
    assert len(msgids) == len(set(msgids))


def test_who_comes_in_again_without_chghost_is_still_away(opened: Opener) -> None:
    client = opened(join="#cg4,#cg5")
    client.ask("AWAY :lunch")
    watcher, other = opened(None, "away-notify", join="#cg4,#cg5"), opened(None, "away-notify", "chghost", join="#cg4")
    watcher.sync()
    log_in(client, "Bob")
    *lines, last = watcher.sync()
    assert commands(lines) == ["QUIT", "JOIN", "MODE", "JOIN", "MODE"]
    assert (last.source, last.command, last.params) == (source_of(client), "AWAY", ["lunch"])
    assert commands(other.sync()) == ["CHGHOST"]


def test_a_login_to_the_account_that_one_has_is_told_nobody(opened: Opener) -> None:
    client = opened(None, account="dave", join="#again")
    watcher = opened(None, "account-notify", join="#again")
    client.sync()
    assert commands(log_in(client, "dave")) == ["900", "903"]
    assert watcher.sync() == []


def test_a_login_that_fails_is_told_nobody(opened: Opener) -> None:
    client, watcher = opened.pair("#fails", "account-notify", "chghost")
    wrong = plain("alice", PASSWORD + "x")
    assert commands(client.ask("CAP REQ sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {wrong}"))[-1] == "904"
    assert watcher.sync() == []


# -- labels -----------------------------------------------------------------------------------------------------------


def test_each_line_has_one_answer(opened: Opener) -> None:
    caps = ("labeled-response", "batch", "away-notify", "setname", "account-notify", "chghost", "extended-join")
    client, friend = opened(None, *caps), opened(None, *caps)
    friend.join("#labels")
    for line, expected in (
        ("JOIN #labels", ["BATCH", "JOIN", "353", "366", "BATCH"]),
        ("AWAY x", ["306"]),
        ("AWAY", ["305"]),
        ("SETNAME :x", ["SETNAME"]),
        ("SETNAME :", ["FAIL"]),
    ):
        answers = client.ask(f"@label=l {line}")
        assert commands(answers) == expected
        assert [answer.tags.get("label") for answer in answers] == ["l"] + [None] * (len(expected) - 1)
    seen = friend.sync()
    assert commands(seen) == ["JOIN", "AWAY", "AWAY", "SETNAME"]
    assert all("label" not in message.tags for message in seen)
    answers = log_in(client, "alice", label="l")
    assert commands(answers) == ["BATCH", "ACCOUNT", "CHGHOST", "900", "903", "BATCH"]
    assert answers[0].tags["label"] == "l"
    client.ask("CAP REQ -setname")
    assert commands(client.ask("@label=n SETNAME y")) == ["ACK"]
