"""Reading the configuration again while the server runs: what is in force then, who is told, and what is refused."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from securechat.irc import isupport
from securechat.server.config import AccountsConfig, Config, ConfigError, Limits, OperatorConfig
from securechat.server.reload import FIXED, Loaded, ReloadRefusedError, Source
from securechat.store.passwords import Hasher, Parameters
from securechat.tls.errors import CertificateFileError
from tests.server.wire import NAME, PASSWORD, Client, House, Opener, commands, one, params, running

HASHER = Hasher(Parameters(memory=8, passes=1))
HELEN = OperatorConfig(HASHER.hash("the password of helen"))


@pytest.fixture
def house(certs: Path, tmp_path: Path) -> Iterator[House]:
    """A server for each test: they change it."""
    with running(certs, tmp_path, operators={"helen": HELEN}) as one:
        yield one


def configure(house: House, **tables: Any) -> Config:
    """Have the server find these keys changed when it reads its configuration again: each table with its keys."""
    loaded = house.loaded
    assert isinstance(loaded, Loaded)
    config = loaded.config
    for table, keys in tables.items():
        changed: dict[str, Any] = {table: replace(getattr(config, table), **keys)}
        config = replace(config, **changed)
    house.loaded = replace(loaded, config=config)
    return config


# -- what is in force -------------------------------------------------------------------------------------------------


def test_limits_of_the_chat_and_of_commands(house: House, opened: Opener) -> None:
    client = opened(join="#reload")
    assert commands(client.ask("PRIVMSG a,b,c,d,e :x")) == ["407"]
    configure(house, limits={"targets": 5, "topic_length": 3, "channels_per_user": 2}, server={"motd": ("Anew.",)})
    house.hub.reloader.reload("a test")
    client.sync()
    assert commands(client.ask("PRIVMSG a,b,c,d,e :x")) == ["401"] * 5
    assert client.asked("TOPIC #reload :abcdef") == [f"{client.nick} TOPIC #reload :abc"]
    assert commands(client.ask("JOIN #second", "JOIN #third")) == ["JOIN", "353", "366", "405"]
    assert one(client.ask("MOTD"), "372").params[1] == "Anew."


def test_nobody_is_sent_away(house: House, opened: Opener) -> None:
    client = opened(join="#a,#b,#c")
    configure(house, limits={"channels_per_user": 1, "max_connections": 1, "sessions_per_user": 1})
    house.hub.reloader.reload("a test")
    assert "JOIN" not in commands(client.ask("JOIN #d"))
    assert commands(client.ask("PRIVMSG #a :still here", "PRIVMSG #c :still here")) == []


def test_limits_of_connections(house: House, opened: Opener) -> None:
    """Those who came while nothing was limited count, too."""
    opened()
    configure(house, limits={"throttle": True, "max_connections_per_address": 1})
    house.hub.reloader.reload("a test")
    with pytest.raises(OSError), Client(house):  # in the handshake, in one of several ways
        pass
    configure(house, limits={"throttle": False})
    house.hub.reloader.reload("a test")
    assert commands(opened().ask("TIME")) == ["391"]


def test_the_rate_of_lines(house: House, opened: Opener) -> None:
    """Of somebody who is there already: the second line would be read in an hour or so."""
    client = opened()
    configure(house, limits={"throttle": True, "lines_per_second": 0.1, "lines_burst": 2})
    house.hub.reloader.reload("a test")
    client.send("PING one", "PING two", "PING three")
    assert [client.message().params[-1] for _ in range(2)] == ["one", "two"]
    configure(house, limits={"throttle": False})
    house.hub.reloader.reload("a test")
    assert client.expect("PONG").params[-1] == "three"


def test_the_context_of_new_connections(house: House, certs: Path) -> None:
    loaded = Source(None, cert=certs / "server.pem").read()
    configure(house)
    house.loaded = replace(house.read(), context=loaded.context)
    assert house.hub.reloader.context is not loaded.context
    house.hub.reloader.reload("a test")
    assert house.hub.reloader.context is loaded.context


# -- who is told ------------------------------------------------------------------------------------------------------


def test_clients_are_told_what_is_new_in_005(house: House, opened: Opener) -> None:
    plain = opened()
    modern = opened(None, "batch", "draft/extended-isupport")
    configure(house, limits={"topic_length": 100, "targets": 9})
    house.hub.reloader.reload("a test")
    tokens: dict[str, str] = {}
    isupport.update(tokens, plain.expect("005").params[1:-1])
    assert tokens == {"TOPICLEN": "100", "TARGMAX": house.hub.isupport["TARGMAX"]}
    assert plain.sync() == []  # and no more
    begin, line, end = modern.message(), modern.message(), modern.message()
    assert (begin.command, begin.params[1]) == ("BATCH", "draft/isupport")
    assert (line.command, line.tags["batch"]) == ("005", begin.params[0][1:])
    assert end.params == [f"-{line.tags['batch']}"]
    house.hub.reloader.reload("a test")  # and finds nothing new
    assert plain.sync() == modern.sync() == []


def test_who_is_not_registered_is_told_by_the_welcome(house: House, opened: Opener) -> None:
    stranger = opened.stranger()
    stranger.sync()
    configure(house, limits={"topic_length": 100})
    house.hub.reloader.reload("a test")
    assert stranger.sync() == []
    stranger.send("NICK late", "USER u 0 * :r")
    tokens: dict[str, str] = {}
    for line in params(stranger.sync(), "005"):
        isupport.update(tokens, line[1:-1])
    assert tokens == house.hub.isupport
    assert tokens["TOPICLEN"] == "100"


def test_clients_are_told_of_capabilities_with_other_values(house: House, opened: Opener) -> None:
    client, older = opened(None, "batch", "message-tags"), opened.stranger()
    older.send("CAP LS", "NICK older", "USER u 0 * :r", "CAP END")
    older.sync()
    configure(house, limits={"multiline_max_bytes": 1000, "multiline_max_lines": 2})
    house.hub.reloader.reload("a test")
    offer = "draft/multiline=max-bytes=1000,max-lines=2"
    assert client.expect("CAP").params == [client.nick, "NEW", offer]
    assert offer in " ".join(answer.params[-1] for answer in client.ask("CAP LS 302")).split()
    assert older.sync() == []  # it does not know of values


def test_a_token_that_is_gone_is_taken_back(house: House, opened: Opener) -> None:
    client = opened()
    configure(house, server={"client_tags_denied": ("typing",)})
    house.hub.reloader.reload("a test")
    assert client.expect("005").params[1:-1] == ["CLIENTTAGDENY=typing"]
    configure(house, server={"client_tags_denied": ()})
    house.hub.reloader.reload("a test")
    assert client.expect("005").params[1:-1] == ["-CLIENTTAGDENY"]


# -- what can't change, and what is wrong -----------------------------------------------------------------------------


def test_what_needs_a_restart_stays_and_is_named(house: House) -> None:
    before = house.hub.config
    configure(
        house,
        server={"name": "other.example.org", "network": "Other"},
        listen={"host": ("::1",), "port": 1},
        store={"data": Path("/elsewhere"), "durability": "normal"},
        search={"enabled": not before.search.enabled},
        accounts={"guests": not before.accounts.guests},
        limits={"targets": 9},
    )
    done = house.hub.reloader.reload("a test")
    assert done.restart == tuple(f"[{table}] {key}" for table, key in FIXED)
    assert house.hub.config == replace(before, limits=replace(before.limits, targets=9))


@pytest.mark.parametrize("error", [ConfigError("[limits] targets is wrong"), CertificateFileError("x.pem is damaged")])
def test_a_mistake_changes_nothing(house: House, opened: Opener, error: Exception) -> None:
    client = opened()
    reloader = house.hub.reloader
    before = (house.hub.config, house.hub.isupport, reloader.context)
    house.loaded = error
    with pytest.raises(ReloadRefusedError) as refused:
        reloader.reload("a test")
    assert str(refused.value) == str(error)
    assert (house.hub.config, house.hub.isupport, reloader.context) == before
    assert client.sync() == []


def test_files_are_read_again(certs: Path, tmp_path: Path) -> None:
    path = tmp_path / "chat.toml"
    path.write_text("[limits]\ntargets = 5\n")
    cert = tmp_path / "server.pem"
    cert.write_bytes((certs / "server.pem").read_bytes())
    cert.chmod(0o600)
    source = Source(path, cert=cert, guests=True)
    first = source.read()
    assert (first.config.limits.targets, first.config.accounts, first.warnings) == (5, AccountsConfig(True), ())
    path.write_text("[limits]\ntargets = 6\n[accounts]\nguests = false\n")
    cert.chmod(0o604)
    second = source.read()
    assert (second.config.limits.targets, second.config.accounts.guests) == (6, True)  # the command line wins
    assert "others can read" in second.warnings[0]
    assert second.context is not first.context
    cert.write_text("no certificate")
    with pytest.raises(CertificateFileError, match=r"server\.pem"):
        source.read()
    with pytest.raises(ConfigError, match="which certificate"):
        Source(path).read()


# -- REHASH -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def rehash(opened: Opener) -> Callable[..., list[str]]:
    """Has an administrator say REHASH; what follows 382."""

    def say(*caps: str) -> list[str]:
        boss = opened(None, *caps, account="boss")
        first, *others = boss.asked("REHASH")
        assert first == "382 boss configuration :Rehashing"
        return [other for other in others if not other.startswith("005 ")]

    return say


def test_rehash(house: House, rehash: Callable[..., list[str]]) -> None:
    configure(house, limits={"targets": 9})
    text = "The configuration and the certificate were read again, and are in force"
    assert rehash("standard-replies") == [f"NOTE REHASH RELOADED :{text}"]
    assert rehash() == [f"NOTICE boss :REHASH: {text}"]
    assert house.hub.config.limits.targets == 9


def test_rehash_of_what_needs_a_restart(house: House, rehash: Callable[..., list[str]]) -> None:
    config = replace(configure(house, listen={"port": 1}), warnings=("look\nhere",))
    house.loaded = replace(house.read(), config=config)
    assert rehash("standard-replies")[1:] == [
        "NOTE REHASH RESTART_NEEDED :[listen] port has changed and needs a restart",
        "NOTE REHASH CONFIG_NOTE :look?here",
    ]


def test_rehash_of_a_mistake(house: House, rehash: Callable[..., list[str]]) -> None:
    house.loaded = ConfigError("/etc/chat.toml: there is no table [sever]")
    sentence = "Nothing was changed: /etc/chat.toml: there is no table [sever]"
    assert rehash("standard-replies") == [f"FAIL REHASH CONFIG_BAD :{sentence}"]
    assert rehash() == [f"NOTICE boss :REHASH: {sentence}"]


def test_rehash_is_for_operators(house: House, opened: Opener) -> None:
    client = opened()
    configure(house, limits={"targets": 9})
    assert client.asked("REHASH") == [f"481 {client.nick} :Permission Denied- You're not an IRC operator"]
    assert house.hub.config.limits.targets == 4


def test_rehash_answers_its_label(house: House, opened: Opener) -> None:
    boss = opened(None, "batch", "labeled-response", "standard-replies", account="boss")
    begin, *lines, end = boss.ask("@label=r REHASH")
    assert (begin.params[1], begin.tags["label"]) == ("labeled-response", "r")
    assert commands(lines) == ["382", "NOTE"]
    assert end.command == "BATCH"


# -- OPER -------------------------------------------------------------------------------------------------------------


def test_oper(opened: Opener) -> None:
    client = opened()
    answers = client.asked("OPER HELEN :the password of helen")
    assert f"381 {client.nick} :You are now an IRC operator" in answers
    assert f"{client.nick} MODE {client.nick} :+o" in answers
    assert commands(client.ask("REHASH"))[0] == "382"
    again = client.asked("OPER helen :the password of helen")
    assert again == [f"381 {client.nick} :You are now an IRC operator"]


def test_what_is_sent_with_an_oper_is_sent_by_an_operator(opened: Opener) -> None:
    answers = opened().ask("OPER helen :the password of helen", "WALLOPS :at once", "KILL nobody-here :now")
    assert commands(answers) == ["MODE", "381", "WALLOPS", "401"]


@pytest.mark.parametrize("said", ["helen :wrong password", "nobody :the password of helen", f"boss :{PASSWORD}", "x :"])
def test_a_wrong_name_is_as_good_as_a_wrong_password(opened: Opener, said: str) -> None:
    client = opened()
    assert client.asked(f"OPER {said}") == [f"464 {client.nick} :Password incorrect"]
    assert commands(client.ask("REHASH")) == ["481"]


def test_half_of_an_oper(opened: Opener) -> None:
    client = opened()
    assert client.asked("OPER helen") == client.asked("OPER") == [f"461 {client.nick} OPER :Not enough parameters"]


def test_a_server_without_operators(house: House, opened: Opener) -> None:
    house.loaded = replace(house.read(), config=replace(configure(house), operators={}))
    house.hub.reloader.reload("a test")
    client = opened()
    assert commands(client.ask("OPER helen :the password of helen")) == ["491"]


def test_operators_are_read_again(house: House, opened: Opener) -> None:
    ivan = OperatorConfig(HASHER.hash("the password of ivan"))
    house.loaded = replace(house.read(), config=replace(configure(house), operators={"ivan": ivan}))
    house.hub.reloader.reload("a test")
    assert commands(opened().ask("OPER helen :the password of helen")) == ["464"]
    assert "381" in commands(opened().ask("OPER ivan :the password of ivan"))


def test_guessing_is_throttled(certs: Path, tmp_path: Path) -> None:
    """After many failures the right password is not looked at; nor is the account of the same name any slower."""
    with running(certs, tmp_path, operators={"alice": HELEN}, limits=Limits()) as house:
        now = time.monotonic()
        for number in range(12):
            with house.hub.logins.attempt("oper:alice", "127.0.0.1", now - 61 * (11 - number)) as attempt:
                assert not attempt.wait
        opened = Opener(house)
        assert commands(opened("guest").ask("OPER alice :the password of helen")) == ["464"]
        assert opened(account="alice").nick == "alice"


def test_nothing_of_a_password_is_shown(house: House) -> None:
    assert "argon2" not in repr(house.hub.config)
    assert NAME in repr(house.hub.config)
