"""A TLS connection that one thread reads and any thread writes to.

Why not ``ssl.SSLSocket``, one thread in ``recv()`` and others in ``send()``? OpenSSL does not allow two threads in one
TLS object, not even one that reads and one that writes: a read may have to answer (KeyUpdate), a write may have to
read, and both change the same state. CPython takes no lock for it: depending on the version such a program crashes,
breaks the connection, or has its writes wait behind a read that blocks. A lock around ``SSLSocket.recv()`` is no way
out either, for a thread that waits for its client would hold it for hours.

So the TLS object never touches the socket. It is an ``ssl.SSLObject`` between two memory buffers, and one lock guards
the three:

- The *owner*, the thread that reads, waits for the socket and takes ciphertext from it outside the lock. Inside it the
  ciphertext goes into the buffer and plaintext comes out.
- *Whoever has something to send* appends it to the outbox and then writes, unless somebody else is writing: that one
  looks at the outbox again after it has released the lock, so nothing is left behind. What is queued goes out as one
  TLS write: under load batches grow by themselves, and with a single message no other thread has to wake up.
- What the socket does not take at once stays as ciphertext with the link, and the owner finishes it: it is woken, waits
  for writability too, and goes on. Nobody ever waits for a socket while holding the lock.

An outbox may also hold *answers*: iterators of bytes that are made while they are sent. Only the owner takes from them,
a piece whenever the last one is gone, so a long answer costs memory for one piece, and what is queued behind it keeps
its place.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator

from securechat.tls.waker import READABLE, WRITABLE, Waker, wait_for

__all__ = ["HandshakeTimeout", "Link", "LinkBroken"]

_RECEIVE = 65536  # bytes asked of the socket at a time
_PIECE = 65536  # bytes encrypted at a time: four full TLS records


class LinkBroken(Exception):  # noqa: N818 - it says what happened
    """The connection can't be used any more; the text says why, for a log."""


class HandshakeTimeout(LinkBroken):
    """The peer did not finish its TLS handshake in time."""


class Link:
    """One TLS connection over a connected stream socket, which belongs to the link from now on.

    The thread that calls :meth:`handshake`, :meth:`wait`, :meth:`receive` and :meth:`close` is the owner, and there
    is one. :meth:`send`, :meth:`queue`, :meth:`flush`, :meth:`wake` and :meth:`fail` may be called by any thread.

    ``outbox_limit`` is the number of bytes that may wait for a peer that does not read; beyond it the link fails with
    the reason ``outbox full``.
    """

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        server_hostname: str | None = None,
        outbox_limit: int = 4 * 1024 * 1024,
    ) -> None:
        sock.setblocking(False)
        with contextlib.suppress(OSError):  # not a TCP socket
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side, server_hostname)
        self._limit = outbox_limit
        # Guards _tls, both buffers, _backlog, _unsent and writing to the socket (ciphertext must go out in order).
        # Taken while holding the journal's turn; the waker's lock may be taken inside it, and no other.
        self._lock = threading.Lock()
        self._outbox: deque[bytes | Iterator[bytes]] = deque()  # appended by any thread
        self._backlog: deque[bytes | Iterator[bytes]] = deque()  # the same, taken over by a writer, and counted
        self._backlog_bytes = 0
        self._unsent: memoryview | None = None  # ciphertext that the socket did not take
        self._closed = False
        self._failure: str | None = None
        self._end = False  # the peer sends no more
        self._ahead = False  # there is ciphertext in _incoming that nobody has looked at
        self._waker = Waker()
        self._waiter = wait_for(sock.fileno(), self._waker)
        #: The peer's connection ended without TLS's close_notify: what came last may be cut off.
        self.truncated = False

    # -- what any thread may call -------------------------------------------------------------------------------------

    @property
    def failure(self) -> str | None:
        """Why the link can't be used any more, or ``None``."""
        return self._failure

    def queue(self, data: bytes | Iterator[bytes]) -> None:
        """Put ``data`` behind all that was queued before; :meth:`flush` writes it."""
        self._outbox.append(data)

    def send(self, data: bytes | Iterator[bytes]) -> None:
        """:meth:`queue` and :meth:`flush`."""
        self._outbox.append(data)
        self.flush()

    def flush(self, *, owner: bool = False) -> None:
        """Write what is queued, as far as the socket takes it, unless another thread is at it. Never blocks.

        Only the owner may say ``owner=True``: then answers are taken from too.
        """
        lock = self._lock
        while lock.acquire(blocking=False):
            try:
                self._write(owner)
            finally:
                lock.release()
            if not self._outbox:  # else somebody queued while we held the lock, and left it to us
                return

    def wake(self) -> None:
        """End the owner's :meth:`wait`, the present one or else the next."""
        self._waker.set()

    def fail(self, reason: str) -> None:
        """Mark the link as unusable; its owner wakes up and ends it. The first reason stays."""
        if self._failure is None:
            self._failure = reason
        self._waker.set()

    # -- what only the owner may call ---------------------------------------------------------------------------------

    def handshake(self, timeout: float) -> None:
        """Run the TLS handshake, at most ``timeout`` seconds.

        Raises :class:`HandshakeTimeout`; :class:`LinkBroken` when the link failed or the peer went away;
        ``ssl.SSLError`` (a peer that doesn't speak TLS, or an older one, or whose certificate is refused) after the
        alert that tells the peer has been sent.
        """
        deadline = time.monotonic() + timeout
        while True:
            with self._lock:
                try:
                    self._tls.do_handshake()
                    done = True
                except ssl.SSLWantReadError:
                    done = False
                except ssl.SSLError:
                    with contextlib.suppress(LinkBroken):
                        self._write(owner=True)  # the alert
                    raise
                self._write(owner=True)
            if done and self._unsent is None:
                # In TLS 1.3 a client's first data comes together with the end of its handshake: it is in the buffer
                # already, and the socket has nothing more to announce.
                self._ahead = self._incoming.pending > 0
                return
            if self._failure is not None:
                raise LinkBroken(self._failure)
            left = deadline - time.monotonic()
            if left <= 0:
                raise HandshakeTimeout("the TLS handshake took too long")
            ready = self._waiter.wait((0 if done else READABLE) | (0 if self._unsent is None else WRITABLE), left)
            self._waker.clear()
            if ready & READABLE and not done:
                data = self._recv()
                with self._lock:
                    if data:
                        self._incoming.write(data)
                    elif data is not None:
                        self._incoming.write_eof()

    def wait(self, timeout: float | None, *, read: bool = True) -> bool:
        """Wait until the peer has sent something, :meth:`wake` is called, or ``timeout`` seconds are over.

        What is queued is written on the way. Returns whether :meth:`receive` has something to look at. With
        ``read=False`` the peer is left waiting (its socket fills up) while the outbox still empties; then the result
        is true only where the connection has failed (then :meth:`receive` says why).
        """
        ahead = read and self._ahead
        if ahead:
            timeout = 0.0
        self.flush(owner=True)
        if self._failure is not None:
            return True
        events = (READABLE if read else 0) | (0 if self._unsent is None and not self._backlog else WRITABLE)
        ready = self._waiter.wait(events, timeout)
        self._waker.clear()
        if ready & WRITABLE:
            self.flush(owner=True)
        return ahead or bool(ready & READABLE) or self._failure is not None

    def receive(self) -> bytes | None:
        """The plaintext that has arrived, ``b""`` when there is none yet, ``None`` at the end of what the peer sends.

        Raises :class:`LinkBroken` when the connection has failed or what arrived was not proper TLS.
        """
        if self._failure is not None:
            raise LinkBroken(self._failure)
        if self._end:
            return None
        self._ahead = False
        data = self._recv()
        pieces: list[bytes] = []
        with self._lock:
            if data:
                self._incoming.write(data)
            elif data is not None:
                self._incoming.write_eof()
            try:
                # Asking once more than there is costs an exception; so ask only while something is left.
                while self._incoming.pending or self._tls.pending() or data == b"":
                    piece = self._tls.read(_RECEIVE)
                    if not piece:
                        self._end = True
                        break
                    pieces.append(piece)
            except ssl.SSLWantReadError:
                pass  # the rest of a record is still under way
            except ssl.SSLZeroReturnError:
                self._end = True
            except ssl.SSLEOFError:
                self._end = self.truncated = True
            except ssl.SSLError as error:
                self._fail_quietly(f"TLS error: {error.reason or error}")
                with contextlib.suppress(LinkBroken):
                    self._write(owner=True)  # the alert that tells the peer
                raise LinkBroken(self._failure) from error
            if self._outgoing.pending:  # TLS itself has something to say: the answer to a KeyUpdate
                self._write(owner=True)
        self.flush(owner=True)
        if pieces:
            return b"".join(pieces) if len(pieces) > 1 else pieces[0]
        return None if self._end else b""

    def close(self, timeout: float = 0.0) -> None:
        """Write what is queued, say goodbye in TLS, and close the socket; at most ``timeout`` seconds.

        With no time, or after a failure, the socket is closed as it is.
        """
        deadline = time.monotonic() + timeout
        if self._failure is None and timeout > 0:
            with contextlib.suppress(LinkBroken, OSError, ssl.SSLError):
                self._say_goodbye(deadline)
        with self._lock:
            self._closed = True
            self._outbox.clear()
            self._backlog.clear()
            self._sock.close()
        self._waker.close()

    # -- facts about the peer, after the handshake --------------------------------------------------------------------

    def peer_certificate(self) -> bytes | None:
        """The peer's certificate in DER, or ``None`` when it showed none."""
        return self._tls.getpeercert(binary_form=True)

    def cipher(self) -> str:
        """The name of the cipher suite in use, with the version of TLS: ``TLSv1.3, TLS_AES_256_GCM_SHA384``."""
        suite = self._tls.cipher()
        return f"{self._tls.version()}, {suite[0]}" if suite else "no cipher"

    # -- inside -------------------------------------------------------------------------------------------------------

    def _recv(self) -> bytes | None:
        """Ciphertext from the socket: ``b""`` at its end, ``None`` when there is nothing now."""
        try:
            return self._sock.recv(_RECEIVE)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            self._fail_quietly(f"connection lost: {error.strerror or error}")
            raise LinkBroken(self._failure) from error

    def _fail_quietly(self, reason: str) -> None:
        if self._failure is None:
            self._failure = reason

    def _write(self, owner: bool) -> None:
        """Encrypt and write what is queued. The caller holds the lock."""
        backlog = self._backlog
        outbox = self._outbox
        while outbox:
            item = outbox.popleft()
            backlog.append(item)
            if type(item) is bytes:
                self._backlog_bytes += len(item)
        if self._closed or (self._failure is not None and backlog):
            backlog.clear()
            return
        try:
            while self._send_ciphertext() and backlog:
                piece = self._next_piece(owner)
                if not piece:
                    if backlog:  # an answer, which only the owner's thread makes
                        self._waker.set()
                    break
                self._tls.write(piece)
        except OSError as error:  # ssl.SSLError is one too
            backlog.clear()
            self.fail(f"connection lost: {error.strerror or error}")
            return
        if self._unsent is not None:
            if not owner:
                self._waker.set()  # the owner waits for writability from now on
            if self._backlog_bytes > self._limit:
                backlog.clear()
                self.fail("outbox full")

    def _next_piece(self, owner: bool) -> bytes:
        """About :data:`_PIECE` bytes from the head of the backlog; ``b""`` at an answer that isn't ours to take."""
        backlog = self._backlog
        if len(backlog) == 1 and type(backlog[0]) is bytes:
            self._backlog_bytes = 0
            return backlog.popleft()  # type: ignore[return-value]
        pieces: list[bytes] = []
        size = 0
        while backlog and size < _PIECE:
            item = backlog[0]
            if isinstance(item, bytes):
                backlog.popleft()
                self._backlog_bytes -= len(item)
            else:
                if not owner:
                    break
                made = next(item, None)
                if made is None:
                    backlog.popleft()
                    continue
                item = made
            pieces.append(item)
            size += len(item)
        return b"".join(pieces)

    def _send_ciphertext(self) -> bool:
        """Hand ciphertext to the socket; true when none is left."""
        unsent = self._unsent
        if unsent is None:
            if not self._outgoing.pending:
                return True
            data = self._outgoing.read()
        else:
            data = unsent  # type: ignore[assignment]
        try:
            sent = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        if sent == len(data):
            self._unsent = None
            return not self._outgoing.pending or self._send_ciphertext()
        self._unsent = memoryview(data)[sent:]
        return False

    def _say_goodbye(self, deadline: float) -> None:
        self.flush(owner=True)
        while (self._unsent is not None or self._backlog) and self._failure is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._waiter.wait(WRITABLE, left)
            self._waker.clear()
            self.flush(owner=True)
        if self._failure is not None:
            return
        with self._lock:
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()  # puts close_notify into the buffer, and wants the peer's, which we don't wait for
            self._send_ciphertext()
        if self._end:
            return
        # A socket that is closed with something unread in it sends a reset, which can overtake our last words. So
        # say that we send no more, and read until the peer has gone.
        self._sock.shutdown(socket.SHUT_WR)
        while (left := deadline - time.monotonic()) > 0:
            self._waiter.wait(READABLE, left)
            self._waker.clear()
            if self._recv() == b"":
                return
