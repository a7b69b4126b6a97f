"""What clients are shown that do not know a newer way to be told: somebody leaves and comes in again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from securechat.chat.events import ChannelRenamed, HostChanged
from securechat.irc.names import casefold
from securechat.server.lines import AWAY_NOTIFY, RENAME, fitted, join_body, tags_of

__all__ = ["reentry", "renamed"]


def reentry(event: HostChanged, session: int, flavour: int, line: Callable[[str], bytes]) -> Iterator[bytes]:
    """QUIT, and a JOIN for each channel that ``session`` shares with who has another host (IRCv3 chghost, "Fallback").

    ``line``: makes a line from the server.
    """
    nick = event.source.partition("!")[0]
    tags = tags_of(flavour, event.stamp, event.account, bot=event.bot).encode()
    yield tags + fitted(f":{event.source} QUIT :Changing host")
    tags = tags_of(flavour & ~1, event.stamp, event.account, bot=event.bot).encode()
    for channel, modes, audience in event.places:
        if session in audience:
            body = join_body(channel, event.account, event.realname, flavour)
            yield tags + fitted(f":{nick}!{event.username}@{event.host} {body}")
            if modes:
                yield line(f"MODE {channel} +{modes} {' '.join([nick] * len(modes))}")
    if event.away is not None and flavour & AWAY_NOTIFY:
        yield tags + fitted(f":{nick}!{event.username}@{event.host} AWAY :{event.away}")


def renamed(event: ChannelRenamed, source: str, account: str | None, realname: str, flavour: int) -> list[bytes]:
    """What one member is told, whose own source is ``source``: one line, or two that are followed by topic and names.

    Who does not know RENAME is told nothing where only the case has changed.
    """
    tags = tags_of(flavour, event.stamp, event.account, bot=event.bot).encode()
    if flavour & RENAME:
        return [tags + fitted(f":{event.source} RENAME {event.old} {event.channel} :{event.reason}")]
    if casefold(event.old) == casefold(event.channel):
        return []
    own = tags_of(flavour & ~1, event.stamp, account).encode()
    leave = f"PART {event.old} :{event.reason}" if event.reason else f"PART {event.old}"
    return [
        own + fitted(f":{source} {leave}"),
        own + fitted(f":{source} {join_body(event.channel, account, realname, flavour)}"),
    ]
