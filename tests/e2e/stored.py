"""What is in a server's database, read from the file itself."""

import contextlib
import sqlite3

from securechat.store.rows import Kind
from tests.e2e.servers import Place


def logged_events(place: Place) -> list[tuple[Kind, str, str, str]]:
    """The log, in its order: the kind of each event, the nick of who did it, the target, the text."""
    # Not read-only: after a kill the WAL has to be recovered, as a start of the server would do.
    with contextlib.closing(sqlite3.connect(place.data.database)) as database:
        rows = database.execute("SELECT kind, source, target, text FROM log ORDER BY stamp").fetchall()
    return [(Kind(kind), source.partition("!")[0], target, text) for kind, source, target, text in rows]


def logged_texts(place: Place) -> list[str]:
    """What was said, in its order."""
    return [text for kind, _, _, text in logged_events(place) if kind == Kind.PRIVMSG]
