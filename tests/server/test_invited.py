"""REGISTER with an invitation: accounts that are made with a code, and passwords that are set anew with one."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from securechat.chat.events import Event
from securechat.chat.model import Role
from securechat.chat.requests import AddAccount, EnableAccount, RemoveAccount, RevokeInviteCode, SetAlwaysOn
from securechat.server.config import Limits
from securechat.server.invitations import digest_of
from securechat.store.database import Database, NotStored
from securechat.store.rows import is_stored
from tests.server.codes import code_for, invited, state
from tests.server.wire import PASSWORD, Client, House, Opener, commands, one, plain, running

NEW = "a whole new horse"
GATE = "open sesame"
REGISTER = f"REGISTER * * :{NEW}"
NOBODYS = "A" * 22


@pytest.fixture(scope="module")
def house(certs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Without guests; nobody makes an account who was not invited."""
    with running(certs, tmp_path_factory.mktemp("house"), guests=False) as one:
        yield one


@pytest.fixture(scope="module")
def gated(certs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With guests and a password of the server."""
    with running(certs, tmp_path_factory.mktemp("gated"), password=GATE) as one:
        yield one


@pytest.fixture
def inside(gated: House) -> Iterator[Opener]:
    yield Opener(gated)
    gated.everybody_out()


def failed(client: Client, line: str) -> list[str]:
    (message,) = client.ask(line)
    assert message.command == "FAIL"
    assert message.params[0] == "REGISTER"
    return message.params[1:-1]


def login(client: Client, account: str, password: str) -> list[str]:
    client.ask("CAP REQ :sasl")
    return commands(client.ask("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain(account, password)}"))[1:]


def enter(client: Client) -> Client:
    client.send("USER u 0 * :r", "CAP END")
    client.expect("001")
    client.sync()
    return client


# -- accounts ---------------------------------------------------------------------------------------------------------


def test_an_account_of_ones_own(opened: Opener, house: House) -> None:
    code = code_for(house)
    client = invited(opened, "Fresh", code)
    success, logged_in = client.ask(REGISTER)
    assert [success.command, *success.params[:2]] == ["REGISTER", "SUCCESS", "Fresh"]
    assert [logged_in.command, *logged_in.params[:3]] == ["900", "Fresh", "Fresh!*@user/Fresh", "Fresh"]
    enter(client)
    assert one(client.ask("WHOIS Fresh"), "330").params[2] == "Fresh"
    assert state(house, code).left == 0
    assert house.hub.chat.accounts["fresh"].role is Role.MEMBER
    assert login(opened.stranger(), "fresh", NEW) == ["900", "903"]


def test_an_administrator(opened: Opener, house: House) -> None:
    client = invited(opened, "ruler", code_for(house, admin=True))
    client.ask(REGISTER)
    enter(client)
    assert "o" in one(client.ask("MODE ruler"), "221").params[1]
    assert house.hub.chat.accounts["ruler"].role is Role.ADMIN


def test_one_that_is_for_a_name_is_for_no_other(opened: Opener, house: House) -> None:
    code = code_for(house, "Named")
    other = invited(opened, "other", code)
    assert failed(other, REGISTER) == ["BAD_ACCOUNT_NAME", "other"]
    assert "Named" in other.lines[-2]
    assert commands(invited(opened, "NAMED", code).ask(REGISTER)) == ["REGISTER", "900"]


def test_it_can_have_several_uses(opened: Opener, house: House) -> None:
    code = code_for(house, uses=2)
    for nick in ("first", "second"):
        assert commands(invited(opened, nick, code).ask(REGISTER)) == ["REGISTER", "900"]
    assert failed(invited(opened, "third", code), REGISTER) == ["USED_CODE", "third"]


def test_codes_that_are_not_good(opened: Opener, house: House) -> None:
    revoked = code_for(house)
    house.do(RevokeInviteCode(None, digest_of(revoked)[:12]))
    for code, answer in (
        (NOBODYS, "INVALID_CODE"),
        ("", "INVALID_CODE"),
        ("not one at all", "INVALID_CODE"),
        (revoked, "INVALID_CODE"),
        (code_for(house, seconds=-1), "EXPIRED_CODE"),
    ):
        client = invited(opened, "hopeful", code)
        assert failed(client, REGISTER) == [answer, "hopeful"]
        assert failed(client, f"REGISTER alice * :{NEW}") == [answer, "alice"]  # of names it says nothing
    assert house.hub.chat.account_named("hopeful") is None


def test_after_a_mistake_it_is_as_good_as_before(opened: Opener, house: House) -> None:
    code = code_for(house)
    client = invited(opened, "alice", code)
    assert failed(client, REGISTER) == ["ACCOUNT_EXISTS", "alice"]
    client.ask("NICK careful")
    assert failed(client, "REGISTER * * short") == ["WEAK_PASSWORD", "careful"]
    assert failed(client, f"REGISTER other * :{NEW}") == ["ACCOUNT_NAME_MUST_BE_NICK", "other"]
    assert state(house, code).left == 1
    assert commands(client.ask(REGISTER)) == ["REGISTER", "900"]
    assert failed(client, REGISTER) == ["ALREADY_AUTHENTICATED", "careful"]


def test_without_a_nick(opened: Opener, house: House) -> None:
    client = opened.stranger()
    client.ask(f"PASS invite:{code_for(house)}")
    assert failed(client, REGISTER) == ["NEED_NICK", "*"]


def test_a_guest_makes_an_account_later(inside: Opener, gated: House) -> None:
    guest = enter(invited(inside, "passer-by", code_for(gated)))
    assert commands(guest.ask(REGISTER)) == ["396", "REGISTER", "900"]
    assert one(guest.ask("WHOIS passer-by"), "330").params[2] == "passer-by"


def as_most_clients_come(opened: Opener, nick: str, code: str) -> Client:
    """Everything is said at once; REGISTER, of which they know nothing, is for their users to type."""
    client = opened.stranger()
    client.send("CAP LS 302", f"PASS invite:{code}", f"NICK {nick}", "USER u 0 * :r", "CAP REQ :sasl", "CAP END")
    return client


def test_who_comes_without_an_account_has_time_to_make_it(opened: Opener, house: House) -> None:
    client = as_most_clients_come(opened, "latecomer", code_for(house))
    assert "REGISTER * * :" in client.expect("NOTICE", "latecomer").params[-1]
    (session,) = (one for one in house.hub.all_sessions() if one.nick == "latecomer")
    deadline = session.registration.deadline
    assert deadline > time.monotonic() + 2 * house.hub.config.limits.registration_timeout
    assert failed(client, "REGISTER * * short") == ["WEAK_PASSWORD", "latecomer"]
    assert commands(client.ask("NICK newcomer")) == ["NOTICE"]
    assert session.registration.deadline == deadline, "it is not to be had anew"
    client.send(REGISTER)
    client.expect("REGISTER", "SUCCESS", "newcomer")
    client.expect("001", "newcomer")
    client.sync()
    assert one(client.ask("WHOIS newcomer"), "330").params[2] == "newcomer"


def test_whoever_it_is_for_is_told_so(opened: Opener, house: House) -> None:
    client = as_most_clients_come(opened, "whoever", code_for(house, "Wanted"))
    assert "NICK Wanted" in client.expect("NOTICE", "whoever").params[-1]
    client.send("NICK Wanted", REGISTER)
    client.expect("001", "Wanted")
    forgetful = as_most_clients_come(opened, "Wanted", code_for(house, "wanted", reset=True))
    assert "new password for Wanted" in forgetful.expect("NOTICE", "Wanted").params[-1]
    forgetful.send(f"REGISTER * * :{NEW}er")
    forgetful.expect("001", "Wanted")


def test_or_finds_that_there_is_an_account_already(opened: Opener, house: House) -> None:
    client = as_most_clients_come(opened, "carol", code_for(house))
    client.expect("NOTICE")
    client.send("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('carol', PASSWORD)}")
    client.expect("903")
    client.expect("001", "carol")


def test_who_comes_without_an_account_is_told_that_the_code_is_not_good(opened: Opener, house: House) -> None:
    used = code_for(house)
    assert commands(invited(opened, "quicker", used).ask(REGISTER)) == ["REGISTER", "900"]
    for code, answer in ((used, "USED_CODE"), (code_for(house, seconds=-1), "EXPIRED_CODE"), (NOBODYS, "INVALID_CODE")):
        told = as_most_clients_come(opened, "slower", code).to_end()
        assert [message.params[1] for message in told if message.command == "FAIL"][:2] == [answer, "ACCOUNT_REQUIRED"]
        assert told[-1].command == "ERROR"


def test_who_logs_in_is_not_kept_away_by_an_old_code(opened: Opener, house: House) -> None:
    """Their client keeps sending it."""
    for code in (NOBODYS, code_for(house, seconds=-1), code_for(house)):
        client = invited(opened, "alice", code)
        assert login(client, "alice", PASSWORD) == ["900", "903"]
        enter(client)


def test_who_was_invited_does_not_count_for_the_throttle_of_accounts(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=True)) as house:
        opened = Opener(house)
        code = code_for(house, uses=7)
        for number in range(7):
            assert commands(invited(opened, f"n{number}", code).ask(REGISTER)) == ["REGISTER", "900"]


@pytest.mark.parametrize("refused", [True, False])
def test_a_hash_for_nothing_is_paid_for(certs: Path, tmp_path: Path, refused: bool) -> None:
    """With a code that is not used up one could have one after the other made. Who makes an account waits for none."""
    limits = Limits(lines_per_second=0.01, lines_burst=19)
    with running(certs, tmp_path, limits=limits) as house:
        opened = Opener(house)
        worn = opened().nick
        client = invited(opened, "hopeful", code_for(house, uses=2))
        (session,) = (one for one in house.hub.all_sessions() if one.nick == "hopeful")
        client.send(f"REGISTER {worn if refused else '*'} * :{NEW}")
        assert client.expect(*(("FAIL", "REGISTER") if refused else ("900",))).params
        assert session.bucket is not None
        client.send("PING :and")  # it is carried out when REGISTER has been, to its end
        client.expect("PONG")
        assert (session.bucket.charge(time.monotonic(), 10) > 0) is refused
        session.end("Enough")
        client.to_end()


def test_what_could_not_be_stored_uses_nothing_up(
    opened: Opener, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Database.write

    def full(database: Database, events: Sequence[Event]) -> None:
        if any(map(is_stored, events)):
            raise NotStored("the disk is full")
        write(database, events)

    new, reset = code_for(house), code_for(house, "carol", reset=True)
    unlucky, carol = invited(opened, "unlucky", new), invited(opened, "carol", reset)
    monkeypatch.setattr(house.hub, "_not_stored_told", float("inf"))  # it is no defect of ours
    monkeypatch.setattr(Database, "write", full)
    assert failed(unlucky, REGISTER) == ["TEMPORARILY_UNAVAILABLE", "unlucky"]
    assert failed(carol, REGISTER) == ["TEMPORARILY_UNAVAILABLE", "carol"]
    monkeypatch.undo()
    assert state(house, new).left == state(house, reset).left == 1
    assert commands(unlucky.ask(REGISTER)) == ["REGISTER", "900"]


# -- clients that know nothing of REGISTER ----------------------------------------------------------------------------


def test_who_has_all_but_the_account_is_told_what_to_type_and_kept(opened: Opener, house: House) -> None:
    client = invited(opened, "typist", code_for(house))
    client.send("USER u 0 * :r", "CAP END")
    notice = client.expect("NOTICE", "typist")
    assert "/quote REGISTER * * :the password" in notice.params[-1]
    assert failed(client, "REGISTER * * short") == ["WEAK_PASSWORD", "typist"]
    client.send(REGISTER)
    client.expect("REGISTER", "SUCCESS", "typist")
    client.expect("001", "typist")
    assert one(client.ask("WHOIS typist"), "330").params[2] == "typist"


def test_whose_code_is_for_another_name_is_told_that_first(opened: Opener, house: House) -> None:
    house.add_account("Erin")
    client = invited(opened, "someone", code_for(house, "erin", reset=True))
    client.send("USER u 0 * :r", "CAP END")
    assert "/quote NICK Erin" in client.expect("NOTICE", "someone").params[-1]
    client.send("NICK Erin")
    assert "/quote REGISTER * * :the password" in client.expect("NOTICE", "Erin").params[-1]
    client.send(REGISTER)
    client.expect("001", "Erin")


@pytest.mark.parametrize("known", [True, False])
def test_who_comes_too_late_is_told_so_and_sent_away(opened: Opener, house: House, known: bool) -> None:
    client = invited(opened, "latecomer", code_for(house, seconds=-1) if known else NOBODYS)
    client.send("USER u 0 * :r", "CAP END")
    answers = client.to_end()
    assert answers[0].params[:-1] == ["REGISTER", "EXPIRED_CODE" if known else "INVALID_CODE", "latecomer"]
    assert commands(answers)[-1] == "ERROR"


# -- the password of the server ---------------------------------------------------------------------------------------


def test_a_code_lets_past_the_servers_password(inside: Opener, gated: House) -> None:
    code = code_for(gated)
    client = invited(inside, "invitee", code)
    assert commands(client.ask(REGISTER)) == ["REGISTER", "900"]
    enter(client)  # also now that it is used up
    for again, why in ((code, "USED_CODE"), (NOBODYS, "INVALID_CODE")):
        late = invited(inside, "late", again)
        late.send("USER u 0 * :r", "CAP END")
        fail, *rest = late.to_end()[-3:]
        assert fail.params[:2] == ["REGISTER", why]  # all that they had was the code
        assert commands(rest) == ["464", "ERROR"]
    member = invited(inside, "alice", code)
    assert login(member, "alice", PASSWORD) == ["900", "903"]
    member.send("USER u 0 * :r", "CAP END")
    assert commands(member.to_end()) == ["464", "ERROR"]  # it is nothing to who has an account
    both = inside.stranger()
    both.send(f"PASS invite:{code}", f"PASS :{GATE}", "NICK both", "USER u 0 * :r")
    both.expect("001", "both")


def test_who_has_neither_is_sent_away(inside: Opener) -> None:
    client = inside.stranger()
    client.ask("CAP LS 302", "NICK sneaky")
    assert failed(client, REGISTER) == ["REGISTRATION_CLOSED", "sneaky"]
    client.send("USER u 0 * :r", "CAP END")
    assert commands(client.to_end())[-2:] == ["464", "ERROR"]


def test_a_servers_password_that_looks_like_a_code(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, password="invite:everybody") as house:
        opened = Opener(house)
        client = opened.stranger()
        client.send("PASS invite:everybody", "NICK guest", "USER u 0 * :r")
        client.expect("001", "guest")
        invitee = invited(opened, "invitee", code_for(house))
        assert commands(invitee.ask(REGISTER)) == ["REGISTER", "900"]


# -- a new password ---------------------------------------------------------------------------------------------------


def test_a_new_password_for_an_account(opened: Opener, house: House) -> None:
    desk = opened(account="Bob")
    code = code_for(house, "bob", reset=True)
    assert login(opened.stranger(), "bob", PASSWORD) == ["900", "903"], "the old one is good until then"
    client = invited(opened, "BOB", code)
    success, logged_in = client.ask(REGISTER)
    assert [success.command, *success.params[:2]] == ["REGISTER", "SUCCESS", "Bob"]
    assert [logged_in.command, logged_in.params[2]] == ["900", "Bob"]
    assert "The password was changed" in desk.to_end()[-1].params[-1]
    enter(client)
    assert login(opened.stranger(), "bob", PASSWORD) == ["904"]
    assert login(opened.stranger(), "bob", NEW) == ["900", "903"]
    assert failed(invited(opened, "bob", code), REGISTER) == ["USED_CODE", "bob"]


def test_it_is_for_that_account_alone(opened: Opener, house: House) -> None:
    code = code_for(house, "dave", reset=True)
    assert failed(invited(opened, "alice", code), REGISTER) == ["BAD_ACCOUNT_NAME", "alice"]
    assert failed(invited(opened, "newcomer", code), REGISTER) == ["BAD_ACCOUNT_NAME", "newcomer"]
    assert failed(invited(opened, "dave", code_for(house)), REGISTER) == ["ACCOUNT_EXISTS", "dave"]
    assert login(opened.stranger(), "dave", PASSWORD) == ["900", "903"]


def test_there_is_one_at_a_time(opened: Opener, house: House) -> None:
    first, second = (code_for(house, "dave", reset=True) for _ in range(2))
    assert failed(invited(opened, "dave", first), REGISTER) == ["INVALID_CODE", "dave"]
    assert failed(invited(opened, "dave", second), "REGISTER * * short") == ["WEAK_PASSWORD", "dave"]


def test_accounts_that_are_disabled_or_gone(opened: Opener, house: House) -> None:
    house.add_account("leaver")
    code = code_for(house, "leaver", reset=True)
    house.do(EnableAccount("leaver", False))
    assert failed(invited(opened, "leaver", code), REGISTER) == ["BAD_ACCOUNT_NAME", "leaver"]
    house.do(RemoveAccount("leaver"))
    assert failed(invited(opened, "leaver", code), REGISTER) == ["INVALID_CODE", "leaver"]


def test_a_guest_sets_it_and_is_logged_in(inside: Opener, gated: House) -> None:
    guest = enter(invited(inside, "forgetful", code_for(gated, "carol", reset=True)))
    answers = guest.ask(f"REGISTER carol * :{NEW}")
    assert commands(answers) == ["396", "REGISTER", "900"]
    assert one(guest.ask("WHOIS forgetful"), "330").params[2] == "carol"


def test_a_guest_sets_it_for_somebody_who_is_on_the_chat_all_the_same(inside: Opener, gated: House) -> None:
    """Two users can't become one; the password is set, and they are told what to do."""
    dave = inside.stranger()
    dave.send(f"PASS :{GATE}")
    dave.register(account="dave")
    (number,) = (number for number, user in gated.hub.chat.sessions.items() if user.account == "dave")
    gated.do(SetAlwaysOn(number, True))
    guest = enter(invited(inside, "forgetful", code_for(gated, "dave", reset=True)))
    (answer,) = guest.ask(f"REGISTER dave * :{NEW}")
    assert answer.params[:-1] == ["REGISTER", "TEMPORARILY_UNAVAILABLE", "dave"]
    assert "connect anew" in answer.params[-1]
    dave.to_end()
    again = inside.stranger()
    assert login(again, "dave", NEW) == ["900", "903"]


# -- certificates -----------------------------------------------------------------------------------------------------


def test_where_certificates_are_required_an_account_is_for_who_has_its_certificate(certs: Path, tmp_path: Path) -> None:
    """An invitation opens no way around that."""
    with running(certs, tmp_path, client_cert="required") as house:
        opened = Opener(house)
        for name, code in (("newbie", code_for(house, uses=2)), ("alice", code_for(house, "alice", reset=True))):
            client = opened.stranger(house.client_certificate(name))
            client.ask("CAP LS 302", f"PASS invite:{code}", "NICK somebody")
            assert failed(client, f"REGISTER somebody * :{NEW}") == ["BAD_ACCOUNT_NAME", "somebody"]
            other = opened.stranger(house.client_certificate("dave"))
            other.ask("CAP LS 302", f"PASS invite:{code}", "NICK dave")
            assert failed(other, f"REGISTER {name} * :{NEW}") == ["BAD_ACCOUNT_NAME", name]
            assert commands(client.ask(f"REGISTER {name} * :{NEW}")) == ["REGISTER", "900"]


# -- races ------------------------------------------------------------------------------------------------------------


def all_at_once(clients: Sequence[Client], line: str) -> list[list[str]]:
    """Each of them says it, at the same time; the commands of what they are answered, with the code of a FAIL."""
    together = threading.Barrier(len(clients))
    answers: list[list[str]] = [[] for _ in clients]

    def say(index: int) -> None:
        together.wait(20)
        messages = clients[index].ask(line)
        answers[index] = [m.params[1] if m.command == "FAIL" else m.command for m in messages]

    threads = [threading.Thread(target=say, args=(index,)) for index in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


@pytest.mark.parametrize("uses", [1, 3])
def test_of_many_who_use_one_code_as_many_win_as_may(opened: Opener, house: House, uses: int) -> None:
    code = code_for(house, uses=uses)
    clients = [invited(opened, f"racer{uses}-{number}", code) for number in range(8)]
    answers = all_at_once(clients, REGISTER)
    assert sorted(map(tuple, answers)) == [("REGISTER", "900")] * uses + [("USED_CODE",)] * (8 - uses)
    made = [number for number in range(8) if house.hub.chat.account_named(f"racer{uses}-{number}") is not None]
    assert [answers[number] for number in made] == [["REGISTER", "900"]] * uses
    assert state(house, code).left == 0


def test_of_many_who_want_one_name_one_gets_it_and_the_others_keep_their_codes(opened: Opener, house: House) -> None:
    codes = [code_for(house) for _ in range(4)]
    clients = [invited(opened, "coveted", code) for code in codes]
    answers = all_at_once(clients, REGISTER)
    assert sorted(map(tuple, answers)) == [("ACCOUNT_EXISTS",)] * 3 + [("REGISTER", "900")]
    assert [state(house, code).left for code in codes] == [int(answer == ["ACCOUNT_EXISTS"]) for answer in answers]


def test_a_password_is_set_anew_once(opened: Opener, house: House) -> None:
    house.add_account("twice")
    code = code_for(house, "twice", reset=True)
    clients = [invited(opened, "twice", code) for _ in range(4)]
    answers = all_at_once(clients, REGISTER)
    assert sorted(map(tuple, answers)) == [("REGISTER", "900")] + [("USED_CODE",)] * 3
    assert login(opened.stranger(), "twice", NEW) == ["900", "903"]


def test_a_clock_that_was_ahead_for_a_while(house: House, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chat's time does not go back with it: what is said to be good can be used."""
    behind = time.time() - 90 * 86_400
    monkeypatch.setattr(time, "time", lambda: behind)
    code = code_for(house)
    assert "VALID" in opened.stranger().ask(f"INVITATION CHECK {code}")[-1].params
    house.do(AddAccount("ahead", "hash", code=digest_of(code)))
