"""Reaching a server and making sure that it is the one: from a host name to a link whose other end is verified."""

import socket
import ssl
import time

from securechat.client.errors import ServerNotThereError
from securechat.client.safe import safe_text
from securechat.tls.errors import explain_handshake
from securechat.tls.link import HandshakeTimeout, Link, LinkBroken


def dial(host: str, port: int, context: ssl.SSLContext, timeout: float) -> Link:
    """A link to `host`, after its handshake: its certificate is good, and for this name. `timeout` is in seconds.

    `context` is one that verifies: `securechat.tls.contexts.client_context`; another raises `ValueError`, for what
    follows on this link is a password.

    Raises:
        ServerNotThereError: the name does not resolve, nothing listens, nothing answers.
        TLSError: the server is not verified, or there was no TLS 1.3 connection.
    """
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise ValueError("a context that does not verify the server is no use")
    return open_link(host, port, context, timeout)


def open_link(host: str, port: int, context: ssl.SSLContext, timeout: float) -> Link:
    """A link to `host` after its handshake, verified as far as `context` does it; only `first_contact` needs this.

    Raises what `dial` raises.
    """
    deadline = time.monotonic() + timeout
    sock = _reach(host, port, timeout)
    try:
        link = Link(sock, context, server_side=False, server_hostname=host)
    except (
        ValueError,
        ssl.SSLError,
    ) as error:  # a name that no certificate can have, like ".example"
        sock.close()
        raise ServerNotThereError(f"{safe_text(host)!r} is not the name of a host") from error
    try:
        link.handshake(max(deadline - time.monotonic(), 1.0))
    except HandshakeTimeout as error:
        link.close()
        raise explain_handshake(TimeoutError(), host) from error
    except LinkBroken as error:
        link.close()
        raise explain_handshake(_cause(error), host) from error
    except OSError as error:  # ssl.SSLError is one
        link.close()
        raise explain_handshake(error, host) from error
    except BaseException:
        link.close()
        raise
    return link


def explain_broken(error: LinkBroken, host: str) -> Exception | None:
    """What a link that broke at the first read after its handshake says in TLS's own words; None if it has none.

    In TLS 1.3 the server judges a client's certificate when the client's handshake is already over, so its refusal
    arrives only then (RFC 8446 section 4.4.2.4).
    """
    cause = error.__cause__
    return explain_handshake(cause, host) if isinstance(cause, ssl.SSLError) else None


def _cause(error: LinkBroken) -> OSError:
    return error.__cause__ if isinstance(error.__cause__, OSError) else ConnectionResetError()


def _reach(host: str, port: int, timeout: float) -> socket.socket:
    where = f"{safe_text(host)} port {port}"
    try:
        return socket.create_connection((host, port), timeout)
    except socket.gaierror as error:
        raise ServerNotThereError(
            f"there is no host called {safe_text(host)} ({_reason(error)}): check the name, and the network"
        ) from error
    except ValueError as error:  # a name that no host can have: too long, or with an empty part
        raise ServerNotThereError(f"{safe_text(host)!r} is not the name of a host") from error
    except ConnectionRefusedError as error:
        raise ServerNotThereError(f"nothing listens on {where}: check that the server runs, and the port") from error
    except TimeoutError as error:
        raise ServerNotThereError(f"no answer from {where}: check the address, and any firewall between") from error
    except OSError as error:
        raise ServerNotThereError(f"{where} can't be reached ({_reason(error)}): check the network") from error


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
