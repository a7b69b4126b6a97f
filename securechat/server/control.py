"""The operator's control socket: how `securechat user`, `invite` and `ban` speak to a server that runs.

A Unix socket in the data directory, for its owner only (the file's mode is 0600). `control_wire` tells what is said on
it. `ControlClient` has the same methods as the operator in the server behind it (`Operator`), and raises the same
errors::

    OperatorError           what was asked for can't be done: the operator's to put right
    OperatorFailed          it could have been done, and the server, its disk or the connection failed
    └── NoServer            no server listens, and nothing was asked of any

``str()`` of each is a sentence for the operator.
"""

from __future__ import annotations

import socket
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, TypeVar

from securechat.server import control_wire as wire
from securechat.server.control_lines import (
    AccountLine,
    BanLine,
    CertificateLine,
    Invitation,
    InvitationLine,
    R,
    Wish,
    from_wire,
    to_wire,
)
from securechat.server.log import EventLog
from securechat.tls.waker import READABLE, WRITABLE, Waker, wait_for

__all__ = [
    "AccountLine",
    "BanLine",
    "CertificateLine",
    "ControlClient",
    "ControlServer",
    "Invitation",
    "InvitationLine",
    "NoServer",
    "Operator",
    "OperatorError",
    "OperatorFailed",
    "Wish",
]

T = TypeVar("T")

REQUEST_SECONDS: Final = 5.0
"""What a client has to send its request, and as much again to take the answer: the others wait for it."""
ANSWER_SECONDS: Final = 120.0
"""What the server has to answer: before it hashes a password, a queue of logins may have to be done."""


class OperatorError(Exception):
    """A name that is taken, unknown or none, a password that is too short, a ban of everybody, a link to nowhere."""


class OperatorFailed(Exception):  # noqa: N818  (it is what happened, and not the operator's error)
    """The server or its store could not do it, or nobody knows whether it did."""


class NoServer(OperatorFailed):
    """There is no server to do it; so nothing has changed."""


class Operator(Protocol):
    """What the operator can have done. Each method raises `OperatorError` or `OperatorFailed`."""

    def add_account(self, name: str, password: str, *, admin: bool) -> None: ...

    def list_accounts(self) -> list[AccountLine]: ...

    def set_password(self, name: str, password: str) -> None: ...

    def set_enabled(self, name: str, enabled: bool) -> None: ...

    def remove_account(self, name: str) -> None: ...

    def add_ban(self, whom: str, reason: str, seconds: int | None) -> None: ...

    def list_bans(self) -> list[BanLine]: ...

    def remove_ban(self, whom: str) -> None: ...

    def invite(self, wish: Wish) -> Invitation: ...

    def list_invitations(self) -> list[InvitationLine]: ...

    def revoke_invitation(self, id: str) -> None: ...

    def list_certificates(self, name: str) -> list[CertificateLine]: ...

    def remove_certificate(self, name: str, fingerprint: str) -> str:
        """``fingerprint``: the whole, or its first digits; gives the whole."""
        ...


class ControlServer:
    """Serves an operator's requests, one at a time, in a thread of its own.

    Whoever starts one must have the data directory's lock, from before `start` until after `stop`: a socket that lies
    there is taken for that of a server which was killed, and replaced.
    """

    def __init__(self, path: Path, operator: Operator, log: EventLog | None = None) -> None:
        self._path = path
        self._operator = operator
        self._log = log if log is not None else EventLog()
        self._stopping = threading.Event()
        self._running: tuple[socket.socket, Waker, threading.Thread] | None = None

    def start(self) -> None:
        """Listen; when this returns, clients can connect.

        Raises:
            OperatorFailed: the socket can't be made.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if self._path.is_socket():
                self._path.unlink()
            with wire.address_of(self._path) as address:
                listener.bind(address)
            # Nobody can connect before listen(), so it is never open to others, whatever the umask is.
            self._path.chmod(stat.S_IRUSR | stat.S_IWUSR)
            listener.listen(128)
            listener.setblocking(False)
        except OSError as error:
            listener.close()
            raise OperatorFailed(f"can't make the control socket {self._path}: {wire.reason(error)}") from error
        waker = Waker()
        thread = threading.Thread(target=self._run, args=(listener, waker), name="control")
        self._running = listener, waker, thread
        thread.start()

    def stop(self) -> None:
        """Let the operator finish what it is at, and end; the socket goes. Harmless where nothing was started."""
        if self._running is None:
            return
        listener, waker, thread = self._running
        self._running = None
        self._stopping.set()
        waker.set()
        thread.join()
        # First the name, so that nobody finds a socket to which nobody listens.
        with suppress(OSError):
            self._path.unlink()
        listener.close()
        waker.close()

    def _run(self, listener: socket.socket, waker: Waker) -> None:
        while self._wait(listener, waker, READABLE, None):
            try:
                connection, _ = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                continue  # it went away again
            except OSError as error:
                # No descriptors are left, most likely, and the one that waits would wake us again at once.
                self._log.error("control socket", why=wire.reason(error))
                self._wait(listener, waker, 0, 1.0)
                continue
            with connection:
                try:
                    self._serve(connection, waker)
                except OSError as error:
                    self._log.warning("control connection lost", why=wire.reason(error))

    def _serve(self, connection: socket.socket, waker: Waker) -> None:
        connection.setblocking(False)
        self._send(connection, waker, wire.GREETING)
        received = b""
        deadline = time.monotonic() + REQUEST_SECONDS
        while b"\n" not in received:
            if not self._wait(connection, waker, READABLE, deadline - time.monotonic()):
                if self._stopping.is_set():
                    self._send(connection, waker, {"ok": False, "fault": "stopping"})
                return
            data = connection.recv(wire.MAX_REQUEST)
            received += data
            if not data or len(received) > wire.MAX_REQUEST:
                return
        self._send(connection, waker, self._answer(received.partition(b"\n")[0]))

    def _send(self, connection: socket.socket, waker: Waker, answer: dict[str, object]) -> None:
        left = memoryview(wire.encode(answer))
        deadline = time.monotonic() + REQUEST_SECONDS
        while left:
            try:
                left = left[connection.send(left) :]
            except BlockingIOError:
                if not self._wait(connection, waker, WRITABLE, deadline - time.monotonic()):
                    return

    def _wait(self, sock: socket.socket, waker: Waker, events: int, seconds: float | None) -> bool:
        """Whether the socket is ready: False after the time, or when we are to stop."""
        if seconds is not None and seconds <= 0:
            return False
        return bool(wait_for(sock.fileno(), waker).wait(events, seconds)) and not self._stopping.is_set()

    def _answer(self, line: bytes) -> dict[str, object]:
        try:
            return {"ok": True, **self._perform(wire.decode(line))}
        except OperatorError as error:
            return {"ok": False, "fault": "operator", "error": str(error)}
        except OperatorFailed as error:
            return {"ok": False, "fault": "server", "error": str(error)}
        except wire.NonsenseError as error:
            return {"ok": False, "fault": "server", "error": f"the server does not understand the request: {error}"}
        except Exception as error:
            self._log.fault("control request", error)
            return {"ok": False, "fault": "server", "error": "the server made a mistake, of which its log tells"}

    def _perform(self, request: dict[str, object]) -> dict[str, object]:
        operator = self._operator
        match request.get("do"):
            case "list":
                return {"accounts": [to_wire(account) for account in operator.list_accounts()]}
            case "add":
                name, password = wire.text(request, "name"), wire.text(request, "password")
                operator.add_account(name, password, admin=wire.flag(request, "admin"))
            case "passwd":
                operator.set_password(wire.text(request, "name"), wire.text(request, "password"))
            case "enable":
                operator.set_enabled(wire.text(request, "name"), wire.flag(request, "enabled"))
            case "remove":
                operator.remove_account(wire.text(request, "name"))
            case "bans":
                return {"bans": [to_wire(ban) for ban in operator.list_bans()]}
            case "ban":
                whom, reason = wire.text(request, "whom"), wire.text(request, "reason")
                operator.add_ban(whom, reason, wire.number_or_none(request, "seconds"))
            case "unban":
                operator.remove_ban(wire.text(request, "whom"))
            case "invite":
                wish = {name: value for name, value in request.items() if name != "do"}
                return {"invitation": to_wire(operator.invite(from_wire(Wish, "a wish", wish)))}
            case "invitations":
                return {"invitations": [to_wire(invitation) for invitation in operator.list_invitations()]}
            case "revoke":
                operator.revoke_invitation(wire.text(request, "id"))
            case "certificates":
                listed = operator.list_certificates(wire.text(request, "name"))
                return {"certificates": [to_wire(certificate) for certificate in listed]}
            case "remove certificate":
                name, fingerprint = wire.text(request, "name"), wire.text(request, "fingerprint")
                return {"fingerprint": operator.remove_certificate(name, fingerprint)}
            case _:
                raise wire.NonsenseError("it asks for nothing that is known here")
        return {}


class ControlClient:
    """An `Operator` behind the control socket of a server; each call is a connection of its own.

    Besides what the operator raises, `NoServer` where nobody listens, and `OperatorFailed` where no answer comes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add_account(self, name: str, password: str, *, admin: bool) -> None:
        self._ask({"do": "add", "name": name, "password": password, "admin": admin})

    def list_accounts(self) -> list[AccountLine]:
        answer = self._ask({"do": "list"})
        return self._read(lambda: _lines(AccountLine, "an account", answer, "accounts"))

    def set_password(self, name: str, password: str) -> None:
        self._ask({"do": "passwd", "name": name, "password": password})

    def set_enabled(self, name: str, enabled: bool) -> None:
        self._ask({"do": "enable", "name": name, "enabled": enabled})

    def remove_account(self, name: str) -> None:
        self._ask({"do": "remove", "name": name})

    def add_ban(self, whom: str, reason: str, seconds: int | None) -> None:
        self._ask({"do": "ban", "whom": whom, "reason": reason, "seconds": seconds}, "ban")

    def list_bans(self) -> list[BanLine]:
        answer = self._ask({"do": "bans"}, "ban")
        return self._read(lambda: _lines(BanLine, "a ban", answer, "bans"))

    def remove_ban(self, whom: str) -> None:
        self._ask({"do": "unban", "whom": whom}, "ban")

    def invite(self, wish: Wish) -> Invitation:
        answer = self._ask({"do": "invite", **to_wire(wish)}, "invite")
        return self._read(lambda: from_wire(Invitation, "an invitation", wire.object_(answer, "invitation")))

    def list_invitations(self) -> list[InvitationLine]:
        answer = self._ask({"do": "invitations"}, "invite")
        return self._read(lambda: _lines(InvitationLine, "an invitation", answer, "invitations"))

    def revoke_invitation(self, id: str) -> None:
        self._ask({"do": "revoke", "id": id}, "invite")

    def list_certificates(self, name: str) -> list[CertificateLine]:
        answer = self._ask({"do": "certificates", "name": name})
        return self._read(lambda: _lines(CertificateLine, "a certificate", answer, "certificates"))

    def remove_certificate(self, name: str, fingerprint: str) -> str:
        answer = self._ask({"do": "remove certificate", "name": name, "fingerprint": fingerprint})
        return self._read(lambda: wire.text(answer, "fingerprint"))

    def _read(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except wire.NonsenseError as error:
            raise self._nonsense(error) from None

    def _ask(self, request: dict[str, object], command: str = "user") -> dict[str, object]:
        """The answer, if it is a good one."""
        line = wire.encode(request)
        if len(line) > wire.MAX_REQUEST:
            raise OperatorError("no name, no reason and no password is that long")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            self._connect(sock)
            reader = wire.LineReader(sock)
            try:
                self._check_greeting(reader)
                answer = self._exchange(sock, reader, line, command)
                if answer.get("ok") is True:
                    return answer
                fault = wire.text(answer, "fault")
                if fault == "stopping":
                    raise NoServer(f"the server at {self._path} is stopping")
                sentence = wire.text(answer, "error")
            except wire.NonsenseError as error:
                raise self._nonsense(error) from None
        raise OperatorError(sentence) if fault == "operator" else OperatorFailed(sentence)

    def _connect(self, sock: socket.socket) -> None:
        sock.settimeout(REQUEST_SECONDS)
        try:
            with wire.address_of(self._path) as address:
                sock.connect(address)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
            # No socket; or one to which nobody listens, because the server was killed.
            raise NoServer(f"no server listens at {self._path}") from error
        except OSError as error:
            raise OperatorFailed(f"can't reach the server at {self._path}: {wire.reason(error)}") from error

    def _check_greeting(self, reader: wire.LineReader) -> None:
        """The server speaks first, so that to one which never came to us nothing was said."""
        try:
            greeting = reader.read(wire.MAX_REQUEST, ANSWER_SECONDS)
        except ConnectionError as error:
            raise NoServer(f"the server at {self._path} has stopped") from error
        except OSError as error:
            raise OperatorFailed(f"the server at {self._path} is busy: {wire.reason(error)}") from error
        if greeting != wire.GREETING:
            raise OperatorFailed(
                f"the server at {self._path} is of another version of securechat: ask it with the command of that one"
            )

    def _exchange(self, sock: socket.socket, reader: wire.LineReader, line: bytes, command: str) -> dict[str, object]:
        try:
            sock.sendall(line)
        except OSError as error:
            # The end of the line was not taken, and without it a request is none.
            raise NoServer(f"the server at {self._path} has stopped") from error
        try:
            return reader.read(wire.MAX_ANSWER, ANSWER_SECONDS)
        except OSError as error:
            raise OperatorFailed(
                f"the server at {self._path} gave no answer ({wire.reason(error)}): see with "
                f"`securechat {command} list` what became of it"
            ) from error

    def _nonsense(self, error: wire.NonsenseError) -> OperatorFailed:
        return OperatorFailed(f"what the server at {self._path} answers makes no sense: {error}")


def _lines(kind: type[R], what: str, answer: dict[str, object], name: str) -> list[R]:
    return [from_wire(kind, what, line) for line in wire.objects(answer, name)]
