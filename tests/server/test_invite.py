"""INVITE, what it opens, and invite-notify (Modern IRC, "INVITE message"; IRCv3 invite-notify)."""

import pytest

from tests.server.wire import Opener, commands, one, params, shown


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("INVITE {}", "461 {} INVITE :Not enough parameters"),
        ("INVITE nobody #lobby", "401 {} nobody :No such nick/channel"),
        ("INVITE a,b #lobby", "401 {} a,b :No such nick/channel"),
        ("INVITE {} #nowhere", "403 {} #nowhere :No such channel"),
        ("INVITE {} foo", "403 {} foo :No such channel"),
        ("INVITE {} #LOBBY", "442 {} #lobby :You're not on that channel"),
        ("INVITE", "337 {} :End of /INVITE list"),
    ],
)
def test_one_answer(opened: Opener, line: str, answer: str) -> None:
    client = opened()
    assert client.asked(line.format(client.nick)) == [answer.format(client.nick)]


def test_an_invitation(opened: Opener) -> None:
    first, second = opened.pair("#Party")
    guest = opened()
    answer = one(first.ask(f"INVITE {guest.nick.upper()} #PARTY"), "341")
    assert answer.params == [first.nick, guest.nick, "#Party"]
    (invite,) = guest.sync()
    assert (invite.command, invite.params) == ("INVITE", [guest.nick, "#Party"])
    assert (invite.source or "").startswith(f"{first.nick}!{first.nick}@")
    assert second.sync() == []  # "Other channel members SHOULD NOT be notified"
    assert commands(second.ask(f"INVITE {guest.nick} #party")) == ["341"]  # every member may, without +i
    assert first.asked(f"INVITE {second.nick} #party", f"INVITE {first.nick} #party") == [
        f"443 {first.nick} {second.nick} #Party :is already on channel",
        f"443 {first.nick} {first.nick} #Party :is already on channel",
    ]
    assert commands(guest.sync()) == ["INVITE"]
    assert guest.asked(f"INVITE {guest.nick} #party") == [f"442 {guest.nick} #Party :You're not on that channel"]


def test_an_invitation_opens_once(opened: Opener) -> None:
    op, member = opened.pair("#only")
    op.ask("MODE #only +i")
    guest = opened()
    refused = f"473 {guest.nick} #only :Cannot join channel (+i)"
    assert guest.asked("JOIN #only") == [refused]
    assert member.asked(f"INVITE {guest.nick} #only")[-1] == f"482 {member.nick} #only :You're not channel operator"
    assert guest.asked("JOIN #only") == [refused]
    op.ask(f"INVITE {guest.nick} #only")
    guest.sync()
    assert commands(guest.ask("JOIN #only")) == ["JOIN", "353", "366"]
    assert guest.asked("PART #only", "JOIN #only")[-1] == refused
    op.ask(f"MODE #only +h {member.nick}")
    assert "341" in commands(member.ask(f"INVITE {guest.nick} #only"))  # half-operators may


def test_the_invitation_of_an_operator_opens_everything(opened: Opener) -> None:
    op, member = opened.pair("#wide")
    op.ask("MODE #wide +iRklb key 1 *!*@*")
    one_, two = opened(), opened()
    op.ask(f"INVITE {one_.nick} #wide")
    one_.sync()
    assert commands(one_.ask("JOIN #wide")) == ["JOIN", "353", "366"]
    op.ask("MODE #wide -i")
    member.sync()
    assert commands(member.ask(f"INVITE {two.nick} #wide")) == ["341"]
    two.sync()
    assert commands(two.ask("JOIN #wide")) == ["474"]  # a member's does not go against a ban...
    op.ask("MODE #wide -b *!*@*")
    assert commands(two.ask("JOIN #wide")) == ["475"]  # ...nor replaces a key...
    assert commands(two.ask("JOIN #wide key")) == ["471"]
    op.ask("MODE #wide -l")
    assert commands(two.ask("JOIN #wide key")) == ["JOIN", "353", "366"]  # ...but an account (+R)


def test_the_list_of_invitations(opened: Opener) -> None:
    first, second = opened.pair("#l1")
    first.join("#l2")
    first.ask("MODE #l2 +s")
    guest = opened()
    first.ask(f"INVITE {guest.nick} #l1", f"INVITE {guest.nick} #l2", f"INVITE {guest.nick} #l1")
    guest.sync()
    assert guest.asked("INVITE") == [
        f"336 {guest.nick} :#l1",
        f"336 {guest.nick} :#l2",
        f"337 {guest.nick} :End of /INVITE list",
    ]
    guest.join("#l1")
    assert params(guest.ask("INVITE"), "336") == [[guest.nick, "#l2"]]
    first.ask("PART #l2")  # and with it the channel goes
    assert commands(guest.ask("INVITE")) == ["337"]
    assert commands(second.ask("INVITE"))[-1] == "337"


def test_who_is_away_says_so(opened: Opener) -> None:
    first, guest = opened(join="#away"), opened()
    guest.ask("AWAY :having lunch")
    assert first.asked(f"INVITE {guest.nick} #away") == [
        f"341 {first.nick} {guest.nick} :#away",
        f"301 {first.nick} {guest.nick} :having lunch",
    ]
    assert commands(guest.sync()) == ["INVITE"]


def test_an_invitation_reaches_all_devices(opened: Opener) -> None:
    first = opened(join="#idev")
    phone, laptop = opened(account="carol"), opened(account="carol")
    first.ask("INVITE carol #idev")
    assert (
        [shown(m) for m in phone.sync()] == [shown(m) for m in laptop.sync()] == [f"{first.nick} INVITE carol :#idev"]
    )


def test_ones_own_other_devices_are_notified(opened: Opener) -> None:
    """It is another client that does the INVITE (invite-notify, "Description"); which one it was gets 341."""
    desk, phone = opened(None, "invite-notify", account="dave"), opened(None, "invite-notify", account="dave")
    desk.join("#devices")
    guest = opened()
    phone.sync()
    assert desk.asked(f"INVITE {guest.nick} #devices") == [f"341 dave {guest.nick} :#devices"]
    assert [shown(message) for message in phone.sync()] == [f"dave INVITE {guest.nick} :#devices"]


def test_an_invitation_has_tags(opened: Opener) -> None:
    owner = opened(account="alice", join="#itag")
    guest = opened(None, "account-tag", "message-tags", "server-time")
    owner.ask(f"INVITE {guest.nick} #itag")
    assert set(one(guest.sync(), "INVITE").tags) == {"account", "msgid", "time"}


def test_invite_notify(opened: Opener) -> None:
    op = opened(None, "invite-notify", join="#notify")
    watcher = opened(None, "invite-notify", join="#notify")
    plain = opened(join="#notify")
    guest = opened(None, "invite-notify")
    for client in (op, watcher):
        client.sync()
    assert commands(op.ask(f"INVITE {guest.nick} #notify")) == ["341"]
    assert [shown(message) for message in watcher.sync()] == [f"{op.nick} INVITE {guest.nick} :#notify"]
    assert plain.sync() == []
    assert commands(guest.sync()) == ["INVITE"]
    op.ask("MODE #notify +i")
    watcher.sync()
    op.ask(f"INVITE {guest.nick} #notify")
    assert watcher.sync() == []  # only those who could have invited themselves
    op.ask(f"MODE #notify +h {watcher.nick}")
    watcher.sync()
    op.ask(f"INVITE {guest.nick} #notify")
    assert commands(watcher.sync()) == ["INVITE"]
