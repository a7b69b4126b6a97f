"""How it stands with the connection and what is shown, in sentences for whoever sits at this end.

They are not lines of the chat: a screen shows them as its own words, a pipe on standard error.
"""

from collections.abc import Callable
from typing import Final

from securechat.client.events import (
    Broken,
    Event,
    LoginWaiting,
    MissedMore,
    NewSince,
    NoHistory,
    Resumed,
    Unsaid,
)
from securechat.client.safe import safe_name, safe_text


def sentence(event: Event) -> str | None:
    """The sentence for an event, safe to be printed; None for one that is of another kind."""
    tell = _SENTENCES.get(type(event))
    return tell(event) if tell else None


def _broken(event: Broken) -> str:
    why = safe_text(str(event.error))
    if event.delay < 1:
        return f"{why}; connecting again"
    seconds = round(event.delay)
    return f"{why}; the next try is in {seconds} {'second' if seconds == 1 else 'seconds'}"


def _waiting(event: LoginWaiting) -> str:
    if event.before == 0:
        return "waiting: your login is next"
    return f"waiting: {event.before:,} {'login is' if event.before == 1 else 'logins are'} before yours"


def _resumed(_: Resumed) -> str:
    return "connected again"


def _missed_more(event: MissedMore) -> str:
    return f"more was said in {safe_name(event.target)} meanwhile; these are the last of it"


def _new_since(event: NewSince) -> str:
    where = "in" if event.target.startswith(("#", "&")) else "from"
    return f"new {where} {safe_name(event.target)} since you were last here"


def _no_history(event: NoHistory) -> str:
    return f"what was said in {safe_name(event.target)} can't be shown: {safe_text(event.text)}"


def _unsaid(event: Unsaid) -> str:
    text = safe_text(event.text.replace("\n", " "))
    return f"nobody knows whether the server has this; say it again if it is missing: {text}"


_SENTENCES: Final[dict[type[Event], Callable[..., str]]] = {
    Broken: _broken,
    LoginWaiting: _waiting,
    MissedMore: _missed_more,
    NewSince: _new_since,
    NoHistory: _no_history,
    Resumed: _resumed,
    Unsaid: _unsaid,
}
