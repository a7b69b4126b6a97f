"""Who may read what: channels that are not for everybody, and private messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.server.pages import HISTORY, page, said, texts
from tests.server.test_chathistory import ALWAYS, targets
from tests.server.wire import Client, House, Opener, running

ECHO = (*HISTORY, "echo-message")
REFUSED = "INVALID_TARGET"


def everything(reader: Client, target: str) -> list[str] | str:
    """All that was said there; or with which code that is refused."""
    reader.sync()
    first = reader.ask(f"CHATHISTORY LATEST {target} * 200")[0]
    if first.command == "FAIL":
        return first.params[1]
    return texts(page(reader, "LATEST", target, "*", "200"))


# -- channels ---------------------------------------------------------------------------------------------------------


def test_in_an_open_channel_who_comes_reads_what_was_said(opened: Opener) -> None:
    owner, reader = opened(join="#open"), opened(None, *HISTORY)
    owner.ask("PRIVMSG #open :before")
    assert everything(reader, "#open") == REFUSED
    reader.join("#open")
    assert everything(reader, "#open") == ["before"]
    reader.ask("PART #open")
    assert everything(reader, "#open") == REFUSED
    reader.join("#open")
    owner.ask(f"KICK #open {reader.nick}")
    assert everything(reader, "#open") == REFUSED


def test_in_a_closed_channel_it_begins_with_the_right_to_be_there(opened: Opener) -> None:
    for mode in ("+i", "+k sesame", "+s"):
        channel = f"#closed{mode[1]}"
        owner, reader = opened(None, *HISTORY, join=channel), opened(None, *HISTORY)
        owner.ask(f"PRIVMSG {channel} :when it was open", f"MODE {channel} {mode}", f"PRIVMSG {channel} :among us")
        owner.ask(f"INVITE {reader.nick} {channel}", f"PRIVMSG {channel} :after the invitation")
        reader.send(f"JOIN {channel} sesame")
        reader.expect("366")
        owner.ask(f"PRIVMSG {channel} :here")
        expected = ["after the invitation", "here"]
        assert everything(reader, channel) == expected
        first = targets(reader, *ALWAYS, "9")
        assert [name for name, _ in first] == [channel]
        for subcommand in ("AFTER", "AROUND"):
            assert texts(page(reader, subcommand, channel, "msgid=" + "0" * 13, "9")) == expected
        assert everything(owner, channel)[0] == "when it was open"


def test_a_channel_in_which_nothing_may_be_read_yet_is_no_target(opened: Opener) -> None:
    owner, reader = opened(join="#before"), opened(None, *HISTORY)
    owner.ask("PRIVMSG #before :secret", "MODE #before +i", f"INVITE {reader.nick} #before")
    reader.join("#before")
    assert everything(reader, "#before") == []
    assert targets(reader, *ALWAYS, "9") == []


def test_a_secret_channel_is_as_one_that_is_not_there(opened: Opener) -> None:
    owner, reader = opened(join="#hidden"), opened(None, *HISTORY)
    owner.ask("MODE #hidden +s", "PRIVMSG #hidden :x")
    (found,) = reader.asked("CHATHISTORY LATEST #hidden * 5")
    (nothing,) = reader.asked("CHATHISTORY LATEST #nothing * 5")
    assert found.replace("hidden", "nothing") == nothing


def test_what_was_said_to_those_of_a_rank_is_for_who_has_it_now_or_said_it(opened: Opener) -> None:
    owner, member, other = (opened(None, *ECHO, join="#ranks") for _ in range(3))
    owner.ask("PRIVMSG @#ranks :to operators", "PRIVMSG +#ranks :to voices", "PRIVMSG #ranks :to all")
    member.ask("PRIVMSG @#ranks :from below")
    assert everything(owner, "#ranks") == ["to operators", "to voices", "to all", "from below"]
    assert everything(member, "#ranks") == ["to all", "from below"]
    assert everything(other, "#ranks") == ["to all"]
    owner.ask(f"MODE #ranks +v {other.nick}")
    assert everything(other, "#ranks") == ["to voices", "to all"]
    owner.ask(f"MODE #ranks -v+o {other.nick} {other.nick}")
    assert everything(other, "#ranks") == ["to operators", "to voices", "to all", "from below"]


def test_another_channel_of_the_same_name_has_no_history(opened: Opener) -> None:
    """One that a guest has made goes with its last member."""
    reader = opened(None, *HISTORY, join="#phoenix")
    reader.ask("PRIVMSG #phoenix :old", "PART #phoenix")
    reader.join("#phoenix")
    assert everything(reader, "#phoenix") == []


# -- private messages -------------------------------------------------------------------------------------------------


def test_both_read_what_they_have_said_to_each_other_and_nobody_else_does(opened: Opener) -> None:
    one, other, third = opened(None, *ECHO), opened(None, *ECHO), opened(None, *ECHO)
    said(one, f"{other.nick} hello")
    said(other, f"{one.nick} yes")
    third.ask(f"PRIVMSG {one.nick} :psst")
    for reader, target in ((one, other), (other, one)):
        assert everything(reader, target.nick.upper()) == ["hello", "yes"]
    assert everything(third, other.nick) == []
    assert everything(third, one.nick) == ["psst"]


def test_to_oneself(opened: Opener) -> None:
    me = opened(None, *HISTORY)
    me.ask(f"PRIVMSG {me.nick} :remember")
    assert everything(me, me.nick) == ["remember"]


def test_an_account_is_found_by_the_nick_that_it_wears_and_by_its_name(opened: Opener) -> None:
    reader, dave = opened(None, *ECHO), opened(None, *ECHO, account="dave")
    said(dave, f"{reader.nick} as dave")
    dave.ask("NICK davy")
    said(dave, f"{reader.nick} as davy")
    for name in ("davy", "Dave"):
        assert everything(reader, name) == ["as dave", "as davy"]
    assert [name for name, _ in targets(reader, *ALWAYS, "9")] == ["davy"]
    dave.ask("NICK dave")
    assert everything(reader, "dave") == ["as dave", "as davy"]
    assert everything(reader, "davy") == REFUSED


def test_to_an_account_that_is_not_there(opened: Opener) -> None:
    reader = opened(None, *HISTORY)
    assert everything(reader, "ALICE") == []
    reader.ask("PRIVMSG alice :when you come")
    assert everything(reader, "alice") == ["when you come"]
    alice = opened(None, *HISTORY, account="alice")
    assert "when you come" in everything(alice, reader.nick)


def test_a_guest_who_has_gone_is_found_by_who_spoke_with_them_alone(opened: Opener) -> None:
    reader, other = opened(None, *ECHO), opened(None, *ECHO)
    with opened.stranger() as visitor:
        visitor.register("visitor")
        visitor.ask(f"PRIVMSG {reader.nick} :first")
        said(reader, "visitor hello")
    reader.sync()
    assert everything(reader, "VISITOR") == ["first", "hello"]
    assert everything(other, "visitor") == REFUSED
    assert [name for name, _ in targets(reader, *ALWAYS, "9")] == ["visitor"]
    with opened.stranger() as second:
        second.register("Visitor", HISTORY)
        assert everything(second, reader.nick) == [], "who comes with the nick has none of its history"
        assert everything(reader, "visitor") == [], "and is somebody else"
        assert targets(reader, *ALWAYS, "9") == [], "so nothing would be found by the name"
        second.ask(f"PRIVMSG {reader.nick} :second")
        reader.sync()
        assert everything(reader, "visitor") == ["second"]
    reader.sync()
    assert everything(reader, "visitor") == ["first", "hello", "second"]


def test_an_account_that_is_made_later_has_nothing_of_a_guest(house: House, opened: Opener) -> None:
    reader = opened(None, *ECHO)
    with opened.stranger() as guest:
        guest.register("newcomer")
        guest.ask(f"PRIVMSG {reader.nick} :as a guest")
    house.add_account("newcomer")
    newcomer = opened(None, *HISTORY, account="newcomer")
    assert everything(newcomer, reader.nick) == []
    reader.sync()
    assert everything(reader, "newcomer") == []
    assert targets(newcomer, *ALWAYS, "9") == []


def test_who_logs_in_has_the_history_of_the_account(opened: Opener) -> None:
    friend = opened(None, *ECHO)
    friend.ask("PRIVMSG bob :to the account")
    guest = opened(None, *HISTORY, "sasl")
    guest.ask(f"PRIVMSG {friend.nick} :as a guest")
    assert everything(guest, friend.nick) == ["as a guest"]
    with opened.stranger() as bob:
        bob.register(caps=HISTORY, account="Bob")
        assert everything(bob, friend.nick) == ["to the account"]


# -- after a restart --------------------------------------------------------------------------------------------------


@contextmanager
def server(certs: Path, home: Path, *, again: bool) -> Iterator[Opener]:
    with running(certs, home, again=again) as house:
        yield Opener(house)


def test_it_is_all_there_after_a_restart(certs: Path, tmp_path: Path) -> None:
    """What belongs to accounts; a guest who comes again is somebody else."""
    with server(certs, tmp_path, again=False) as opened:
        alice = opened(None, *ECHO, account="alice", join="#kept")
        bob = opened(None, *ECHO, account="Bob", join="#kept")
        alice.sync()
        before = said(alice, "#kept one", "Bob two")
        bob.ask("PRIVMSG alice :three", "MODE #kept +s")
        guest = opened("passer", *ECHO)
        said(guest, "alice hi")
    with server(certs, tmp_path, again=True) as opened:
        alice = opened(None, *ECHO, account="alice", join="#kept")
        alice.ask("PRIVMSG #kept :four")
        assert everything(alice, "#kept") == ["one", "four"]
        found = page(alice, "LATEST", "#kept", "*", "5")
        assert found[0].tags["msgid"] == before[0].tags["msgid"]
        assert found[0].tags["time"] == before[0].tags["time"]
        assert everything(alice, "bob") == ["two", "three"]
        assert everything(alice, "passer") == ["hi"]
        assert everything(opened("passer", *HISTORY), "alice") == []
        assert {name for name, _ in targets(alice, *ALWAYS, "9")} == {"#kept", "Bob"}
