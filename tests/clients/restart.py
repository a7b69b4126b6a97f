"""A server that stops, and comes again where it was, as after an update."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.servers import Server, running


@contextmanager
def another(server: Server) -> Iterator[Server]:
    """The next server in the place of one that has ended: on the same port, with the same configuration and data."""
    with running(
        server.place, "--port", str(server.port), config=(server.place.home / "config.toml").read_text()
    ) as one:
        yield one
