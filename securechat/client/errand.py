"""Something that is to be done for an account, beside the chat: log in, do it, leave.

It stops at the login and never arrives: nobody sees the account come into its channels and go, and the server does not
take what was said meanwhile for seen.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from securechat.client.connection import Client
from securechat.client.door import Door
from securechat.client.events import Event
from securechat.client.saved_door import SavedDoor


@contextmanager
def errand(door: Door, on_event: Callable[[Event], None] = lambda _: None) -> Iterator[Client]:
    """A client that has logged in by `door`. Raises what `Client.connect` raises."""
    client = Client(on_event, arrives=False)
    door.open(client, ())
    try:
        yield client
    finally:
        client.leave()
        if isinstance(door, SavedDoor):
            door.finish()
