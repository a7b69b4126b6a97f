"""What the servers of these tests offer."""

from typing import Final

from securechat.irc.caps import OFFERS

KEEPING: Final = ("draft/chathistory", "draft/message-redaction", "draft/read-marker", "securechat/client-id")
"""The capabilities of a server that keeps what was said."""

PLAIN: Final = {name: value for name, value in OFFERS.items() if name not in (*KEEPING, "soju.im/search")}
"""All capabilities of a modern server that keeps nothing."""
