"""A server of the tests that keeps what was said: CHATHISTORY, MARKREAD, REDACT, SEARCH, and each message once.

`break_after`: texts of messages after which the connection is dropped when they are stored, and before their echo.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from securechat.irc.message import Message
from securechat.irc.names import casefold
from securechat.irc.tags import parse_tags
from tests.client.offers import KEEPING, PLAIN
from tests.client.support import Peer, Session

BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)

ALL = PLAIN | dict.fromkeys((*KEEPING, "soju.im/search"), "")
"""What it offers."""


@dataclass(frozen=True)
class Stored:
    """A message that was said."""

    number: int
    source: str
    command: str
    target: str
    text: str
    redacted: str = ""

    @property
    def nick(self) -> str:
        return self.source.partition("!")[0]

    @property
    def time(self) -> str:
        return moment(self.number)

    def lines(self) -> list[str]:
        said = f"@time={self.time};msgid=m{self.number} :{self.source} {self.command} {self.target} :{self.text}"
        return [said, f":{self.redacted} REDACT {self.target} m{self.number} :gone"] if self.redacted else [said]


def moment(number: float) -> str:
    """The time of the message with this number: one each second."""
    return (BEGIN + timedelta(seconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Archive(Peer):
    """It gives pages of at most `limit` messages."""

    def __init__(self, certificate: Path, offers: Mapping[str, str] = ALL, *, limit: int = 10) -> None:
        super().__init__(certificate, offers)
        self.limit = limit
        self.stored: list[Stored] = []
        self.ids: dict[str, Stored] = {}
        self.markers: dict[str, str] = {}
        self.break_after: set[str] = set()

    def put(self, source: str, target: str, text: str, command: str = "PRIVMSG") -> Stored:
        """Something is said, and told to nobody."""
        stored = Stored(len(self.stored) + 1, source, command, target, text)
        self.stored.append(stored)
        return stored

    def tell(self, source: str, target: str, text: str) -> Stored:
        """Something is said, and told to all who are in the channel."""
        with self._lock:
            stored = self.put(source, target, text)
            for session in self.channels.get(casefold(target), {}):
                session.send(*stored.lines())
            return stored

    def drop_all(self) -> None:
        """Cut all connections."""
        with self._lock:
            for session in self._sessions:
                session.drop()

    def _welcome(self, session: Session) -> list[str]:
        lines = super()._welcome(session)
        more = f":test.example 005 {session.nick} CHATHISTORY={self.limit} MSGREFTYPES=msgid,timestamp :are supported"
        return [*lines[:2], more, *lines[2:]] if lines else []

    def _on_join(self, session: Session, message: Message) -> list[str]:
        lines = super()._on_join(session, message)
        time = moment(len(self.stored) + 0.5)
        if not lines:
            return []
        marker = self.markers.get(casefold(message.params[0]), "*")
        return [f"@time={time} {lines[0]}", f":test.example MARKREAD {message.params[0]} {marker}", *lines[1:]]

    def _on_privmsg(self, session: Session, message: Message) -> list[str] | None:
        target, text = message.params
        if "batch" in message.tags:
            return super()._on_privmsg(session, message)
        if target.startswith("#") and session not in self.channels.get(casefold(target), {}):
            return [f":test.example 404 {session.nick} {target} :Cannot send to channel"]
        client_id = message.tags.get("securechat/client-id", "")
        before = self.ids.get(client_id)
        stored = before or self.put(session.source, target, text, message.command)
        if client_id:
            self.ids[client_id] = stored
        if before is None:
            self.said.append(text)
            if target.startswith("#"):
                self._to_all(session, stored.lines()[0], target)
        if text in self.break_after:
            self.break_after.discard(text)
            session.drop()
            return None
        return [stored.lines()[0]]

    _on_notice = _on_privmsg

    def _on_batch(self, session: Session, message: Message) -> None:
        """As a message of which the lines stand behind each other, which is enough here."""
        if message.params[0].startswith("+"):
            session.lines, session.opening = [], message
            return
        opening = session.opening
        text = "\n".join(line.params[1] for line in session.lines)
        client_id = opening.tags["securechat/client-id"]
        if client_id not in self.ids:
            self.ids[client_id] = self.put(session.source, opening.params[2], text)
            self.said.append(text)
        stored = self.ids[client_id]
        if text in self.break_after:
            self.break_after.discard(text)
            session.drop()
            return
        reference, target = opening.params[0][1:], opening.params[2]
        session.send(
            f"@label={opening.tags['label']};time={stored.time};msgid=m{stored.number} "
            f":{session.source} BATCH +{reference} draft/multiline {target}",
            *(f"@batch={reference} :{session.source} PRIVMSG {target} :{line}" for line in text.split("\n")),
            f":{session.source} BATCH -{reference}",
        )

    def _on_chathistory(self, session: Session, message: Message) -> list[str] | None:
        subcommand, *params = message.params
        limit = min(int(params[-1]), self.limit)
        if subcommand == "TARGETS":
            self._page(session, message, "draft/chathistory-targets", self._targets(session, params[:2], limit))
            return None
        target = params[0]
        found = [one for one in self.stored if self._belongs(one, session.nick, target)]
        match subcommand, [self._number(reference) for reference in params[1:-1]]:
            case "LATEST", [lower]:
                found = [one for one in found if one.number > lower][-limit:]
            case "BEFORE", [upper]:
                found = [one for one in found if one.number < upper][-limit:]
            case "BETWEEN", [upper, lower]:
                assert upper > lower
                found = [one for one in found if lower < one.number < upper][-limit:]
            case _:
                return [f"FAIL CHATHISTORY INVALID_PARAMS {subcommand} :Unknown command"]
        self._page(session, message, "chathistory " + target, [line for one in found for line in one.lines()])
        return None

    def _page(self, session: Session, message: Message, kind: str, lines: list[str]) -> None:
        label = message.tags["label"]
        inside = [f"@batch=h{label};{line[1:]}" if line[0] == "@" else f"@batch=h{label} {line}" for line in lines]
        session.send(f"@label={label} :test.example BATCH +h{label} {kind}", *inside, f":test.example BATCH -h{label}")

    def _belongs(self, one: Stored, nick: str, target: str) -> bool:
        if target.startswith("#"):
            return casefold(one.target) == casefold(target)
        return {casefold(one.nick), casefold(one.target)} == {casefold(nick), casefold(target)}

    def _number(self, reference: str) -> float:
        """The number of a message, or one between two for a moment."""
        kind, _, value = reference.partition("=")
        if kind == "msgid":
            return float(value[1:])
        if kind == "timestamp":
            return (datetime.fromisoformat(value) - BEGIN).total_seconds()
        return 0.0

    def _targets(self, session: Session, bounds: list[str], limit: int) -> list[str]:
        upper, lower = map(self._number, bounds)
        last: dict[str, Stored] = {}
        for one in self.stored:
            private = not one.target.startswith("#")
            if private and casefold(session.nick) in (casefold(one.nick), casefold(one.target)):
                last[one.target if one.nick == session.nick else one.nick] = one
        found = [(one.number, name) for name, one in last.items() if lower < one.number < upper]
        return [f":test.example CHATHISTORY TARGETS {name} {moment(number)}" for number, name in sorted(found)[-limit:]]

    def _on_markread(self, session: Session, message: Message) -> list[str]:
        target, *value = message.params
        if value:
            self.markers[casefold(target)] = max(value[0], self.markers.get(casefold(target), ""))
        return [f":test.example MARKREAD {target} {self.markers.get(casefold(target), '*')}"]

    def _on_redact(self, session: Session, message: Message) -> list[str]:
        target, msgid, *reason = message.params
        index = int(msgid[1:]) - 1
        self.stored[index] = replace(self.stored[index], text="", redacted=session.source)
        line = f":{session.source} REDACT {target} {msgid} :{' '.join(reason)}"
        if target.startswith("#"):
            self._to_all(session, line, target)
        return [line]

    def _on_search(self, session: Session, message: Message) -> None:
        wanted = parse_tags(message.params[0])
        found = [one for one in self.stored if wanted.get("text", "") in one.text]
        self._page(session, message, "soju.im/search", [line for one in found for line in one.lines()])
