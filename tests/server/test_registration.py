"""Getting onto the chat, and off it (Modern IRC, "Connection Registration", "Connection Messages")."""

from pathlib import Path

import pytest

from tests.server.wire import NAME, PASSWORD, Client, House, Opener, commands, one, params, plain, running

NOT_REGISTERED = f":{NAME} 451 * :You have not registered"


def said(client: Client, *lines: str) -> list[str]:
    """What the server says to these lines, as it stands on the wire."""
    start = len(client.lines)
    client.ask(*lines)
    return client.lines[start:-1]


@pytest.mark.parametrize("lines", [["NICK {}", "USER u 0 * :Real Name"], ["USER u 0 * :Real Name", "NICK {}"]])
def test_nick_and_user_in_any_order(opened: Opener, house: House, lines: list[str]) -> None:
    client, nick = opened.stranger(), house.guest_name()
    client.send(*(line.format(nick) for line in lines))
    welcome = client.sync()
    order = commands(welcome)
    assert order[:5] == ["001", "002", "003", "004", "005"]
    assert [code for code in order if code != "005"][4:] == ["251", "252", "253", "254", "255", "265", "266", "422"]
    assert all(message.source == NAME and message.params[0] == nick for message in welcome)
    assert one(welcome, "001").params[1] == f"Welcome to the ExampleNet Network, {nick}"
    server, version, user_modes, channel_modes, with_parameters = one(welcome, "004").params[1:]
    assert (server, version) == (NAME, one(welcome, "002").params[1].split()[-1])
    assert all(modes.isalpha() for modes in (user_modes, channel_modes, with_parameters))
    assert set(with_parameters) < set(channel_modes)


def test_the_motd_comes_with_the_welcome_and_when_asked_for(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, motd=("Be kind.", "", "Have fun.")) as house:
        client = Opener(house).stranger()
        client.send("NICK me", "USER u 0 * :r")
        welcome = client.sync()
        expected = [
            ["375", "me", f"- {NAME} Message of the day - "],
            ["372", "me", "Be kind."],
            ["372", "me", ""],
            ["372", "me", "Have fun."],
            ["376", "me", "End of /MOTD command."],
        ]
        for messages in (welcome[-5:], client.ask("MOTD"), client.ask(f"MOTD {NAME.upper()}")):
            assert [[message.command, *message.params] for message in messages] == expected


@pytest.mark.parametrize(
    "line",
    [
        *("JOIN #a", "PART #a", "PRIVMSG bob :x", "TOPIC #a", "NAMES #a", "LIST", "WHO #a", "WHOIS bob", "MODE #a"),
        *("MOTD", "LUSERS", "TAGMSG bob", "FOO", "KICK #a bob", "JOIN"),
    ],
)
def test_what_has_to_wait_for_registration(opened: Opener, line: str) -> None:
    assert said(opened.stranger(), line) == [NOT_REGISTERED]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("NICK", "431 * :No nickname given"),
        ("NICK :", "431 * :No nickname given"),
        ("NICK 9lives", "432 * 9lives :Erroneus nickname"),
        ("NICK -dash", "432 * -dash :Erroneus nickname"),
        ("NICK #chan", "432 * #chan :Erroneus nickname"),
        ("NICK a!b", "432 * a!b :Erroneus nickname"),
        ("NICK a.b", "432 * a.b :Erroneus nickname"),
        ("NICK é", "432 * é :Erroneus nickname"),
        ("NICK :with space", "432 * * :Erroneus nickname"),
        ("NICK " + "n" * 33, f"432 * {'n' * 33} :Erroneus nickname"),
        ("USER", "461 * USER :Not enough parameters"),
        ("user u 0 *", "461 * USER :Not enough parameters"),
        ("USER :", "461 * USER :Not enough parameters"),
        ("USER u 0 * :", "461 * USER :Not enough parameters"),
        ("PASS", "461 * PASS :Not enough parameters"),
        ("PING", "461 * PING :Not enough parameters"),
        ("PING :", "409 * :No origin specified"),
    ],
)
def test_a_mistake_costs_one_answer(opened: Opener, line: str, answer: str) -> None:
    client = opened.stranger()
    assert said(client, line) == [f":{NAME} {answer}"]
    assert client.register()


def test_a_username_must_not_be_empty(opened: Opener) -> None:
    client = opened.stranger()
    client.send_bytes(b"USER  0 * :realname\r\n")  # three parameters, whatever it looks like
    assert params(client.sync(), "461") == [["*", "USER", "Not enough parameters"]]


@pytest.mark.parametrize("nick", ["[]\\^{}|`_", "a-b-9", "X" * 32])
def test_all_these_are_nicks(opened: Opener, nick: str) -> None:
    client = opened.stranger()
    client.send(f"NICK {nick}", "USER u 0 * :r")
    assert client.expect("001").params[0] == nick


@pytest.mark.parametrize(
    ("line", "username", "realname"),
    [
        ("USER u 0 * :Real Name", "u", "Real Name"),
        ("USER u 0 * r", "u", "r"),
        ("USER u bla * :r", "u", "r"),
        ("USER u 0 * ::)", "u", ":)"),
        (f"USER {'u' * 21} 0 * :r", "u" * 20, "r"),
        ("USER a@b!c 0 * :r", "abc", "r"),
        ("USER @@@ 0 * :r", "user", "r"),
        (f"USER u 0 * :{'é' * 200}", "u", "é" * 75),
    ],
)
def test_what_user_says_is_who_one_is(opened: Opener, house: House, line: str, username: str, realname: str) -> None:
    client, nick = opened.stranger(), house.guest_name()
    client.send(f"NICK {nick}", line)
    client.expect("001")
    answer = one(client.ask(f"WHOIS {nick}"), "311").params
    assert answer[:3] == [nick, nick, username]
    assert answer[4:] == ["*", realname]


def test_the_last_user_and_the_last_valid_nick_count(opened: Opener, house: House) -> None:
    client, nick = opened.stranger(), house.guest_name()
    client.send("NICK first", f"NICK {nick}", "NICK 9", "CAP LS", "USER a 0 * :a", "USER b 0 * :b", "CAP END")
    assert client.expect("001").params[0] == nick
    assert one(client.ask(f"WHOIS {nick}"), "311").params[2] == "b"


def test_a_nick_in_use_is_told_at_once(opened: Opener) -> None:
    taken = opened().nick
    client = opened.stranger()
    assert said(client, f"NICK {taken.upper()}") == [f":{NAME} 433 * {taken.upper()} :Nickname is already in use"]
    assert said(client, "USER u 0 * :r") == []
    client.send("NICK somebody")
    assert client.expect("001").params[0] == "somebody"


def test_a_nick_in_use_after_negotiation(opened: Opener) -> None:
    taken = opened().nick
    client = opened.stranger()
    assert said(client, "CAP REQ :batch", f"NICK {taken}", "USER u 0 * :r") == [f":{NAME} CAP * ACK :batch"]
    assert said(client, "CAP END") == [f":{NAME} 433 * {taken} :Nickname is already in use"]
    assert said(client, "CAP END", "PONG") == []
    client.send("NICK somebody")
    assert client.expect("001").params[0] == "somebody"


def test_the_nick_of_an_account_is_not_for_guests(opened: Opener) -> None:
    client = opened.stranger()
    assert said(client, "NICK aLICE", "USER u 0 * :r") == [f":{NAME} 433 * aLICE :Nickname is already in use"]
    client.send("NICK somebody")
    client.expect("001")


def test_registered_once_is_registered(opened: Opener) -> None:
    client = opened()
    for line in ("USER a 0 * :b", "USER", "PASS x", "PASS"):
        assert said(client, line) == [f":{NAME} 462 {client.nick} :You may not reregister"]


def test_commands_are_case_insensitive_and_may_have_a_source(opened: Opener, house: House) -> None:
    client, nick = opened.stranger(), house.guest_name()
    client.send(f":whoever nIcK {nick}", "uSeR u 0 * r")
    assert client.expect("001").params[0] == nick
    assert said(client, "fooBar") == [f":{NAME} 421 {nick} FOOBAR :Unknown command"]


@pytest.mark.parametrize(
    "line", ["FOO", "foo bar :baz", "ERROR :x", "SERVER a 1 :b", "ACK", "001 a :b", "PRIVMSG2 a :b"]
)
def test_what_is_not_there_is_unknown(opened: Opener, line: str) -> None:
    client = opened()
    command = line.split()[0].upper()
    assert said(client, line) == [f":{NAME} 421 {client.nick} {command} :Unknown command"]


def test_ping_gives_its_token_back(opened: Opener) -> None:
    client = opened.stranger()
    assert said(client, "PING abc") == [f":{NAME} PONG {NAME} :abc"]
    client.register()
    for sent, token in (("abc", "abc"), (":a b", "a b"), ("::x", ":x"), ("abc def", "abc"), (":é", "é")):
        assert said(client, f"ping {sent}") == [f":{NAME} PONG {NAME} :{token}"]
    assert said(client, "PONG", "PONG :", "PONG abc", f"PONG {NAME} abc") == []


@pytest.mark.parametrize("path", ["/", "/" + "x" * 600])
def test_a_page_in_a_browser_can_not_speak_for_whoever_looks_at_it(opened: Opener, path: str) -> None:
    """It may send any text to any server, with whatever certificate the browser shows; but headers come first."""
    client = opened.stranger()
    client.send(f"POST {path} HTTP/1.1", "host: localhost", "", "NICK puppet", "USER u 0 * :r", "JOIN #lobby")
    assert commands(client.to_end())[1:] == ["ERROR"]


def test_quit_is_answered_by_an_error_and_the_end(opened: Opener) -> None:
    first, second = opened.pair("#quit")
    second.send("QUIT :gone to have lunch", "PRIVMSG #quit :never said")
    *before, error = second.to_end()
    assert before == []
    assert error.command == "ERROR"
    assert "Quit: gone to have lunch" in error.params[0]
    (seen,) = first.sync()
    assert seen.command == "QUIT"
    assert seen.params == ["Quit: gone to have lunch"]
    assert (seen.source or "").startswith(f"{second.nick}!")


def test_quit_without_a_reason_and_before_registration(opened: Opener) -> None:
    first, second = opened.pair("#quit2")
    second.send("QUIT")
    assert commands(second.to_end()) == ["ERROR"]
    assert first.sync()[0].params == ["Quit: "]
    stranger = opened.stranger()
    stranger.send("QUIT :bye")
    assert commands(stranger.to_end()) == ["ERROR"]


def test_a_long_reason_is_cut_to_a_line(opened: Opener) -> None:
    first, second = opened.pair("#quit3")
    second.send("QUIT :" + "é" * 251)
    second.to_end()
    (seen,) = first.sync()  # the client checks the length of every line
    assert ("Quit: " + "é" * 251).startswith(seen.params[0])
    assert len(first.lines[-2].encode()) > 500


def test_whoever_is_cut_off_has_left_with_a_reason(opened: Opener, house: House) -> None:
    first = opened(join="#cut")
    with Client(house) as second:
        second.register().join("#cut")
        first.expect("JOIN")
        second.hang_up()
    quit_ = first.expect("QUIT")
    assert quit_.params[0]
    assert not quit_.params[0].startswith("Quit: ")


def test_the_password_of_the_server(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, password="open sesame") as house:
        opened = Opener(house)
        for lines in ([], ["PASS wrong"], ["PASS :open sesame", "PASS wrong"], ["PASS :"]):
            client = opened.stranger()
            client.send(*lines, "NICK me", "USER u 0 * :r")
            refused, error = client.to_end()
            assert [refused.command, *refused.params] == ["464", "me", "Password incorrect"]
            assert error.command == "ERROR"
        client = opened.stranger()
        client.send("PASS wrong", "PASS :open sesame", "NICK me", "USER u 0 * :r")
        client.expect("001", "me")


def test_nobody_without_an_account_where_there_are_no_guests(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, guests=False) as house:
        opened = Opener(house)
        client = opened.stranger()
        client.send("NICK me", "USER u 0 * :r")
        *refused, error = client.to_end()
        codes = [[message.command, *message.params[:2]] for message in refused]
        assert codes == [["FAIL", "*", "ACCOUNT_REQUIRED"], ["FAIL", "*", "ACCOUNT_REQUIRED_TO_CONNECT"]]
        assert error.command == "ERROR"
        member = opened("somebody", account="alice")
        assert member.nick == "alice"  # the nick is the account's name, whatever it wished for
        assert said(member, "NICK other") == [f":{NAME} 432 alice other :Erroneus nickname"]
        assert said(member, "NICK alice") == []
        second = opened.stranger()
        second.send("CAP REQ :sasl", "NICK alice", "USER u 0 * :r", "AUTHENTICATE PLAIN")
        second.send(f"AUTHENTICATE {plain('alice', PASSWORD)}", "CAP END")
        assert second.expect("001").params[0] == "alice"  # a second device


def test_nick_changes_are_seen_by_those_who_share_a_channel(opened: Opener) -> None:
    first, second = opened.pair("#nick")
    second.join("#nick2")
    stranger = opened()
    start = len(second.lines)
    assert second.asked("NICK Renamed") == [f"{second.nick} NICK :Renamed"]
    assert second.lines[start].startswith(f":{second.nick}!")
    (seen,) = first.sync()
    assert (seen.command, seen.params) == ("NICK", ["Renamed"])
    assert stranger.sync() == []
    assert second.asked("NICK Renamed") == []
    assert second.asked("NICK renamed") == ["Renamed NICK :renamed"]  # only the case changes
    first.sync()
    assert first.asked("NICK RENAMED") == [f"433 {first.nick} RENAMED :Nickname is already in use"]
    assert first.asked("NICK carol") == [f"433 {first.nick} carol :Nickname is already in use"]
    assert first.asked("NICK 9") == [f"432 {first.nick} 9 :Erroneus nickname"]
    assert first.asked("NICK") == [f"431 {first.nick} :No nickname given"]
    assert commands(first.ask("WHOIS renamed")) == ["311", "319", "312", "671", "317", "318"]


def test_an_answer_names_who_one_was_when_one_asked(opened: Opener) -> None:
    """Also where all is sent at once, and the nick has changed before the answer goes out."""
    client = opened.stranger()
    client.send("NICK once", "USER u 0 * :x", "NICK twice", "LIST", "WHO *", "NICK thrice", "KICK", "MOTD", "PING :end")
    nick = "once"
    while (message := client.message()).command != "PONG":
        if message.command == "NICK":
            assert message.source is not None
            assert message.source.startswith(f"{nick}!")
            (nick,) = message.params
        else:
            assert message.params[0] == nick
    assert nick == "thrice"


def test_a_login_that_changes_the_nick_waits_for_what_was_asked_before(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, guests=False) as house:
        client = Opener(house)(None, "sasl", account="alice")
        answers = client.ask("LIST", "MOTD", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('Bob')}")
        answers.remove(one(answers, "AUTHENTICATE"))
        at = commands(answers).index("NICK")
        assert {message.params[0] for message in answers[:at]} == {"alice"}
        assert {message.params[0] for message in answers[at:]} == {"Bob"}
