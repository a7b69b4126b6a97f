"""The client's side of CAP: ask for what is offered and understood (IRCv3 Capability Negotiation)."""

from collections.abc import Iterable
from typing import Final

from securechat.irc.message import Message

CLIENT_ID: Final = "securechat/client-id"
"""The capability, and the tag with the id that a client gives its message, so that it is stored once (ours)."""

SEARCH: Final = "soju.im/search"
"""The capability, and the type of the batch that answers (soju's `search` extension)."""

HISTORY: Final = "draft/chathistory"
"""The capability for asking what was said; who has it is shown nothing of that by itself."""

_WHOLE_HISTORY: Final = frozenset((HISTORY, "batch", "message-tags", "server-time"))

WANTED = (
    "account-notify",
    "account-tag",
    "away-notify",
    "batch",
    "cap-notify",
    "chghost",
    "draft/channel-rename",
    HISTORY,
    "draft/message-redaction",
    "draft/multiline",
    "draft/read-marker",
    "echo-message",
    "extended-join",
    "invite-notify",
    "labeled-response",
    "message-tags",
    "multi-prefix",
    "sasl",
    CLIENT_ID,
    "server-time",
    "setname",
    SEARCH,
    "standard-replies",
    "userhost-in-names",
)
"""What this client understands and asks for wherever it is offered."""


class Capabilities:
    """What the server offers of `WANTED` (name to value), and what of it is in force (`enabled`).

    `later`: what of it is not asked for by itself, but with `ask`.
    """

    def __init__(self, wanted: Iterable[str] = WANTED, *, later: Iterable[str] = ()) -> None:
        self._wanted = frozenset(wanted)
        self._later = frozenset(later)
        self.offered: dict[str, str] = {}
        self.enabled: set[str] = set()
        self.listed = False
        self._asked: list[list[str]] = []  # the requests that are not answered, oldest first

    @property
    def settled(self) -> bool:
        """Whether the server has told all that it offers and answered all that was asked."""
        return self.listed and not self._asked

    @property
    def labels(self) -> bool:
        """Whether answers carry the label of what was asked: labeled-response does nothing without batch."""
        return {"labeled-response", "batch"} <= self.enabled

    @property
    def history(self) -> bool:
        """Whether one may ask what was said (IRCv3 chathistory, with all that full support of it takes)."""
        return self.enabled >= _WHOLE_HISTORY

    def start(self) -> Message:
        """The question with which it begins."""
        return Message("CAP", ["LS", "302"])

    def handle(self, params: list[str]) -> list[Message]:
        """What to say to a CAP of the server (`<nick> <subcommand> [*] :<names>`). What makes no sense is ignored."""
        if len(params) < 3:
            return []
        subcommand = params[1].upper()
        names = params[-1].split()
        if subcommand == "LS":
            self._offer(names)
            if params[2] == "*" and len(params) > 3:  # there is more to come
                return []
            self.listed = True
            return self.ask(self.offered.keys() - self._later)
        if subcommand == "NEW":
            return self.ask(set(self._offer(names)) - self._later)
        if subcommand == "DEL":
            self.enabled.difference_update(names)
            for name in names:
                self.offered.pop(name, None)
        elif subcommand == "ACK":
            self._granted(names)
        elif subcommand == "NAK" and self._asked:
            # All or nothing is the rule; so one that the server has changed its mind about must not cost the others.
            refused = self._asked.pop(0)
            if len(refused) > 1:
                return [message for name in refused for message in self.ask([name])]
        return []

    def _offer(self, names: list[str]) -> list[str]:
        """Take over what is offered, with its value; the names of what is wanted of it."""
        pairs = [name.partition("=") for name in names]
        known = {name: value for name, _, value in pairs if name in self._wanted}
        self.offered.update(known)
        return list(known)

    def ask(self, names: Iterable[str]) -> list[Message]:
        """The request for those of these that the server offers and that are not in force."""
        request = sorted(name for name in names if name in self.offered and name not in self.enabled)
        if not request:
            return []
        self._asked.append(request)
        return [Message("CAP", ["REQ", " ".join(request)])]

    def _granted(self, names: list[str]) -> None:
        self.enabled.update(name for name in names if name in self._wanted)
        self.enabled.difference_update(name[1:] for name in names if name.startswith("-"))
        # A server may grant one request in several lines.
        if self._asked:
            self._asked[0] = [name for name in self._asked[0] if name not in names]
            if not self._asked[0]:
                del self._asked[0]
