"""Extended bans: of accounts, and mutes (IRCv3 account-extban; Modern IRC, "EXTBAN")."""

import pytest

from tests.server.wire import Opener, commands, one


def test_the_tokens_say_how(opened: Opener) -> None:
    """ "Servers publishing the ACCOUNTEXTBAN token MUST also publish the EXTBAN token."."""
    tokens = dict(
        word.partition("=")[::2] for line in opened().asked("ISUPPORT") for word in line.split() if "=" in word
    )
    prefix, types = tokens["EXTBAN"].split(",")
    assert prefix == "~"
    for name in tokens["ACCOUNTEXTBAN"].split(","):
        assert name[0] in types
        op, bob = opened(join="#token"), opened("bobby", account="Bob")
        op.ask(f"MODE #token +b {prefix}{name}:bob")
        assert commands(bob.ask("JOIN #token")) == ["474"]
        op.ask("PART #token")
        bob.send("QUIT")
        bob.to_end()


@pytest.mark.parametrize(
    ("mask", "whole"),
    [
        ("~a:bob", "~a:bob"),
        ("~account:bob", "~a:bob"),
        ("~a:b?b", "~a:b?b"),
        ("~account:**", "~a:*"),
        ("~m:troll", "~m:troll!*@*"),
        ("~mute:*.example.org", "~m:*!*@*.example.org"),
        ("~m:~account:bob", "~m:~a:bob"),
    ],
)
def test_extended_masks_are_completed(opened: Opener, mask: str, whole: str) -> None:
    op = opened(join="#ext")
    assert op.ask(f"MODE #ext +b {mask}")[0].params == ["#ext", "+b", whole]
    assert one(op.ask("MODE #ext b"), "367").params[2] == whole
    assert op.ask(f"MODE #ext +b {whole.upper().replace('~A', '~a').replace('~M', '~m')}") == []
    assert op.ask(f"MODE #ext -b {mask}")[0].params == ["#ext", "-b", whole]


@pytest.mark.parametrize(
    "mask", ["~a:", "~a", "~", "~x:bob", "~:bob", "~m:", "~m:~m:bob", "~a:~m:bob", "~a:b!*@*", "$a:b!!@", "~m:~x:y"]
)
def test_what_is_no_extended_mask(opened: Opener, mask: str) -> None:
    op = opened(join="#noext")
    answers = op.ask(f"MODE #noext +b {mask}")
    if mask.startswith("~"):
        assert [[m.command, *m.params] for m in answers] == [["696", op.nick, "#noext", "b", mask, "This is no mask"]]
    else:
        assert commands(answers) == ["MODE"]


def test_a_ban_of_an_account(opened: Opener) -> None:
    op = opened(join="#acc")
    bob, carol, guest = opened("someone", account="Bob"), opened(account="carol"), opened("bobby")
    op.ask("MODE #acc +b ~a:bob")
    assert bob.asked("JOIN #acc") == ["474 someone #acc :Cannot join channel (+b)"]
    for client in (carol, guest):
        client.join("#acc")
    assert op.sync()
    op.ask("MODE #acc +b ~a:*")
    for client in (carol, guest):
        client.sync()
    assert commands(carol.ask("PRIVMSG #acc :hey")) == ["404"]
    assert guest.ask("PRIVMSG #acc :hey") == []  # who has none is in no ban of accounts
    op.ask("MODE #acc -b+e ~a:bob ~a:carol")
    carol.sync()
    assert carol.ask("PRIVMSG #acc :hey") == []


def test_a_ban_of_an_account_is_for_all_who_are_logged_in_to_it_whatever_they_are_called(opened: Opener) -> None:
    op = opened(join="#nick")
    bob = opened(account="Bob", join="#nick")
    op.ask("MODE #nick +b ~account:BOB")
    bob.sync()
    assert commands(bob.ask("NICK hidden", "PRIVMSG #nick :hey")) == ["NICK", "404"]
    op.ask("KICK #nick hidden")
    bob.sync()
    assert commands(bob.ask("JOIN #nick")) == ["474"]


def test_a_mute_lets_people_in_who_may_not_speak(opened: Opener) -> None:
    op, guest = opened(join="#mute"), opened()
    op.ask(f"MODE #mute +b ~m:{guest.nick}")
    assert commands(guest.ask("JOIN #mute")) == ["JOIN", "353", "366"]
    assert guest.asked("PRIVMSG #mute :hey") == [f"404 {guest.nick} #mute :Cannot send to channel"]
    op.ask(f"MODE #mute +v {guest.nick}")
    guest.sync()
    assert guest.ask("PRIVMSG #mute :hey") == []
    op.ask(f"MODE #mute -v+e {guest.nick} ~m:*")
    guest.sync()
    assert guest.ask("PRIVMSG #mute :hey") == []  # an exception from mutes


def test_a_mute_of_an_account(opened: Opener) -> None:
    op = opened(join="#mutacc")
    bob, carol = opened("bob2", account="Bob", join="#mutacc"), opened(account="carol", join="#mutacc")
    op.ask("MODE #mutacc +b ~mute:~account:bob")
    for client in (bob, carol):
        client.sync()
    assert commands(bob.ask("PRIVMSG #mutacc :hey")) == ["404"]
    assert carol.ask("PRIVMSG #mutacc :hey") == []


def test_an_exception_from_mutes_is_none_from_bans(opened: Opener) -> None:
    op, guest = opened(join="#mb"), opened()
    op.ask(f"MODE #mb +be {guest.nick} ~m:{guest.nick}")
    assert commands(guest.ask("JOIN #mb")) == ["474"]


def test_accounts_that_need_no_invitation(opened: Opener) -> None:
    op, bob, guest = opened(join="#ia"), opened("bob3", account="Bob"), opened()
    op.ask("MODE #ia +iI ~account:bob")
    assert commands(guest.ask("JOIN #ia")) == ["473"]
    assert commands(bob.ask("JOIN #ia")) == ["JOIN", "353", "366"]
