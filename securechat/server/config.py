"""The server's configuration: one table of keys, from which the file is read and the annotated example is written.

A configuration file is TOML. Every key may be left out; a key or a table that is not known is an error, so that a
misspelt one is never silently without effect. The command line wins over the file (`with_options`). Paths in the file
are relative to the file's directory, and ``~`` is a home directory.
"""

from __future__ import annotations

import os
import stat
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, get_type_hints

from securechat.irc.names import casefold, valid_nick
from securechat.server import config_kinds as kinds
from securechat.server import scram_exchange as scram
from securechat.server.config_kept import Durability, HistoryConfig, RetentionConfig, SearchConfig, StoreConfig
from securechat.server.config_kinds import Key
from securechat.server.config_sections import (
    AccountsConfig,
    AdminConfig,
    ClientCert,
    InvitationsConfig,
    Limits,
    ListenConfig,
    OperatorConfig,
    ServerConfig,
    TLSConfig,
)

__all__ = [
    "NAMED_TABLES",
    "AccountsConfig",
    "AdminConfig",
    "ClientCert",
    "Config",
    "ConfigError",
    "Durability",
    "HistoryConfig",
    "InvitationsConfig",
    "Limits",
    "ListenConfig",
    "OperatorConfig",
    "RetentionConfig",
    "SearchConfig",
    "ServerConfig",
    "StoreConfig",
    "TLSConfig",
    "keys_of",
    "load",
    "read",
    "tables",
    "with_options",
]

NAMED_TABLES: Final[Mapping[str, type[OperatorConfig]]] = {"operators": OperatorConfig}
"""Tables that hold tables, ``[operators.NAME]``, with the class of each of those."""


class ConfigError(Exception):
    """The operator's mistake; ``str()``, a sentence without the full stop, names the file or option, and the key."""


@dataclass(frozen=True, slots=True)
class Config:
    """All tables of the file, by their names in it, and what the operator should be told about it (sentences)."""

    server: ServerConfig = field(default_factory=ServerConfig)
    admin: AdminConfig = field(default_factory=AdminConfig)
    listen: ListenConfig = field(default_factory=ListenConfig)
    tls: TLSConfig = field(default_factory=TLSConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    accounts: AccountsConfig = field(default_factory=AccountsConfig)
    invitations: InvitationsConfig = field(default_factory=InvitationsConfig)
    history: HistoryConfig = field(default_factory=HistoryConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    retention: RetentionConfig = field(default_factory=RetentionConfig)
    limits: Limits = field(default_factory=Limits)
    operators: Mapping[str, OperatorConfig] = field(default_factory=dict)
    """By their names, casefolded."""
    warnings: tuple[str, ...] = ()


def tables() -> dict[str, Any]:
    """The tables of the file, but for `NAMED_TABLES`: each name with an instance of its class, of defaults."""
    defaults = Config()
    names = (table.name for table in fields(Config) if table.name not in {*NAMED_TABLES, "warnings"})
    return {name: getattr(defaults, name) for name in names}


def keys_of(table: Any) -> dict[str, Key]:
    """The keys of one table, given as its class or an instance of that."""
    hints = get_type_hints(table if isinstance(table, type) else type(table), include_extras=True)
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
        secret = " and ".join(_secrets(config))
        if secret and sys.platform != "win32" and mode & (stat.S_IRGRP | stat.S_IROTH):
            config = replace(config, warnings=(f"others can read {path}, which holds {secret}: chmod 600 it",))
        return config
    # Outside the clause, so that the exception, which may hold the whole text of the file, is not chained to ours.
    raise ConfigError(f"{path} is not TOML: {problem}")


def _secrets(config: Config) -> list[str]:
    """What a configuration holds that only its owner should read."""
    secrets = ["the server's password"] if config.server.password is not None else []
    return [*secrets, "the hashes of operators' passwords"] if config.operators else secrets


def read(document: Mapping[str, object], path: Path) -> Config:
    """The configuration in a parsed TOML document that stood in the file ``path``.

    Raises:
        ConfigError: it does not say what it must.
    """
    known = tables()
    read_tables: dict[str, Any] = {}
    for name, content in document.items():
        if name not in known and name not in NAMED_TABLES:
            raise ConfigError(f"{path}: there is no table [{_shown(name)}]{_table_hint(name, known)}")
        if not isinstance(content, dict):
            raise ConfigError(f"{path}: [{name}] must be a table of keys, under a line [{name}] of its own")
        if name in NAMED_TABLES:
            read_tables[name] = _read_named(name, content, path)
        else:
            read_tables[name] = replace(known[name], **_read_keys(name, known[name], content, path))
    config = Config(**read_tables)
    if config.accounts.scram and not scram.available():
        raise ConfigError(
            f"{path}: [accounts] scram needs a library that is not installed: pip install 'securechat[scram]'"
        )
    return config


def _read_keys(name: str, table: Any, content: Mapping[str, object], path: Path) -> dict[str, Any]:
    """The values of the keys that stand in the table ``name``, whose class or instance is ``table``."""
    keys = keys_of(table)
    values = {}
    for key, value in content.items():
        if key not in keys:
            raise ConfigError(f"{path}: there is no key {_shown(key)} in [{name}]{_key_hint(key, keys)}")
        values[key] = _relative_to(path.parent, _value(f"{path}: [{name}] {key}", keys[key], value))
    return values


def _read_named(name: str, content: Mapping[str, object], path: Path) -> dict[str, OperatorConfig]:
    """The tables in ``[name]``, each by its own name, casefolded."""
    kind = NAMED_TABLES[name]
    found: dict[str, OperatorConfig] = {}
    for own, table in content.items():
        full = f"{name}.{_shown(own)}"
        if not valid_nick(own):
            raise ConfigError(
                f"{path}: [{full}] has a name that can't be one: at most 32 ASCII letters, digits and -_[]\\^{{}}|`, "
                "with neither a digit nor a hyphen in front"
            )
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: [{full}] must be a table of keys, under a line [{full}] of its own")
        if casefold(own) in found:
            raise ConfigError(f"{path}: [{full}] is there twice: small and capital letters are the same in names")
        values = _read_keys(full, kind, table, path)
        for key in keys_of(kind):
            if key not in values:
                raise ConfigError(f"{path}: [{full}] needs a {key}")
        found[casefold(own)] = kind(**values)
    return found


def with_options(
    config: Config,
    *,
    hosts: Sequence[str] = (),
    port: int | None = None,
    cert: Path | None = None,
    key: Path | None = None,
    client_cert: str | None = None,
    data: Path | None = None,
    durability: str | None = None,
    guests: bool | None = None,
) -> Config:
    """``config`` with what the command line says instead; None and () are what it does not say.

    A certificate from the command line takes none but the command line's key with it, and not the file's authority:
    these belong to another.

    Raises:
        ConfigError: an option's value can't be one; it is named as ``--port`` and the like.
    """
    options: list[tuple[str, str, str, object]] = [
        ("listen", "host", "--host", list(hosts) or None),
        ("listen", "port", "--port", port),
        ("tls", "cert", "--cert", cert),
        ("tls", "key", "--key", key),
        ("tls", "client_cert", "--client-cert", client_cert),
        ("store", "data", "--data", data),
        ("store", "durability", "--durability", durability),
        ("accounts", "guests", "--guests", guests),
    ]
    if cert is not None:
        config = replace(config, tls=replace(config.tls, cert=None, key=None, ca=None))
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
    return _nearest(name, [*known, *NAMED_TABLES], "[{}]")


def _key_hint(key: str, keys: Mapping[str, Key]) -> str:
    for other, content in tables().items():
        if key in keys_of(content):
            return f"; {key} belongs under [{other}]"
    return _nearest(key, keys, "{}")


def _nearest(name: str, known: Iterable[str], form: str) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {form.format(near[0])}?" if near else ""


def _shown(text: str) -> str:
    """At most 60 characters, and none that drives a terminal."""
    cut = text if len(text) <= 60 else text[:59] + "…"
    return cut if cut.isprintable() else ascii(cut)
