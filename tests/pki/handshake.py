"""Real TLS between two contexts, without a socket: what one end writes is carried to the other by hand."""

import ssl
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from securechat.pki import Authority, Issued


class Pair:
    """A client and a server, each over its own pair of BIOs."""

    def __init__(self, server: ssl.SSLContext, client: ssl.SSLContext, host: str = "localhost") -> None:
        self.to_server, self.to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = server.wrap_bio(self.to_server, self.to_client, server_side=True)
        self.client = client.wrap_bio(self.to_client, self.to_server, server_hostname=host)

    def attempt(self) -> tuple[ssl.SSLError | None, ssl.SSLError | None]:
        """Hands, as far as it goes; what the client and what the server had against it."""
        failures: dict[ssl.SSLObject, ssl.SSLError] = {}
        done: set[ssl.SSLObject] = set()
        for _ in range(8):  # more often than TLS has flights
            for end in {self.client, self.server} - done:
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    continue
                except ssl.SSLError as error:
                    failures[end] = error
                done.add(end)
        return failures.get(self.client), failures.get(self.server)

    def shake(self) -> None:
        """Hands until both are done; what an end raises comes out, the client's first if both do."""
        for failure in self.attempt():
            if failure is not None:
                raise failure

    def exchange(self) -> None:
        """A line each way."""
        self.client.write(b"hello\r\n")
        assert self.server.read() == b"hello\r\n"
        self.server.write(b"welcome\r\n")
        assert self.client.read() == b"welcome\r\n"


def raw_server(issued: Issued, directory: Path) -> ssl.SSLContext:
    """A server with this certificate, whatever is wrong with it."""
    path = directory / "raw-server.pem"
    path.write_bytes(issued.pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def raw_client(authority: Authority) -> ssl.SSLContext:
    """A client that trusts this authority, as strictly as Python 3.13 does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=authority.certificate.public_bytes(Encoding.DER))
    return context
