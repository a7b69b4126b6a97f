"""What the server supports, as the tokens of 005 say it (Modern IRC, "RPL_ISUPPORT Parameters")."""

from __future__ import annotations

from collections.abc import Mapping

from securechat.chat import modes
from securechat.chat.metadata import MAX_KEY
from securechat.irc.caps import OFFERS
from securechat.irc.extban import ACCOUNTEXTBAN, EXTBAN
from securechat.irc.lines import MAX_LINE
from securechat.irc.multiline import BATCH_TYPE, capability_value
from securechat.irc.names import MAX_CHANNEL, MAX_NICK
from securechat.irc.sasl import External, Plain
from securechat.server.config import Config
from securechat.server.scram_exchange import Scram

__all__ = ["MAX_USERNAME", "client_tag_deny", "isupport", "mechanisms", "offers"]

MAX_USERNAME = 20
MAX_HOST = 64
MAX_JOIN_KEY = 32


def isupport(config: Config) -> dict[str, str]:
    """The tokens, name to value, that a server with this configuration sends."""
    limits = config.limits
    several = f":{limits.targets}"
    targets = {
        "JOIN": ":", "KICK": several, "LIST": ":", "NAMES": ":", "NOTICE": several, "PART": ":",
        "PRIVMSG": several, "TAGMSG": several, "WHOIS": ":1", "WHOWAS": ":1",
    }  # fmt: skip
    tokens = {
        "ACCOUNTEXTBAN": ACCOUNTEXTBAN,
        "AWAYLEN": str(limits.away_length),
        "BOT": "B",
        "CASEMAPPING": "ascii",
        "CHANLIMIT": f"#:{limits.channels_per_user}",
        "CHANMODES": modes.chanmodes(),
        "CHANNELLEN": str(MAX_CHANNEL),
        "CHANTYPES": "#",
        "CHATHISTORY": str(config.history.page),
        "CLIENTTAGDENY": client_tag_deny(config),
        "ELIST": "CMNTU",
        "EXCEPTS": "e",
        "EXTBAN": EXTBAN,
        "HOSTLEN": str(MAX_HOST),
        "INVEX": "I",
        "KEYLEN": str(MAX_JOIN_KEY),
        "KICKLEN": str(limits.kick_length),
        "LINELEN": str(MAX_LINE),
        "MAXLIST": f"{modes.LISTS}:{limits.list_entries}",
        "MODES": str(limits.modes),
        "MONITOR": str(limits.monitor),
        "MSGREFTYPES": "msgid,timestamp",
        "NAMELEN": str(limits.realname_length),
        "NETWORK": config.server.network,
        "NICKLEN": str(MAX_NICK),
        "PREFIX": modes.prefix(),
        "SAFELIST": "",
        "SILENCE": str(limits.silence),
        "STATUSMSG": modes.prefix().partition(")")[2],
        "TARGMAX": ",".join(command + number for command, number in targets.items()),
        "TOPICLEN": str(limits.topic_length),
        "USERLEN": str(MAX_USERNAME),
        "UTF8ONLY": "",
        "WHOX": "",
    }
    if not tokens["CLIENTTAGDENY"]:
        del tokens["CLIENTTAGDENY"]
    if not config.accounts.guests:
        tokens["draft/ACCOUNTREQUIRED"] = ""
    return tokens


def offers(config: Config) -> Mapping[str, str]:
    """The capabilities, name to value, that a server with this configuration offers."""
    limits = config.limits
    multiline = capability_value(limits.multiline_max_bytes, limits.multiline_max_lines)
    metadata = (
        f"before-connect,max-subs={limits.metadata_subscriptions},max-keys={limits.metadata_keys},"
        f"max-key-bytes={MAX_KEY},max-value-bytes={limits.metadata_value_length}"
    )
    offered = {**OFFERS, BATCH_TYPE: multiline, "draft/metadata-3": metadata, "sasl": ",".join(mechanisms(config))}
    if not config.search.enabled:
        del offered["soju.im/search"]
    if config.accounts.guests:
        offered["draft/account-registration"] += ",custom-account-name"  # elsewhere one's nick is the account's name
    return offered


def mechanisms(config: Config) -> tuple[str, ...]:
    """The mechanisms of SASL that a server with this configuration offers."""
    names = [Plain.name]
    if config.tls.client_cert != "off":
        names.append(External.name)
    if config.accounts.scram:
        names.append(Scram.name)
    return tuple(names)


def client_tag_deny(config: Config) -> str:
    """Which client-only tags are not passed on (Message Tags, "CLIENTTAGDENY"); ``""``: all are."""
    return ",".join(config.server.client_tags_denied)
