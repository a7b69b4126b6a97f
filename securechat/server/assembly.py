"""Everything of a server that works without a network."""

from __future__ import annotations

from securechat.server.config import Config
from securechat.server.delivery import Delivery
from securechat.server.hub import Hub
from securechat.server.log import EventLog
from securechat.store.clock import Stamps
from securechat.store.database import Database
from securechat.store.datadir import DataDir
from securechat.store.journal import Journal
from securechat.store.passwords import Hasher

__all__ = ["build_hub"]


def build_hub(config: Config, data: DataDir, log: EventLog) -> Hub:
    """Everything that works without a network: the store, the chat, the journal.

    The data directory must be locked. Raises :class:`StoreUnusable`.
    """
    database = Database(data.database, config.store.durability)
    chat, last = database.load()
    hub = Hub(config, chat, database, Hasher(), log)
    delivery = Delivery(hub.sessions, hub.monitors, hub.whowas, hub.on_error)
    hub.journal = Journal(chat, database, Stamps(last), delivery.deliver, hub.on_error)
    return hub
