"""Capabilities: the one list of them, and what CAP does to one session (IRCv3 Capability Negotiation)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from securechat.irc.errors import InvalidCapCommandError, NotEnoughParametersError
from securechat.irc.multiline import capability_value
from securechat.irc.split import fit, pack_words
from securechat.irc.words import encode


@dataclass(frozen=True, slots=True)
class Capability:
    """A capability: what it does for whoever enables it, and where it is specified.

    `value`: what stands behind its name in LS for those who understand values. `requires`: capabilities without which
    it does nothing; a client may enable them in any order, or one without the other. `ready`: whether all of it is
    there, so that it may be offered.
    """

    name: str
    about: str
    specification: str
    value: str = ""
    requires: tuple[str, ...] = ()
    ready: bool = True


_SPECS = "https://ircv3.net/specs/extensions/"

CAPABILITIES = {
    capability.name: capability
    for capability in (
        Capability("account-notify", "logins and logouts of those you share a channel with are told",
                   _SPECS + "account-notify"),
        Capability("account-tag", "messages carry the account of their sender", _SPECS + "account-tag"),
        Capability("away-notify", "who you share a channel with is told to be away, and back", _SPECS + "away-notify"),
        Capability("batch", "messages that belong together come as one batch", _SPECS + "batch"),
        Capability("cap-notify", "capabilities that come and go are announced", _SPECS + "capability-negotiation"),
        Capability("chghost", "a change of user name or host is told as one", _SPECS + "chghost"),
        Capability("draft/account-registration", "making an account with REGISTER, with an invitation or without",
                   _SPECS + "account-registration", value="before-connect"),
        Capability("draft/channel-rename", "a channel's new name is told with RENAME", _SPECS + "channel-rename"),
        Capability("draft/chathistory", "what was said before can be asked for; nothing of it comes by itself",
                   _SPECS + "chathistory"),
        Capability("draft/event-playback", "history has what happened, too, not only what was said",
                   _SPECS + "chathistory"),
        Capability("draft/extended-isupport", "005 comes as a batch, and ISUPPORT may be asked for before registration",
                   _SPECS + "extended-isupport"),
        Capability("draft/message-redaction", "messages that are taken back are told with REDACT",
                   _SPECS + "message-redaction", requires=("message-tags",)),
        Capability("draft/metadata-3", "keys and values of users and channels", _SPECS + "metadata",
                   requires=("batch",)),
        Capability("draft/multiline", "messages of several lines, as batches", _SPECS + "multiline",
                   value=capability_value(), requires=("batch",)),
        Capability("draft/no-implicit-names", "as no-implicit-names, by the name that it had before",
                   _SPECS + "no-implicit-names"),
        Capability("draft/pre-away", "AWAY may come before registration is finished", _SPECS + "pre-away"),
        Capability("draft/read-marker", "how far a conversation has been read is told to all your clients",
                   _SPECS + "read-marker"),
        Capability("echo-message", "your own messages come back, once they are kept", _SPECS + "echo-message"),
        Capability("extended-join", "JOIN carries account and real name", _SPECS + "extended-join"),
        Capability("extended-monitor", "MONITOR also tells what account-notify, away-notify, chghost and setname tell",
                   _SPECS + "extended-monitor"),
        Capability("invite-notify", "invitations of others to your channels are told", _SPECS + "invite-notify"),
        Capability("labeled-response", "answers carry the label of their question", _SPECS + "labeled-response",
                   requires=("batch",)),
        Capability("message-tags", "any tags, those of other clients, and TAGMSG", _SPECS + "message-tags"),
        Capability("multi-prefix", "NAMES and WHO show all prefixes of a member", _SPECS + "multi-prefix"),
        Capability("no-implicit-names", "a JOIN is not followed by NAMES", _SPECS + "no-implicit-names"),
        Capability("sasl", "logging in with AUTHENTICATE", _SPECS + "sasl-3.2", value="PLAIN"),
        Capability("securechat/client-id", "a message that is sent again under the same id is said once",
                   "#messages-that-are-said-once", requires=("message-tags",)),
        Capability("server-time", "messages carry the time at which they were said", _SPECS + "server-time"),
        Capability("setname", "new real names of those you share a channel with are told", _SPECS + "setname"),
        Capability("soju.im/search", "SEARCH finds what was said",
                   "https://codeberg.org/emersion/soju/src/branch/master/doc/ext/search.md"),
        Capability("standard-replies", "FAIL, WARN and NOTE where no numeric fits", _SPECS + "standard-replies"),
        Capability("userhost-in-names", "NAMES shows nick!user@host", _SPECS + "userhost-in-names"),
    )
}  # fmt: skip
"""All that we know of, by name."""

OFFERS: Mapping[str, str] = {name: capability.value for name, capability in CAPABILITIES.items() if capability.ready}
"""Name to value: what a `Negotiation` offers where the operator's configuration changes nothing."""

VALUES_VERSION = 302
"""The version of CAP LS that brought values, several lines and cap-notify; the highest there is."""


class Negotiation:
    """The capabilities of one session.

    - `enabled`: what the client has asked for and was granted; ask `has()` whether it can be used.
    - `version`: the highest number that the client has sent with LS; it never falls.
    - `negotiating`: registration waits, from the first LS or REQ to END. Means nothing once the client is registered.
    - `offers`: name to value of what there is to ask for; `offer()` changes it.

    The answers of all methods are lists of parameters, one list for each line: what follows `CAP <nick>`. A `room`
    is the bytes for these: 510 less `:<server> CAP <nick> `. A line with `ACK` still goes out as the session was
    before it.
    """

    def __init__(self, offers: Mapping[str, str] = OFFERS) -> None:
        self.offers = dict(offers)
        self.enabled: set[str] = set()
        self.version = 0
        self.negotiating = False

    def has(self, name: str) -> bool:
        """Whether `name` is in force: enabled, and with it what it depends on."""
        return name in self.enabled and all(needed in self.enabled for needed in CAPABILITIES[name].requires)

    def handle(self, params: list[str], room: int) -> list[list[str]]:
        """What to answer to a `CAP` with these parameters.

        Raises `InvalidCapCommandError` for a subcommand that clients don't send, or a REQ of nothing;
        `NotEnoughParametersError` for a CAP without any.
        """
        if not params:
            raise NotEnoughParametersError("CAP")
        subcommand = params[0].upper()
        if subcommand == "LS":
            self.negotiating = True
            return self._list_offers(params[1] if len(params) > 1 else "", room)
        if subcommand == "LIST":
            return _lines("LIST", sorted(self.enabled), room, several=self.version >= VALUES_VERSION)
        if subcommand == "REQ" and len(params) > 1:
            self.negotiating = True
            # One parameter by the book. A client that forgot its colon means the same.
            return self._request(" ".join(params[1:]), room)
        if subcommand == "END":
            self.negotiating = False
            return []
        raise InvalidCapCommandError(params[0])

    def offer(self, offers: Mapping[str, str], room: int) -> list[list[str]]:
        """Offer these from now on. The answer tells the client what is new, has another value, or is gone.

        What is gone is no longer enabled. Clients that did not ask to be told are told nothing.
        """
        gone = [name for name in self.offers if name not in offers]
        values = self.version >= VALUES_VERSION
        new = [name for name in offers if name not in self.offers or (values and offers[name] != self.offers[name])]
        told = "cap-notify" in self.enabled
        self.offers = dict(offers)
        if values:
            gone = [name for name in gone if name != "cap-notify"]  # is not ours to take back
        self.enabled.difference_update(gone)
        if not told:
            return []
        lines = [["DEL", " ".join(names)] for names in pack_words(gone, room - len("DEL :"))]
        shown = (_with_value(name, offers) if values else name for name in new)
        return lines + [["NEW", " ".join(names)] for names in pack_words(shown, room - len("NEW :"))]

    def _list_offers(self, number: str, room: int) -> list[list[str]]:
        """The answer to LS: in the form for the version asked for now, whatever was asked before.

        The one line of those who know no other may be too short for all. Then it is drafts that are missing.
        """
        asked = int(number) if number.isascii() and number.isdigit() else 0
        self.version = max(self.version, asked)
        if asked < VALUES_VERSION:
            return _lines("LS", sorted(self.offers, key=lambda name: "/" in name), room, several=False)
        self.enabled.add("cap-notify")  # which 302 implies
        return _lines("LS", (_with_value(name, self.offers) for name in self.offers), room, several=True)

    def _request(self, request: str, room: int) -> list[list[str]]:
        """The answer to REQ: all of it, from left to right, or nothing.

        The answer repeats the request as it came. If that is too long for a line it comes in several, all ACK or
        all NAK, and a word that is too long by itself, which can't be a capability, is cut.
        """
        enabled = set(self.enabled)
        words = [word for word in request.split(" ") if word]
        verdict = "ACK"
        for word in words:
            name = word.removeprefix("-")
            implied = name == "cap-notify" and self.version >= VALUES_VERSION
            if (name not in self.offers and not implied) or (implied and name != word):
                verdict = "NAK"
                break
            if name == word:
                enabled.add(name)
            else:
                enabled.discard(name)
        if verdict == "ACK":
            self.enabled = enabled
        room -= len("ACK :")
        request = request.rstrip(" ")
        if len(encode(request)) <= room:
            return [[verdict, request]]
        return [[verdict, " ".join(part)] for part in pack_words((fit(word, room) for word in words), room)]


def _with_value(name: str, offers: Mapping[str, str]) -> str:
    return f"{name}={offers[name]}" if offers[name] else name


def _lines(subcommand: str, words: Iterable[str], room: int, *, several: bool) -> list[list[str]]:
    """The words as the lines of LS or LIST, all but the last marked with `*`.

    A client that does not know about several lines gets one, with what fits into it.
    """
    lines = [" ".join(part) for part in pack_words(words, room - len(f"{subcommand} * :"))] or [""]
    if not several:
        return [[subcommand, lines[0]]]
    return [[subcommand, "*", line] for line in lines[:-1]] + [[subcommand, lines[-1]]]
