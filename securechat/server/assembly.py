"""Everything of a server that works without a network."""

from __future__ import annotations

from securechat.chat.stamps import STEP_BITS
from securechat.server.config import Config
from securechat.server.delivery import Delivery
from securechat.server.hub import Hub
from securechat.server.log import EventLog
from securechat.server.searching import Searching
from securechat.store.clock import Stamps
from securechat.store.database import Database
from securechat.store.datadir import DataDir
from securechat.store.history import History
from securechat.store.journal import Entry, Journal
from securechat.store.passwords import Hasher

__all__ = ["build_hub"]


UNSEEN = 10_000 << STEP_BITS
"""Ten seconds, in stamps. Of a server that ended without a word nobody knows what its clients have seen of the last
moments; they are shown that again."""


def build_hub(config: Config, data: DataDir, log: EventLog) -> Hub:
    """Everything that works without a network: the store, the chat, the journal.

    The data directory must be locked. Raises :class:`StoreUnusable`.
    """
    database = Database(data.database, config.store.durability)
    chat, last = database.load()
    hub = Hub(config, chat, database, Hasher(), log)
    hub.history = History(data.database)
    hub.seen = max(last - UNSEEN, 0)
    delivery = Delivery(hub.sessions, hub.monitors, hub.whowas, hub.login_cache, hub.on_error)
    deliver = delivery.deliver
    if config.search.enabled:
        searching = hub.searching = Searching(data.database, data.search, last, lambda: hub.cores, hub.on_error)

        def deliver(batch: list[Entry]) -> None:
            delivery.deliver(batch)
            searching.committed()

    hub.journal = Journal(chat, database, Stamps(last), deliver, hub.on_error)
    return hub
