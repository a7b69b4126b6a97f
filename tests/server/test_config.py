"""The configuration: what the file may say, and how it is told when it says something else."""

import re
import tomllib
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.server import config_kinds as kinds
from securechat.server.config import NAMED_TABLES, Config, ConfigError, keys_of, load, read, tables, with_options
from securechat.server.config_example import example
from securechat.store.retention_policy import Keep

HASH = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43
OPERATOR = f"[operators.helen]\npassword = '{HASH}'\n"

DOCUMENT = Path(__file__).parents[2] / "docs" / "securechat.example.toml"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "chat.toml"
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    return write


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert not sentence.endswith(".")
    return sentence


def test_without_a_file_there_are_the_defaults() -> None:
    config = load(None)
    assert config == Config()
    assert config.limits.throttle
    assert config.limits.outbox == 4 * 1024 * 1024
    assert config.listen.host == ("localhost",)
    assert config.listen.port == 6697
    assert config.store.durability == "full"
    assert not config.accounts.guests
    assert config.server.password is None


def test_an_empty_file_says_the_same(file: Callable[[str], Path]) -> None:
    assert load(file("")) == Config()


def test_the_server_has_a_name_with_a_dot() -> None:
    assert re.fullmatch(kinds.SERVER_NAME, Config().server.name)


def test_all_that_a_file_can_say(file: Callable[[str], Path]) -> None:
    path = file(
        """
        [server]
        name = "chat.example.org"
        network = "Example"
        password = "open sesame"
        motd = '''
Welcome.

Be kind.
'''
        client_tags_denied = ["*", "-typing", "-draft/react"]
        [admin]
        location = "In the cellar"
        organisation = "The chess club"
        email = "chat@example.org"
        [listen]
        host = ["127.0.0.1", "::1", "127.0.0.1"]
        port = 6698
        [tls]
        cert = "certs/server.pem"
        key = "/etc/ssl/server.key"
        [store]
        data = "data"
        durability = "normal"
        [accounts]
        guests = true
        registration = true
        [invitations]
        host = "Chat.Example.org"
        port = 443
        [limits]
        throttle = false
        min_password_length = 12
        handshake_timeout = 2
        ping_interval = 1.5
        lines_per_second = 5
        kick_length = 100
        """
        + OPERATOR
    )
    config = load(path)
    assert config.server.name == "chat.example.org"
    assert config.server.network == "Example"
    assert config.server.password == "open sesame"
    assert config.server.motd == ("Welcome.", "", "Be kind.")
    assert config.server.client_tags_denied == ("*", "-typing", "-draft/react")
    assert config.admin.location == "In the cellar"
    assert config.admin.organisation == "The chess club"
    assert config.admin.email == "chat@example.org"
    assert config.listen.host == ("127.0.0.1", "::1")
    assert config.listen.port == 6698
    assert config.tls.cert == path.parent / "certs/server.pem"
    assert config.tls.key == Path("/etc/ssl/server.key")
    assert config.store.data == path.parent / "data"
    assert config.store.durability == "normal"
    assert config.accounts.guests
    assert config.accounts.registration
    assert (config.invitations.host, config.invitations.port) == ("chat.example.org", 443)
    assert not config.limits.throttle
    assert config.limits.kick_length == 100
    assert config.operators["helen"].password == HASH
    assert config.limits.min_password_length == 12
    assert (config.limits.handshake_timeout, config.limits.ping_interval) == (2.0, 1.5)
    assert isinstance(config.limits.lines_per_second, float)
    assert config.limits.max_connections == Config().limits.max_connections
    assert config.warnings == ()


def test_what_is_kept(file: Callable[[str], Path]) -> None:
    endless = load(file("")).retention.policy()
    assert endless.endless
    assert endless.of("#tea") == Keep(0, 0)
    policy = load(
        file(
            """
            [retention]
            days = 365
            private_days = 30
            [retention.channels."#Tea"]
            megabytes = 100
            [retention.channels."#archive"]
            days = 0
            """
        )
    ).retention.policy()
    assert not policy.endless
    assert policy.private_days == 30
    assert [policy.of(name) for name in ("#other", "#tEA", "#archive")] == [Keep(365, 0), Keep(365, 100), Keep(0, 0)]


def test_a_home_directory(file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert load(file('[store]\ndata = "~/chat"')).store.data == Path("/home/somebody/chat")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[sever]", ["[sever]", "did you mean [server]?"]),
        ("[nothing_like_it]", ["there is no table [nothing_like_it]"]),
        ("[limits]\nthrotle = true", ["throtle", "in [limits]", "did you mean throttle?"]),
        ("[limits]\nqqqq = true", ["there is no key qqqq in [limits]"]),
        ("[server]\nthrottle = true", ["throttle", "in [server]", "belongs under [limits]"]),
        ("port = 1", ["port belongs under [listen]"]),
        ("server = 1", ["[server] must be a table"]),
        ("[[server]]", ["[server] must be a table"]),
        ("[limits]\nthrottle = 1", ["[limits] throttle must be true or false, not 1"]),
        ("[limits]\ntargets = true", ["[limits] targets must be a whole number from 1 to 100, not True"]),
        ("[retention]\ndays = -1", ["[retention] days must be a whole number from 0 to 36500, not -1"]),
        ("[retention]\nchannels = 1", ["[retention] channels must be tables by the names of channels"]),
        ("[retention.channels.tea]\ndays = 1", ["[retention] channels must be"]),
        ('[retention.channels."#tea"]', ["[retention] channels must be"]),
        ('[retention.channels]\n"#tea" = 3', ["[retention] channels must be"]),
        ('[retention.channels."#tea"]\nweeks = 1', ["[retention] channels must be"]),
        ('[retention.channels."#tea"]\ndays = 1.5', ["[retention] channels must be"]),
        ('[retention.channels]\n"#tea" = {days = 1}\n"#TEA" = {days = 2}', ["[retention] channels must be"]),
        ("[invitations]\nhost = 'chat.example.org:443'", ["[invitations] host must be a host name or an address"]),
        ("[invitations]\nhost = 1", ["[invitations] host must be"]),
        ("[invitations]\nport = 0", ["[invitations] port must be a whole number from 1 to 65535"]),
        ("[limits]\ntargets = 0", ["[limits] targets"]),
        ("[limits]\ntargets = 101", ["[limits] targets"]),
        ("[limits]\ntargets = 4.0", ["[limits] targets"]),
        ("[limits]\nping_timeout = nan", ["[limits] ping_timeout must be a number from 0.1 to 86_400 seconds"]),
        ("[limits]\nping_timeout = inf", ["[limits] ping_timeout"]),
        ("[limits]\nping_timeout = '60'", ["[limits] ping_timeout", "not '60'"]),
        ("[listen]\nport = 65536", ["[listen] port must be a whole number from 0 to 65535, not 65536"]),
        ("[listen]\nhost = 'localhost'", ["[listen] host must be an array"]),
        ("[listen]\nhost = []", ["[listen] host"]),
        ("[listen]\nhost = ['']", ["[listen] host"]),
        ("[listen]\nhost = ['a b']", ["[listen] host"]),
        ("[listen]\nhost = [1]", ["[listen] host"]),
        ("[store]\ndurability = 'Full'", ['[store] durability must be "full" or "normal"']),
        ("[store]\ndata = ''", ["[store] data must be a path"]),
        ("[store]\ndata = '~nobody-of-that-name/x'", ["[store] data must be a path"]),
        ("[server]\nname = 'localhost'", ["[server] name", "a dot"]),
        ("[server]\nname = 'a..b'", ["[server] name"]),
        ("[server]\nname = 'a.b\\n'", ["[server] name"]),
        ("[server]\nname = '-a.b'", ["[server] name"]),
        (f"[server]\nname = '{'a' * 32}.{'b' * 31}'", ["[server] name"]),
        ("[server]\nnetwork = 'two words'", ["[server] network"]),
        ('[server]\nmotd = "\\u0000"', ["[server] motd"]),
        (f"[server]\nmotd = '{'x' * 391}'", ["[server] motd"]),
        ('[server]\nmotd = """' + "\n" * 201 + 'x"""', ["[server] motd"]),
        ("[server]\nclient_tags_denied = 'typing'", ["[server] client_tags_denied must be an array of tags"]),
        ("[server]\nclient_tags_denied = ['+typing']", ["[server] client_tags_denied"]),
        ("[server]\nclient_tags_denied = ['-typing']", ["[server] client_tags_denied"]),
        ("[server]\nclient_tags_denied = ['-draft/react']", ["[server] client_tags_denied"]),
        ("[server]\nclient_tags_denied = ['typing', '*']", ["[server] client_tags_denied"]),
        ("[server]\nclient_tags_denied = ['a,b']", ["[server] client_tags_denied"]),
        ("[server]\nclient_tags_denied = [1]", ["[server] client_tags_denied"]),
        (f"[server]\nclient_tags_denied = ['{'x' * 301}']", ["[server] client_tags_denied"]),
        ("[admin]\nemail = ''", ["[admin] email must be a string of 1 to 390 bytes"]),
        ("[admin]\nemail = 'a\\tb'".replace("'", '"'), ["[admin] email"]),
        ("operators = 1", ["[operators] must be a table"]),
        ("[operator.helen]", ["[operator]", "did you mean [operators]?"]),
        ("[operators]\nhelen = 1", ["[operators.helen] must be a table"]),
        ("[operators.helen]", ["[operators.helen] needs a password"]),
        ("[operators.helen]\npasword = 1", ["pasword", "in [operators.helen]", "did you mean password?"]),
        ("[operators.helen]\nguests = 1", ["guests belongs under [accounts]"]),
        ("[operators.helen]\npassword = 'hunter2'", ["[operators.helen] password must be a hash"]),
        (f"[operators.helen]\npassword = '{HASH.replace('p=1', 'p=2')}'", ["[operators.helen] password"]),
        (f"[operators.'the boss']\npassword = '{HASH}'", ["[operators.the boss] has a name that can't be one"]),
        (OPERATOR + OPERATOR.replace("helen", "Helen"), ["[operators.Helen] is there twice"]),
        ("[limits", ["is not TOML: Expected"]),
        ("[server]\na\nb = 2", ["is not TOML", "line 2"]),
        ("a = " + "[" * 10_000, ["is not TOML"]),
    ],
)
def test_mistakes_are_named(file: Callable[[str], Path], text: str, words: list[str]) -> None:
    sentence = refusal(file(text))
    for word in words:
        assert word in sentence


def test_what_is_wrong_is_shown_short_and_without_control_characters(file: Callable[[str], Path]) -> None:
    sentence = refusal(file('[limits]\n"\\u001b[31m" = 1'))
    assert sentence.isprintable()
    assert len(refusal(file(f"[limits]\nthrottle = '{'x' * 5000}'"))) < 400


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "missing.toml")
    assert "directory" in refusal(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"[server]\nmotd = '\xe9'\n")
    assert "is not TOML" in refusal(tmp_path / "latin.toml")


@pytest.mark.parametrize("password", ["'hunter2\\n'", "['hunter2']", "'''hunter2\n'''", f"'{'hunter2' * 60}'"])
def test_a_password_is_in_no_exception(file: Callable[[str], Path], password: str) -> None:
    path = file(f"[server]\npassword = {password}" if "\\n" not in password else '[server]\npassword = "hunter2\\n"')
    with pytest.raises(ConfigError, match="password must be") as caught:
        load(path)
    check_silent(caught.value)


def test_a_password_where_a_hash_goes_is_in_no_exception(file: Callable[[str], Path]) -> None:
    for text in ("[operators.helen]\npassword = 'hunter2'", "[operators]\nhelen = 'hunter2'"):
        with pytest.raises(ConfigError) as caught:
            load(file(text))
        check_silent(caught.value)


def test_nor_in_that_of_a_file_which_is_not_toml(file: Callable[[str], Path]) -> None:
    path = file("[server]\npassword = 'hunter2'\n[[[")
    with pytest.raises(ConfigError) as caught:
        load(path)
    check_silent(caught.value)


def check_silent(error: BaseException) -> None:
    assert error.__cause__ is None
    assert error.__context__ is None
    assert "hunter2" not in repr(error) + "".join(traceback.format_exception(error))


def test_a_password_is_in_no_repr(file: Callable[[str], Path]) -> None:
    config = load(file('[server]\npassword = "hunter2"\n' + OPERATOR))
    assert config.server.password == "hunter2"
    assert "hunter2" not in repr(config) + str(config)
    assert "argon2" not in repr(config) + str(config)


@pytest.mark.parametrize("secret", ['[server]\npassword = "hunter2"', OPERATOR])
@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_secret_that_others_can_read_is_worth_a_warning(
    file: Callable[[str], Path], mode: int, warned: bool, secret: str
) -> None:
    path = file(secret)
    path.chmod(mode)
    warnings = load(path).warnings
    assert len(warnings) == warned
    if warned:
        assert str(path) in warnings[0]
        assert ("operators" if secret == OPERATOR else "the server's password") in warnings[0]
        assert "hunter2" not in warnings[0]
        assert "argon2" not in warnings[0]


def test_a_file_without_a_password_is_nobodys_secret(file: Callable[[str], Path]) -> None:
    path = file("")
    path.chmod(0o644)
    assert load(path).warnings == ()


def test_the_command_line_wins(file: Callable[[str], Path]) -> None:
    config = load(file("[listen]\nport = 1\nhost = ['a']\n[store]\ndata = 'x'\n[limits]\ntargets = 9"))
    assert with_options(config) == config
    changed = with_options(config, hosts=["b", "c"], port=2, data=Path("elsewhere"), durability="normal", guests=True)
    assert (changed.listen.host, changed.listen.port) == (("b", "c"), 2)
    assert changed.store.data == Path("elsewhere")
    assert changed.store.durability == "normal"
    assert changed.accounts.guests
    assert changed.limits.targets == 9
    assert not with_options(changed, guests=False).accounts.guests


def test_a_certificate_of_the_command_line_does_not_take_the_files_key(file: Callable[[str], Path]) -> None:
    config = load(file("[tls]\ncert = 'a.pem'\nkey = 'a.key'"))
    assert with_options(config, cert=Path("b.pem")).tls.key is None
    both = with_options(config, cert=Path("b.pem"), key=Path("b.key")).tls
    assert (both.cert, both.key) == (Path("b.pem"), Path("b.key"))
    only_key = with_options(config, key=Path("b.key")).tls
    assert only_key.cert == config.tls.cert
    assert only_key.key == Path("b.key")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"port": 70_000}, "--port must be a whole number from 0 to 65535, not 70000"),
        ({"durability": "none"}, '--durability must be "full" or "normal", not \'none\''),
        ({"hosts": ["a b"]}, "--host must be"),
    ],
)
def test_options_are_checked_as_the_file_is(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_options(Config(), **options)
    assert words in str(caught.value)


def test_the_example_is_the_one_in_the_documents() -> None:
    assert DOCUMENT.read_text() == example()


def test_the_example_loads_to_the_defaults() -> None:
    assert read(tomllib.loads(example()), DOCUMENT) == Config()


def test_the_example_shows_every_key_once() -> None:
    shown = re.findall(r"^(?:# )?([a-z_]+) = ", example(), re.MULTILINE)
    assert shown == [key for table in (*tables().values(), *NAMED_TABLES.values()) for key in keys_of(table)]


def test_what_the_example_has_behind_a_hash_can_be_set() -> None:
    config = read(tomllib.loads(re.sub(r"^# (\[|[a-z_]+ = )", r"\1", example(), flags=re.MULTILINE)), DOCUMENT)
    assert config.server.name == "chat.example.org"
    assert config.server.password == "open sesame"
    assert config.server.motd == ("Welcome.", "Be kind to each other.")
    assert config.tls.cert is not None
    assert config.tls.key is not None
    assert config.store.data == Path("/var/lib/securechat")
    assert config.admin.email == "chat@example.org"
    assert [*config.operators] == ["name"]


NAMES = st.text(max_size=8) | st.sampled_from(
    [
        *tables(),
        *NAMED_TABLES,
        *(key for table in (*tables().values(), *NAMED_TABLES.values()) for key in keys_of(table)),
    ]
)
VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, VALUES | st.dictionaries(NAMES, VALUES, max_size=4), max_size=4))
def test_whatever_a_document_holds(document: dict[str, Any]) -> None:
    refused = None
    try:
        config = read(document, Path("/etc/chat.toml"))
    except ConfigError as error:
        refused = str(error)
    if refused is not None:
        assert "/etc/chat.toml" in refused
        assert refused.isprintable()
    else:
        # What was accepted says what the document said, for all keys that are not turned into another type.
        for name, table in document.items():
            for key, value in table.items():
                if isinstance(value, bool | int | float):
                    assert getattr(getattr(config, name), key) == value


def test_the_names_of_operators_have_no_case(file: Callable[[str], Path]) -> None:
    assert [*load(file(OPERATOR.replace("helen", "Helen"))).operators] == ["helen"]


def test_the_check_of_permissions_looks_at_the_file_that_was_read(file: Callable[[str], Path], tmp_path: Path) -> None:
    path = file('[server]\npassword = "hunter2"')
    path.chmod(0o644)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    assert len(load(link).warnings) == 1
