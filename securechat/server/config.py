"""The server's configuration: one table of keys, from which the file is read and the annotated example is written.

A configuration file is TOML. Every key may be left out; a key or a table that is not known is an error, so that a
misspelt one is never silently without effect. The command line wins over the file (`with_options`). Paths in the file
are relative to the file's directory, and ``~`` is a home directory.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_type_hints

from securechat.server import config_kinds as kinds

__all__ = ["Config", "ConfigError", "Durability", "Limits", "keys_of", "load", "read", "tables", "with_options"]

Durability = Literal["full", "normal"]

_SECONDS: Final = kinds.number(0.1, 86_400, "seconds")


class ConfigError(Exception):
    """The operator's mistake; ``str()``, a sentence without the full stop, names the file or option, and the key."""


@dataclass(frozen=True, slots=True)
class Key:
    """What the table says about one key: how its value is read, what it is for, and an example where no default is."""

    read: Callable[[object], object]
    help: str
    example: str = ""
    secret: bool = False


def _own_name() -> str:
    """The machine's name where it can be a server's: with a dot in it, so that nobody takes it for a nick."""
    name = socket.gethostname().lower()
    return name if re.fullmatch(kinds.SERVER_NAME, name) else "securechat.local"


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Who the server is."""

    name: Annotated[
        str,
        Key(
            kinds.text(kinds.SERVER_NAME, "a name like chat.example.org, with a dot in it and at most 63 characters"),
            "The name by which clients know the server. By default that of the machine, if it has a dot in it, or else "
            "securechat.local.",
            'name = "chat.example.org"',
        ),
    ] = field(default_factory=_own_name)
    network: Annotated[
        str,
        Key(
            kinds.text(r"[A-Za-z0-9._-]{1,50}", "1 to 50 letters, digits, dots, hyphens and underscores"),
            "What clients show as the name of the whole chat.",
        ),
    ] = "securechat"
    password: Annotated[
        str | None,
        Key(
            kinds.secret,
            "One password for the whole server (IRC PASS), asked for besides that of the account. Let nobody else read "
            "this file if it holds one.",
            'password = "open sesame"',
            secret=True,
        ),
    ] = field(default=None, repr=False)
    motd: Annotated[
        tuple[str, ...],
        Key(
            kinds.lines,
            "The message of the day, of one or more lines.",
            'motd = "Welcome.\\nBe kind to each other."',
        ),
    ] = ()


@dataclass(frozen=True, slots=True)
class ListenConfig:
    """Where clients connect."""

    host: Annotated[
        tuple[str, ...], Key(kinds.hosts, 'Names or addresses of this machine. "0.0.0.0" and "::" are all of them.')
    ] = ("localhost",)
    port: Annotated[
        int, Key(kinds.whole(0, 65_535), "The port, on each of them. 0 takes any free one; the log says which.")
    ] = 6697


@dataclass(frozen=True, slots=True)
class TLSConfig:
    """The server's certificate."""

    cert: Annotated[
        Path | None,
        Key(
            kinds.path,
            "The certificate and its chain in PEM, as scripts/gen_certs.py makes it; with the private key in the same "
            "file, or in that of the next key.",
            'cert = "certs/server.pem"',
        ),
    ] = None
    key: Annotated[
        Path | None,
        Key(kinds.path, "The private key, where it has a file of its own.", 'key = "certs/server.key"'),
    ] = None


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """Where everything is kept."""

    data: Annotated[
        Path | None,
        Key(kinds.path, "The data directory. By default the user's own.", 'data = "/var/lib/securechat"'),
    ] = None
    durability: Annotated[
        Durability,
        Key(
            kinds.choice("full", "normal"),
            "full: what is acknowledged survives a power cut. normal: faster, and the last moments may be lost in one.",
        ),
    ] = "full"


@dataclass(frozen=True, slots=True)
class AccountsConfig:
    """Who may come."""

    guests: Annotated[
        bool, Key(kinds.flag, "Whether people without an account may come. They can't take an account's nick.")
    ] = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client, or one address, may take."""

    throttle: Annotated[
        bool, Key(kinds.flag, "false turns off every limit on the rate of connections, logins and lines. For tests.")
    ] = True
    min_password_length: Annotated[
        int, Key(kinds.whole(1, 128), "In characters, for passwords that are set from now on.")
    ] = 8
    max_connections: Annotated[
        int, Key(kinds.whole(1, 1_000_000), "Connections at a time, from everywhere together.")
    ] = 10_000
    max_connections_per_address: Annotated[
        int,
        Key(
            kinds.whole(1, 1_000_000),
            "Connections at a time from one address, and new ones in a minute (IPv6: from one /64). Only while "
            "throttle is on.",
        ),
    ] = 100
    handshake_timeout: Annotated[float, Key(_SECONDS, "Seconds that a client has for the TLS handshake.")] = 10.0
    registration_timeout: Annotated[float, Key(_SECONDS, "Seconds from there to the end of the login.")] = 30.0
    ping_interval: Annotated[
        float, Key(_SECONDS, "Seconds of silence after which a client is asked whether it is there.")
    ] = 60.0
    ping_timeout: Annotated[float, Key(_SECONDS, "Seconds that it has to answer.")] = 60.0
    outbox: Annotated[
        int,
        Key(
            kinds.whole(64 * 1024, 1024**3),
            "Bytes that may wait for a client which reads slowly. One that is further behind is disconnected.",
        ),
    ] = 4 * 1024 * 1024
    channels_per_user: Annotated[
        int, Key(kinds.whole(1, 10_000), "Channels in which one user can be at a time, and that one account can found.")
    ] = 100
    sessions_per_user: Annotated[int, Key(kinds.whole(1, 1_000), "Connections of one account at a time.")] = 32
    held_per_account: Annotated[
        int,
        Key(
            kinds.whole(0, 1_000_000),
            "Private messages that are kept for an account which is not there; guests can leave a tenth of them.",
        ),
    ] = 1000
    topic_length: Annotated[int, Key(kinds.whole(1, 307), "Of a channel's topic, in bytes.")] = 307
    lines_per_second: Annotated[
        float,
        Key(
            kinds.number(0.1, 1_000_000, "lines"),
            "Lines a second that a client may send in the long run, while throttle is on.",
        ),
    ] = 50.0
    lines_burst: Annotated[
        int, Key(kinds.whole(1, 1_000_000), "Lines that it may send at once, after having been quiet.")
    ] = 200
    targets: Annotated[int, Key(kinds.whole(1, 100), "Targets of one PRIVMSG or NOTICE.")] = 4


@dataclass(frozen=True, slots=True)
class Config:
    """All tables of the file, by their names in it, and what the operator should be told about it (sentences)."""

    server: ServerConfig = field(default_factory=ServerConfig)
    listen: ListenConfig = field(default_factory=ListenConfig)
    tls: TLSConfig = field(default_factory=TLSConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    accounts: AccountsConfig = field(default_factory=AccountsConfig)
    limits: Limits = field(default_factory=Limits)
    warnings: tuple[str, ...] = ()


def tables() -> dict[str, Any]:
    """The tables of the file: each name with an instance of its class that holds the defaults."""
    defaults = Config()
    return {table.name: getattr(defaults, table.name) for table in fields(Config) if table.name != "warnings"}


def keys_of(table: Any) -> dict[str, Key]:
    """The keys of one table."""
    hints = get_type_hints(type(table), include_extras=True)
    return {key.name: hints[key.name].__metadata__[0] for key in fields(table)}


def load(path: Path | None) -> Config:
    """The configuration in a file; without one, the defaults.

    Raises:
        ConfigError: the file can't be read, is not TOML, or does not say what it must.
    """
    if path is None:
        return Config()
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            document = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"can't read the configuration file {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        problem = str(error)
    else:
        config = read(document, path)
        if config.server.password is not None and sys.platform != "win32" and mode & (stat.S_IRGRP | stat.S_IROTH):
            warning = f"others can read {path}, which holds the server's password: chmod 600 it"
            config = replace(config, warnings=(warning,))
        return config
    # Outside the clause, so that the exception, which may hold the whole text of the file, is not chained to ours.
    raise ConfigError(f"{path} is not TOML: {problem}")


def read(document: Mapping[str, object], path: Path) -> Config:
    """The configuration in a parsed TOML document that stood in the file ``path``.

    Raises:
        ConfigError: it does not say what it must.
    """
    known = tables()
    read_tables = {}
    for name, content in document.items():
        if name not in known:
            raise ConfigError(f"{path}: there is no table [{_shown(name)}]{_table_hint(name, known)}")
        if not isinstance(content, dict):
            raise ConfigError(f"{path}: [{name}] must be a table of keys, under a line [{name}] of its own")
        keys = keys_of(known[name])
        values = {}
        for key, value in content.items():
            if key not in keys:
                raise ConfigError(f"{path}: there is no key {_shown(key)} in [{name}]{_key_hint(name, key, known)}")
            values[key] = _relative_to(path.parent, _value(f"{path}: [{name}] {key}", keys[key], value))
        read_tables[name] = replace(known[name], **values)
    return Config(**read_tables)


def with_options(
    config: Config,
    *,
    hosts: Sequence[str] = (),
    port: int | None = None,
    cert: Path | None = None,
    key: Path | None = None,
    data: Path | None = None,
    durability: str | None = None,
    guests: bool | None = None,
) -> Config:
    """``config`` with what the command line says instead; None and () are what it does not say.

    A certificate from the command line takes none but the command line's key with it: the file's belongs to another.

    Raises:
        ConfigError: an option's value can't be one; it is named as ``--port`` and the like.
    """
    options: list[tuple[str, str, str, object]] = [
        ("listen", "host", "--host", list(hosts) or None),
        ("listen", "port", "--port", port),
        ("tls", "cert", "--cert", cert),
        ("tls", "key", "--key", key),
        ("store", "data", "--data", data),
        ("store", "durability", "--durability", durability),
        ("accounts", "guests", "--guests", guests),
    ]
    if cert is not None:
        config = replace(config, tls=TLSConfig())
    for table, name, option, value in options:
        if value is not None:
            present = getattr(config, table)
            # Through Any, since mypy can't know which key has which type; the kind of the key does.
            changes: dict[str, Any] = {name: _value(option, keys_of(present)[name], value)}
            changed: dict[str, Any] = {table: replace(present, **changes)}
            config = replace(config, **changed)
    return config


def _value(where: str, key: Key, value: object) -> object:
    try:
        return key.read(value)
    except kinds.WrongValueError as error:
        must = str(error)
    # Outside the clause: what stands in a secret key is in no exception, not even in a chained one.
    shown = "" if key.secret else f", not {_shown(repr(value))}"
    raise ConfigError(f"{where} must be {must}{shown}")


def _relative_to(directory: Path, value: object) -> object:
    return directory / value if isinstance(value, Path) else value


def _table_hint(name: str, known: Mapping[str, Any]) -> str:
    for table, content in known.items():
        if name in keys_of(content):
            return f"; {name} belongs under [{table}]"
    return _nearest(name, known, "[{}]")


def _key_hint(table: str, key: str, known: Mapping[str, Any]) -> str:
    for other, content in known.items():
        if key in keys_of(content):
            return f"; {key} belongs under [{other}]"
    return _nearest(key, keys_of(known[table]), "{}")


def _nearest(name: str, known: Iterable[str], form: str) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {form.format(near[0])}?" if near else ""


def _shown(text: str) -> str:
    """At most 60 characters, and none that drives a terminal."""
    cut = text if len(text) <= 60 else text[:59] + "…"
    return cut if cut.isprintable() else ascii(cut)
