"""What can be asked of the server itself, and the short questions about who is here."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from securechat import __version__
from securechat.chat.modes import CHANNEL_MODES, MEMBER_MODES, USER_MODES
from securechat.irc.message import Message
from securechat.server.commands import registry
from securechat.server.config import AdminConfig
from tests.server.wire import NAME, Client, House, Opener, commands, one, params, running

FOR_SERVERS = ("MOTD", "VERSION", "ADMIN", "TIME", "INFO", "LUSERS *", "STATS u", "LINKS")
"""Commands that may say which server is to answer, with what stands before that."""


def of_the_server(line: str, server: str) -> str:
    return f"{line} {server} *" if line == "LINKS" else f"{line} {server}"


def userhost_of(client: Client) -> str:
    """How others see a client."""
    user = one(client.ask(f"WHOIS {client.nick}"), "311").params
    return f"{user[2]}@{user[3]}"


# -- which server -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", FOR_SERVERS)
def test_this_server_answers_by_its_name_masks_and_the_nicks_of_its_clients(opened: Opener, line: str) -> None:
    client, other = opened(), opened()
    expected = commands(client.ask(line))
    assert "402" not in expected
    for server in (NAME, NAME.upper(), "*", "*.example.org", "irc.exam??e.org", client.nick, other.nick.upper()):
        assert commands(client.ask(of_the_server(line, server))) == expected, server


@pytest.mark.parametrize("line", FOR_SERVERS)
def test_there_is_no_other_server(opened: Opener, line: str) -> None:
    client = opened()
    for server in ("far.example", "*.far.example", "nobody", "#lobby"):
        assert client.asked(of_the_server(line, server)) == [f"402 {client.nick} {server} :No such server"]


def test_what_is_asked_is_answered_in_its_turn(opened: Opener) -> None:
    client = opened()
    answers = client.ask(f"JOIN #{client.nick}", "STATS k", "VERSION far.example", "ISON x", f"PART #{client.nick}")
    assert commands(answers) == ["JOIN", "353", "366", "481", "402", "303", "PART"]


# -- about the server -------------------------------------------------------------------------------------------------


def test_version(opened: Opener) -> None:
    client = opened.stranger()
    client.send("NICK versions", "USER u 0 * :r")
    welcome = client.sync()
    first, *rest = client.ask("VERSION")
    assert (first.command, first.params[:3]) == ("351", ["versions", f"securechat-{__version__}", NAME])
    assert [message.params for message in rest] == params(welcome, "005")
    assert set(commands(rest)) == {"005"}


def test_version_within_a_batch_of_isupport(opened: Opener) -> None:
    """All that answers a line with a label is in one batch, and 005 in one of its own within that."""
    client = opened(None, "batch", "labeled-response", "message-tags", "draft/extended-isupport")
    answers = client.ask("@label=v VERSION")
    outer, version, inner, *tokens, end, last = answers
    assert (outer.params[1], outer.tags["label"]) == ("labeled-response", "v")
    reference = outer.params[0][1:]
    assert (version.command, version.tags["batch"]) == ("351", reference)
    assert (inner.params[1], inner.tags["batch"]) == ("draft/isupport", reference)
    assert {(line.command, line.tags["batch"]) for line in tokens} == {("005", inner.params[0][1:])}
    assert (end.params, last.params) == ([f"-{inner.params[0][1:]}"], [f"-{reference}"])


def test_nobody_is_said_to_run_it(opened: Opener) -> None:
    """Modern IRC knows no error for that: the four numerics always come."""
    client = opened()
    assert client.asked("ADMIN") == [
        f"256 {client.nick} {NAME} :Administrative info",
        *(f"{numeric} {client.nick} :-" for numeric in (257, 258, 259)),
    ]


@pytest.mark.parametrize(
    ("admin", "expected"),
    [
        (AdminConfig("Berlin", "The chess club", "chat@example.org"), ["Berlin", "The chess club", "chat@example.org"]),
        (AdminConfig(email="chat@example.org"), ["-", "-", "chat@example.org"]),
    ],
)
def test_who_runs_it(certs: Path, tmp_path: Path, admin: AdminConfig, expected: list[str]) -> None:
    with running(certs, tmp_path, admin=admin) as house:
        client = Opener(house)("asker")
        first, *rest = client.ask("ADMIN")
        assert (first.command, first.params[:2]) == ("256", ["asker", NAME])
        assert [(line.command, line.params) for line in rest] == [
            (numeric, ["asker", text]) for numeric, text in zip(("257", "258", "259"), expected, strict=True)
        ]


def test_the_time(opened: Opener) -> None:
    client = opened()
    before = datetime.now().astimezone() - timedelta(seconds=1)
    answer = one(client.ask("TIME"), "391")
    assert answer.params[:2] == [client.nick, NAME]
    assert before <= datetime.strptime(answer.params[2], "%A %d %B %Y, %H:%M:%S %z") <= datetime.now().astimezone()


def test_info(opened: Opener) -> None:
    client = opened()
    *lines, end = client.ask("INFO")
    assert end.params == [client.nick, "End of INFO list"]
    assert set(commands(lines)) == {"371"}
    text = "\n".join(line.params[1] for line in lines)
    for words in (f"securechat {__version__}", "MIT", "authors", "This server runs since"):
        assert words in text


def test_links(opened: Opener) -> None:
    client = opened()
    itself = f"364 {client.nick} {NAME} {NAME} :0 ExampleNet"
    end = f"365 {client.nick} * :End of /LINKS list"
    for line in ("LINKS", "LINKS *", "LINKS *.org", f"LINKS {NAME} *.example.*"):
        assert client.asked(line) == [itself, end]
    for line in ("LINKS *.net", f"LINKS {NAME} *.net"):
        assert client.asked(line) == [end]


def test_stats(opened: Opener) -> None:
    client = opened()
    up, end = client.asked("STATS u")
    assert re.fullmatch(rf"242 {client.nick} :Server Up \d+ days \d+:\d\d:\d\d", up)
    assert end == f"219 {client.nick} u :End of /STATS report"
    assert client.asked("STATS m") == [f"219 {client.nick} m :End of /STATS report"]
    assert client.asked("STATS :") == [f"219 {client.nick} * :End of /STATS report"]
    assert client.asked("STATS") == [f"461 {client.nick} STATS :Not enough parameters"]
    for letter in "kKoi":
        assert client.asked(f"STATS {letter}") == [f"481 {client.nick} :Permission Denied- You're not an IRC operator"]
    boss = opened(account="boss")
    assert boss.asked("STATS k") == ["219 boss k :End of /STATS report"]


def test_lusers_and_motd(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, motd=("Welcome.", "", "Be kind.")) as house:
        client = Opener(house)("asker")
        assert commands(client.ask("LUSERS")) == ["251", "252", "253", "254", "255", "265", "266"]
        start, *lines, end = client.ask("MOTD")
        assert (start.command, end.command) == ("375", "376")
        assert [line.params for line in lines] == [["asker", "Welcome."], ["asker", ""], ["asker", "Be kind."]]


# -- help -------------------------------------------------------------------------------------------------------------


def helped(client: Client, line: str) -> str:
    """The text of an answer to HELP, whose form is checked."""
    start, empty, *lines, end = answers = client.ask(line)
    assert (start.command, empty.command, end.command) == ("704", "705", "706")
    assert empty.params[2] == ""
    assert set(commands(lines)) <= {"705"}
    subject = line.partition(" ")[2] or "*"
    assert {(answer.params[0], answer.params[1]) for answer in answers} == {(client.nick, subject)}
    return "\n".join(answer.params[2] for answer in answers)


@pytest.mark.parametrize("command", ["HELP", "HELPOP"])
def test_help_names_all_commands(opened: Opener, command: str) -> None:
    text = helped(opened(), command)
    assert set(registry) <= set(text.split())
    everybody, operators = text.split("Commands of operators:")
    assert "JOIN" in everybody
    assert "REHASH" in operators


def test_help_on_each_command(opened: Opener) -> None:
    client = opened()
    for name, command in registry.items():
        text = helped(client, f"HELP {name.lower()}")
        assert f"{name} {command.parameters}".rstrip() in text
        assert command.help in text
        assert f"For {'operators' if command.operator else 'everybody'}, {command.when.value}." in text


def test_help_says_what_a_command_needs(opened: Opener) -> None:
    client = opened()
    assert "It needs the capability message-tags." in helped(client, "HELP TAGMSG")
    assert "draft/extended-isupport before registration" in helped(client, "HELP ISUPPORT")


def test_help_on_modes(opened: Opener) -> None:
    client = opened()
    for subject, modes in (("cmodes", CHANNEL_MODES), ("CMODES", MEMBER_MODES), ("umodes", USER_MODES)):
        text = helped(client, f"HELP {subject}")
        for mode in modes.values():
            assert mode.about in text


def test_help_on_what_there_is_not(opened: Opener) -> None:
    client = opened()
    assert client.asked("HELP nonsense") == [f"524 {client.nick} nonsense :No help available on this topic"]
    assert client.asked("HELP :unknown subject") == [f"524 {client.nick} * :No help available on this topic"]
    assert client.asked("HELP #lobby x") == [f"524 {client.nick} #lobby :No help available on this topic"]
    assert commands(client.ask("HELP " + "x" * 490)) == ["524"]
    helped(client, "HELP")
    assert commands(client.ask("HELP :"))[0] == "704"


# -- who is here ------------------------------------------------------------------------------------------------------


def test_userhost(opened: Opener) -> None:
    client, other = opened("Zed"), opened()
    where = userhost_of(client)
    assert other.asked("USERHOST zED") == [f"302 {other.nick} :Zed=+{where}"]
    assert other.asked("USERHOST nobody") == [f"302 {other.nick} :"]
    assert other.asked(f"USERHOST nobody zed {other.nick} ZED") == [
        f"302 {other.nick} :Zed=+{where} {other.nick}=+{userhost_of(other)}"
    ]
    assert other.asked("USERHOST a b c d e zed") == [f"302 {other.nick} :"]  # five are taken
    assert other.asked("USERHOST a b c d zed") == [f"302 {other.nick} :Zed=+{where}"]
    assert other.asked("USERHOST :a zed") == [f"302 {other.nick} :Zed=+{where}"]
    assert other.asked("USERHOST") == [f"461 {other.nick} USERHOST :Not enough parameters"]


def test_userhost_of_an_operator_who_is_away(opened: Opener) -> None:
    boss, client = opened(account="boss"), opened()
    where = userhost_of(boss)
    assert client.asked("USERHOST boss") == [f"302 {client.nick} :boss*=+{where}"]
    boss.ask("AWAY :at lunch")
    assert client.asked("USERHOST boss") == [f"302 {client.nick} :boss*=-{where}"]
    boss.ask("AWAY")
    assert client.asked("USERHOST boss") == [f"302 {client.nick} :boss*=+{where}"]


def test_userhost_of_five_long_names_takes_more_than_one_line(opened: Opener) -> None:
    nicks = [letter * 32 for letter in "vwxyz"]
    for nick in nicks:
        opened(nick)
    client = opened("a" * 32)
    words = [word for line in params(client.ask(f"USERHOST {' '.join(nicks)}"), "302") for word in line[1].split()]
    assert [word.partition("=")[0] for word in words] == nicks


def test_ison(opened: Opener) -> None:
    client, other = opened("Ford"), opened()
    assert other.asked(f"ISON nobody fORD x {other.nick.upper()} Ford") == [f"303 {other.nick} :Ford {other.nick}"]
    assert other.asked("ISON :x ford y") == [f"303 {other.nick} :Ford"]
    assert other.asked("ISON nobody") == other.asked("ISON :") == [f"303 {other.nick} :"]
    assert other.asked("ISON") == [f"461 {other.nick} ISON :Not enough parameters"]
    client.ask("NICK Prefect")
    assert other.asked("ISON ford prefect") == [f"303 {other.nick} :Prefect"]


def test_before_registration_there_is_nothing_to_ask(house: House) -> None:
    with Client(house) as client:
        for line in (*FOR_SERVERS, "HELP", "HELPOP", "USERHOST x", "ISON x"):
            (answer,) = client.ask(line)
            assert answer.command == "451"


def test_a_label_is_answered(opened: Opener) -> None:
    client = opened(None, "batch", "labeled-response")

    def labelled(line: str) -> list[Message]:
        first, *others = client.ask(f"@label=x {line}")
        assert first.tags["label"] == "x"
        return [first, *others]

    assert commands(labelled("ISON x")) == ["303"]
    assert commands(labelled("TIME far.example")) == ["402"]
    assert commands(labelled("ADMIN")) == ["BATCH", "256", "257", "258", "259", "BATCH"]
    assert commands(labelled("LINKS")) == ["BATCH", "364", "365", "BATCH"]
    assert commands(labelled("HELP nonsense")) == ["524"]
