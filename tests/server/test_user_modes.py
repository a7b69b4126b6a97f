"""MODE of users (Modern IRC, "User mode"), what the modes do, and bots (IRCv3 bot-mode)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.irc.message import Message
from tests.server.wire import Client, House, Opener, commands, one, running


@pytest.fixture
def quiet(certs: Path, tmp_path: Path) -> Iterator[House]:
    """A server on which nobody is."""
    with running(certs, tmp_path) as house:
        yield house


def modes(client: Client) -> str:
    """The client's modes."""
    return str(one(client.ask(f"MODE {client.nick}"), "221").params[1])


# -- MODE -------------------------------------------------------------------------------------------------------------


def test_shown_and_changed(opened: Opener) -> None:
    client = opened()
    nick = client.nick
    assert client.asked(f"MODE {nick.upper()}", f"MODE {nick} :") == [f"221 {nick} :+"] * 2
    assert client.asked(f"MODE {nick.upper()} +iw") == [f"{nick} MODE {nick} :+iw"]
    assert client.asked(f"MODE {nick} -i+B") == [f"{nick} MODE {nick} :-i+B"]
    assert modes(client) == "+Bw"
    assert client.ask(f"MODE {nick} +B", f"MODE {nick} -R", f"MODE {nick} +i-i") == []  # nothing has changed
    assert client.asked(f"MODE {nick} R") == [f"{nick} MODE {nick} :+R"]
    assert modes(client) == "+BRw"


def test_what_is_unknown_is_said_and_the_rest_is_done(opened: Opener) -> None:
    client = opened()
    nick, unknown = client.nick, "Unknown MODE flag"
    assert client.asked(f"MODE {nick} +x") == [f"501 {nick} :{unknown}"]
    assert client.asked(f"MODE {nick} +xiy") == [f"{nick} MODE {nick} :+i", f"501 {nick} :{unknown}"]
    assert client.asked(f"MODE {nick} -?") == [f"501 {nick} :{unknown}"]
    assert modes(client) == "+i"


def test_only_ones_own(opened: Opener) -> None:
    client, other, boss = opened(), opened(), opened(account="boss")
    for line in (f"MODE {other.nick}", f"MODE {other.nick} +i", f"MODE {other.nick} +x"):
        for asker in (client, boss):
            assert asker.asked(line) == [f"502 {asker.nick} :Cant change mode for other users"]
    for line in ("MODE nobody", "MODE nobody +i"):
        assert client.asked(line) == [f"401 {client.nick} nobody :No such nick/channel"]
    assert modes(other) == "+"


def test_nobody_makes_themselves_an_operator(opened: Opener) -> None:
    client = opened()
    assert client.ask(f"MODE {client.nick} +o") == []
    assert client.asked(f"MODE {client.nick} +oi") == [f"{client.nick} MODE {client.nick} :+i"]
    assert modes(client) == "+i"


def test_an_administrator_is_one_until_they_give_it_up(opened: Opener) -> None:
    boss = opened.stranger()
    boss.register(account="boss")
    assert any(" 221 boss +o" in line for line in boss.lines)  # at registration
    assert commands(boss.ask("WHOIS boss")).count("313") == 1
    assert boss.asked("MODE boss -o") == ["boss MODE boss :-o"]
    assert commands(boss.ask("MODE boss +o", "WHOIS boss")).count("313") == 0
    assert commands(boss.ask("STATS k")) == ["481"]


def test_all_devices_see_it(opened: Opener) -> None:
    phone, laptop = opened(account="alice"), opened(account="alice")
    phone.ask("MODE alice +i")
    assert [(m.command, m.params) for m in laptop.sync()] == [("MODE", ["alice", "+i"])]
    assert modes(laptop) == "+i"
    tablet = opened.stranger().register(account="alice")
    assert any(" 221 alice +i" in line for line in tablet.lines)


def test_labels(opened: Opener) -> None:
    client = opened(None, "labeled-response", "batch")
    for words, expected in (
        ("", ["221"]),
        ("+i", ["MODE"]),
        ("+i", ["ACK"]),
        ("+o", ["ACK"]),
        ("+x", ["501"]),
        ("-i+x", ["BATCH", "MODE", "501", "BATCH"]),
    ):
        answers = client.ask(f"@label=m MODE {client.nick} {words}")
        assert commands(answers) == expected
        assert [answer.tags.get("label") for answer in answers] == ["m"] + [None] * (len(expected) - 1)


# -- what they do -----------------------------------------------------------------------------------------------------


def test_the_invisible_are_counted_apart_and_not_named(quiet: House) -> None:
    client, other = (quiet.enter(Client(quiet)).register(nick) for nick in ("seen", "unseen"))
    other.join("#lobby")
    other.ask("MODE unseen +i")
    assert one(client.ask("LUSERS"), "251").params[1] == "There are 1 users and 1 invisible on 1 servers"
    assert commands(client.ask("NAMES #lobby")) == ["366"]
    client.join("#lobby")
    assert one(client.ask("NAMES #lobby"), "353").params[3].split() == ["unseen", "seen"]
    client.ask("PART #lobby")
    other.ask("MODE unseen -i")
    assert one(client.ask("LUSERS"), "251").params[1] == "There are 2 users and 0 invisible on 1 servers"
    assert one(client.ask("NAMES #lobby"), "353").params[3] == "unseen"


def test_messages_only_from_those_with_an_account(opened: Opener) -> None:
    client, guest, alice = opened(), opened(), opened(account="alice")
    client.ask(f"MODE {client.nick} +R")
    (refused,) = guest.ask(f"PRIVMSG {client.nick} hello")
    assert (refused.command, refused.params[:2]) == ("531", [guest.nick, client.nick])
    assert alice.ask(f"PRIVMSG {client.nick} hello") == []
    assert commands(client.sync()) == ["PRIVMSG"]


# -- bots -------------------------------------------------------------------------------------------------------------


def test_a_bot_is_shown_as_one(opened: Opener) -> None:
    bot, other = opened(join="#bots"), opened(join="#bots")
    assert " BOT=B " in " ".join(bot.lines)
    bot.sync()
    bot.ask(f"MODE {bot.nick} +B")
    assert one(other.ask(f"WHOIS {bot.nick}"), "335").params[1] == bot.nick
    assert one(other.ask(f"WHO {bot.nick}"), "352").params[6] == "H@B"
    bot.ask(f"MODE {bot.nick} -B")
    assert commands(other.ask(f"WHOIS {bot.nick}")).count("335") == 0


def sent(client: Client, first: int, nick: str) -> list[Message]:
    """What somebody has sent, of the lines that a client has got since the ``first``."""
    messages = map(Message.parse, client.lines[first:])
    return [message for message in messages if (message.source or "").startswith(f"{nick}!")]


def test_all_that_a_bot_sends_says_so(opened: Opener) -> None:
    caps = ("message-tags", "away-notify", "setname", "invite-notify")
    bot = opened("robot", *caps, join="#robots")
    watcher, untagged, guest = opened(None, *caps, join="#robots"), opened(join="#robots"), opened(None, *caps)
    clients = (bot, watcher, untagged, guest)
    first = {client: len(client.lines) for client in clients}
    bot.ask(
        "MODE robot +B", "PRIVMSG #robots :beep", "NOTICE #robots :beep", "TAGMSG #robots", "TOPIC #robots :beep",
        "MODE #robots +m", f"INVITE {guest.nick} #robots", "AWAY :beep", "AWAY", "SETNAME :beep",
        f"PRIVMSG {watcher.nick} :beep", f"KICK #robots {untagged.nick}", "PART #robots", "JOIN #robots", "NICK beeper",
    )  # fmt: skip
    bot.send("QUIT")
    bot.to_end()
    for client in clients[1:]:
        client.sync()
    seen = {
        client: [m for nick in ("robot", "beeper") for m in sent(client, first[client], nick)] for client in clients
    }
    common = ["PRIVMSG", "NOTICE", "TAGMSG", "TOPIC", "MODE"]
    end = ["PART", "JOIN", "NICK"]
    assert commands(seen[watcher]) == [*common, "INVITE", "AWAY", "AWAY", "SETNAME", "PRIVMSG", "KICK", *end, "QUIT"]
    assert commands(seen[guest]) == ["INVITE"]
    assert commands(seen[bot]) == ["MODE", "TOPIC", "MODE", "SETNAME", "KICK", *end]
    for client in (bot, watcher, guest):
        assert {message.tags.get("bot") for message in seen[client]} == {""}  # there, and without a value
    assert commands(seen[untagged]) == ["PRIVMSG", "NOTICE", "TOPIC", "MODE", "KICK"]
    assert not any(message.tags for message in seen[untagged])
