"""The tables of the configuration file, each a class whose fields are its keys; of what is kept: `config_kept`.

A field's annotation carries its `Key`: how a value is read, and the help that stands above it in the example.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from securechat.server import config_kinds as kinds
from securechat.server.config_kinds import Key

__all__ = [
    "AccountsConfig",
    "AdminConfig",
    "ClientCert",
    "InvitationsConfig",
    "Limits",
    "ListenConfig",
    "OperatorConfig",
    "ServerConfig",
    "TLSConfig",
]

ClientCert = Literal["required", "optional", "off"]

_SECONDS: Final = kinds.number(0.1, 86_400, "seconds")


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
    client_tags_denied: Annotated[
        tuple[str, ...],
        Key(
            kinds.client_tags,
            "Client-only tags that are not passed on, without their +: names like typing, or * for all, behind which "
            "-name excepts one.",
        ),
    ] = ()


@dataclass(frozen=True, slots=True)
class AdminConfig:
    """Who runs the server, for the command ADMIN."""

    location: Annotated[
        str | None, Key(kinds.line, "Where it is.", 'location = "Berlin, in the cellar of the club house"')
    ] = None
    organisation: Annotated[
        str | None, Key(kinds.line, "Whose it is.", 'organisation = "The chess club of Example"')
    ] = None
    email: Annotated[
        str | None,
        Key(kinds.line, "The address at which its administrators read mail.", 'email = "chat@example.org"'),
    ] = None


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
    """Certificates. They are read again by themselves when their files change."""

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
    client_cert: Annotated[
        ClientCert,
        Key(
            kinds.choice("required", "optional", "off"),
            "Whether clients show a certificate of their own. optional: those that have one can log in with it. "
            "required: nobody comes without one, and it has to be that of the account which logs in. off: they are not "
            "asked for one.",
        ),
    ] = "optional"
    ca: Annotated[
        Path | None,
        Key(
            kinds.path,
            "The authority that signed the server's certificate, for those who come for the first time. By default "
            "ca.pem beside the certificate, if it is there and did sign that; with a public authority none is needed. "
            "What it has revoked, and the authorities before it, are in ca.crl and ca-history.pem beside it.",
            'ca = "certs/ca.pem"',
        ),
    ] = None
    client_ca: Annotated[
        Path | None,
        Key(
            kinds.path,
            "The authority that signs certificates for clients. By default client-ca.pem beside the certificate, if it "
            "is there. What it has revoked is in client-ca.crl beside it.",
            'client_ca = "certs/client-ca.pem"',
        ),
    ] = None
    client_ca_key: Annotated[
        Path | None,
        Key(
            kinds.path,
            "Its private key, with which the server signs certificates for people who are logged in. By default "
            "client-ca.key beside the authority, if it is there; without it the server signs none.",
            'client_ca_key = "certs/client-ca.key"',
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class AccountsConfig:
    """Who may come."""

    guests: Annotated[
        bool, Key(kinds.flag, "Whether people without an account may come. They can't take an account's nick.")
    ] = False
    registration: Annotated[
        bool, Key(kinds.flag, "Whether people may make accounts themselves (draft/account-registration).")
    ] = False
    scram: Annotated[
        bool,
        Key(
            kinds.flag,
            "Whether people may log in with SASL SCRAM-SHA-256 too, with passwords that are set from then on. For that "
            "a second hash of each is kept (PBKDF2): whoever steals the database can try passwords on it faster than "
            "on the first. Needs pip install 'securechat[scram]'.",
        ),
    ] = False
    remember_logins: Annotated[
        int,
        Key(
            kinds.whole(0, 86_400),
            "Seconds after the end of a connection in which its login costs no hash again, so that all can come back "
            "at once after a network fault. Passwords are not kept for that. 0: every login costs one.",
        ),
    ] = 600


@dataclass(frozen=True, slots=True)
class InvitationsConfig:
    """Where the links of `securechat invite` lead to. Not needed where people reach the server as it sees itself."""

    host: Annotated[
        str | None,
        Key(
            kinds.reachable,
            "The name or address by which others reach the server. By default the first name in its certificate that "
            "is not this machine only.",
            'host = "chat.example.org"',
        ),
    ] = None
    port: Annotated[
        int | None,
        Key(
            kinds.whole(1, 65_535),
            "The port, if it is another than the one on which the server listens: behind a router, for example.",
            "port = 6697",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class OperatorConfig:
    """An operator of the chat besides its administrators: whoever says OPER with the table's NAME and the password."""

    password: Annotated[
        str,
        Key(
            kinds.password_hash,
            "The hash of the password, as `securechat user hash` prints it; the password of this one nobody knows. Let "
            "nobody else read this file if it holds one.",
            'password = "$argon2id$v=19$m=19456,t=2,p=1'
            '$TonYJAOufpX/eZbJt5O6eQ$vTXYbYZ2NrFkb0xZxFZSwAVS1wPvtGvDyNPadDiKC+0"',
            secret=True,
        ),
    ] = field(repr=False)


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
    channels_per_user: Annotated[int, Key(kinds.whole(1, 10_000), "Channels in which one user can be at a time.")] = 100
    channels_founded: Annotated[
        int,
        Key(
            kinds.whole(1, 100_000),
            "Channels that can belong to one account. They last, also when they are empty, until it gives them up.",
        ),
    ] = 1000
    sessions_per_user: Annotated[int, Key(kinds.whole(1, 1_000), "Connections of one account at a time.")] = 32
    held_per_account: Annotated[
        int,
        Key(
            kinds.whole(0, 1_000_000),
            "Private messages that are kept for an account which is not there; guests can leave a tenth of them.",
        ),
    ] = 1000
    topic_length: Annotated[int, Key(kinds.whole(1, 307), "Of a channel's topic, in bytes.")] = 307
    away_length: Annotated[int, Key(kinds.whole(1, 300), "Of why somebody is away, in bytes.")] = 200
    kick_length: Annotated[int, Key(kinds.whole(1, 280), "Of why somebody was kicked out, in bytes.")] = 200
    realname_length: Annotated[int, Key(kinds.whole(1, 150), "Of a real name, in bytes.")] = 150
    list_entries: Annotated[
        int, Key(kinds.whole(1, 1_000), "Bans, exceptions and standing invitations of one channel, together.")
    ] = 100
    modes: Annotated[int, Key(kinds.whole(1, 13), "Changes with a parameter in one MODE.")] = 6
    monitor: Annotated[int, Key(kinds.whole(1, 10_000), "Nicks that one connection can watch with MONITOR.")] = 100
    devices: Annotated[
        int, Key(kinds.whole(1, 1_000), "Devices with a name (alice@phone) of one account; more forget the oldest.")
    ] = 32
    read_markers: Annotated[
        int, Key(kinds.whole(1, 100_000), "Conversations of which one user's read marker is kept (draft/read-marker).")
    ] = 1000
    search_results: Annotated[int, Key(kinds.whole(1, 1_000), "Messages that one SEARCH finds.")] = 100
    silence: Annotated[int, Key(kinds.whole(1, 1_000), "Entries of one user's list of whom they ignore.")] = 64
    metadata_keys: Annotated[
        int, Key(kinds.whole(1, 1_000), "Metadata keys that one user, or one channel, can have.")
    ] = 30
    metadata_value_length: Annotated[int, Key(kinds.whole(1, 300), "Of the value of one of them, in bytes.")] = 300
    metadata_subscriptions: Annotated[
        int, Key(kinds.whole(1, 1_000), "Metadata keys that one connection can subscribe to.")
    ] = 50
    multiline_max_bytes: Annotated[
        int, Key(kinds.whole(512, 1024 * 1024), "Bytes of one message of several lines (draft/multiline).")
    ] = 4096
    multiline_max_lines: Annotated[int, Key(kinds.whole(2, 1_000), "Lines of one such message.")] = 24
    multiline_timeout: Annotated[float, Key(_SECONDS, "Seconds that a client has to send all of them.")] = 30.0
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
