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
its place. They run inside the link's lock, so they may send to any link, this one too, but wait for nobody. One that
raises breaks the link, for nobody could tell the peer that its answer has a hole; the owner alone learns of it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable

from securechat.tls.backlog import AnswerFailed, Backlog, Item
from securechat.tls.waker import READABLE, WRITABLE, Waker, hung_up, wait_for

__all__ = ["HandshakeTimeout", "Link", "LinkBroken"]

_RECEIVE = 16384  # bytes asked of the socket at a time: a TLS record


class LinkBroken(Exception):  # noqa: N818 - it says what happened
    """The connection can't be used any more; the text says why, for a log.

    Its ``__cause__`` is the ``OSError`` (``ssl.SSLError`` is one) that said so, or what an answer raised, if any did.
    """


class HandshakeTimeout(LinkBroken):
    """The peer did not finish its TLS handshake in time."""


class Link:
    """One TLS connection over a connected stream socket, which belongs to the link from now on.

    The thread that calls :meth:`handshake`, :meth:`wait`, :meth:`receive`, :meth:`drained` and :meth:`close` is the
    owner, and there is one. :meth:`send`, :meth:`queue`, :meth:`flush`, :meth:`wake` and :meth:`fail` may be called by
    any thread.

    ``outbox_limit`` is the number of bytes that may wait for a peer that does not read (or has not finished its
    handshake), besides the piece that is under way; beyond it the link fails with the reason ``outbox full``.
    """

    # With slots an attribute costs half; this is in the way of every line.
    __slots__ = (
        "_ahead",
        "_backlog",
        "_cause",
        "_clear",
        "_closed",
        "_encrypt",
        "_end",
        "_established",
        "_failure",
        "_hung_up",
        "_incoming",
        "_limit",
        "_lock",
        "_outbox",
        "_outgoing",
        "_sock",
        "_take_ciphertext",
        "_tls",
        "_transmit",
        "_unsent",
        "_untold",
        "_waiter",
        "_waker",
        "queue",
        "truncated",
    )

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
        # Bound methods of what every line goes through.
        self._encrypt = self._tls.write
        self._take_ciphertext = self._outgoing.read
        self._transmit = sock.send
        self._limit = outbox_limit
        # Guards _tls, both buffers, _backlog, _unsent and writing to the socket (ciphertext must go out in order).
        # Taken while holding the journal's turn; the waker's lock may be taken inside it, and no other.
        self._lock = threading.Lock()
        self._outbox: deque[Item] = deque()  # appended by any thread
        #: Put data behind all that was queued before; :meth:`flush` writes it. A bound method, for it runs for each
        #: line and each session.
        self.queue: Callable[[Item], None] = self._outbox.append
        self._backlog = Backlog()  # the same, taken over by a writer, and counted
        self._clear = False  # nothing is in the way of what is queued next: no backlog, nothing unsent, no failure
        self._unsent: memoryview | None = None  # ciphertext that the socket did not take
        self._untold = False  # _unsent is news for the owner, who has to wait for writability
        self._established = False  # the handshake is done; until then what is queued waits
        self._closed = False
        self._failure: str | None = None
        self._cause: BaseException | None = None  # of the failure, for the owner
        self._hung_up = False  # the failure was met while writing: what the peer had sent before can still be read
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

    @property
    def answers(self) -> int:
        """How many answers wait for the peer to take those before them: a peer that takes none shouldn't ask for more.

        They don't count for ``outbox_limit``.
        """
        return self._backlog.answers

    def send(self, data: Item) -> None:
        """:meth:`queue` and :meth:`flush`, without the way through the outbox where nothing is in the way."""
        outbox = self._outbox
        if outbox or not self._lock.acquire(False):
            outbox.append(data)
            self.flush()
            return
        try:
            if outbox or not self._clear:
                outbox.append(data)
                self._write(False)
            elif not self._send_one(data):
                self._write(False)
        finally:
            self._lock.release()
        if outbox:  # somebody queued while we held the lock, and left it to us
            self.flush()

    def flush(self, *, owner: bool = False) -> None:
        """Write what is queued, as far as the socket takes it, unless another thread is at it. Never blocks.

        Only the owner may say ``owner=True``: then answers are taken from too.
        """
        lock = self._lock
        outbox = self._outbox
        while lock.acquire(False):
            try:
                # What happens most is one line and a socket that takes it; the rest is for _write.
                if not (self._clear and len(outbox) == 1 and self._send_one(outbox.popleft())):
                    self._write(owner)
            finally:
                lock.release()
            if not outbox:  # else somebody queued while we held the lock, and left it to us
                return

    def wake(self) -> None:
        """End the owner's :meth:`wait`, the present one or else the next."""
        self._waker.set()

    def fail(self, reason: str) -> None:
        """Mark the link as unusable; its owner wakes up and ends it. The first reason stays."""
        self._note_failure(reason, None)
        self._waker.set()

    # -- what only the owner may call ---------------------------------------------------------------------------------

    def handshake(self, timeout: float) -> None:
        """Run the TLS handshake: the peer has ``timeout`` seconds. When we are late ourselves it may take twice that.

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
                except ssl.SSLZeroReturnError as error:
                    raise self._hang_up(error) from error
                except ssl.SSLError:
                    self._send_alert()
                    raise
                self._write(owner=True)
                # A peer that hung up instead of taking our last message may have said why: receive() finds it.
                self._established = done and (self._unsent is None or self._hung_up)
                # In TLS 1.3 a client's first data comes together with the end of its handshake: it is in the buffer
                # already, and the socket has nothing more to announce.
                self._ahead = self._incoming.pending > 0
            if self._failure is not None and not self._hung_up:
                raise self._broken()
            if self._established:
                self.flush(owner=True)
                return
            left = deadline - time.monotonic()
            events = (0 if done else READABLE) | (0 if self._unsent is None else WRITABLE)
            if not events:
                continue  # another thread has written the rest
            ready = self._waiter.wait(events, max(left, 0.0))
            # What is there by now may have come in time, and we are late: where thousands come at once, for example.
            if left <= 0 and (not ready or left < -timeout):
                raise HandshakeTimeout("the TLS handshake took too long")
            self._waker.clear()
            if ready & READABLE and not done:
                data = self._recv()
                if data == b"":
                    raise self._hang_up(ConnectionAbortedError("end of stream"))
                if data:
                    with self._lock:
                        self._incoming.write(data)

    def wait(self, timeout: float | None, *, read: bool = True) -> bool:
        """Wait until the peer has sent something, :meth:`wake` is called, or ``timeout`` seconds are over.

        What is queued is written on the way. Returns whether :meth:`receive` has something to look at or to say. With
        ``read=False`` the peer is left waiting (its socket fills up) while the outbox still empties, and the wait ends
        when something has been written of what was in the way; then the result is true only where the connection has
        failed (then :meth:`receive` says why).
        """
        ahead = read and (self._ahead or self._end)
        answers = self._backlog.answers
        self.flush(owner=True)
        if ahead or (not read and self._backlog.answers < answers):
            timeout = 0.0
        if self._failure is not None or self._closed:
            return True
        events = (READABLE if read else 0) | (0 if self._unsent is None and not self._backlog else WRITABLE)
        ready = self._waiter.wait(events, timeout)
        self._waker.clear()
        if ready & WRITABLE:
            self.flush(owner=True)
        return ahead or bool(ready & READABLE) or self._failure is not None

    def receive(self) -> bytes | None:
        """The plaintext that has arrived, ``b""`` when there is none yet, ``None`` at the end of what the peer sends.

        Raises :class:`LinkBroken` when the connection has failed or what arrived was not proper TLS; what had arrived
        before that is returned first. A peer that hangs up while we write to it is read to its end too: its last
        words, which may be an alert, say more than that it went.
        """
        if self._failure is not None and not self._hung_up:
            raise self._broken()
        if self._end:
            return None
        self._ahead = False
        data = self._recv()
        pieces: list[bytes] = []
        with self._lock:
            if data:
                self._incoming.write(data)
            try:
                # Asking once more than there is costs an exception; so ask only while something is left.
                while self._incoming.pending or self._tls.pending():
                    piece = self._tls.read(_RECEIVE)
                    if not piece:
                        self._end = True
                        break
                    pieces.append(piece)
            except ssl.SSLWantReadError:
                pass  # the rest of a record is still under way
            except ssl.SSLZeroReturnError:
                self._end = True
            except ssl.SSLError as error:
                if self._hung_up:
                    self._hung_up, self._failure = False, None
                self._note_failure(f"TLS error: {error.reason or error}", error)
                self._send_alert()
            if data == b"" and not self._end:
                self.truncated = True
                self._end = not self._hung_up
            if self._outgoing.pending:  # TLS itself has something to say: the answer to a KeyUpdate
                self._write(owner=True)
        self.flush(owner=True)
        if pieces:
            return b"".join(pieces) if len(pieces) > 1 else pieces[0]
        if self._end:
            return None
        if self._failure is not None:
            raise self._broken()
        return b""

    def hung_up(self) -> bool:
        """Whether the peer sends no more, though what it sent before that was not received yet. Where it can be told:
        Linux."""
        return not self._closed and hung_up(self._sock.fileno())

    def drained(self) -> bool:
        """Whether the socket has taken all that was queued, when it has been given as much of that as it takes."""
        self.flush(owner=True)
        with self._lock:
            return self._failure is None and self._unsent is None and not self._outbox and not self._backlog

    def close(self, timeout: float = 0.0) -> None:
        """Write what is queued, say goodbye in TLS, and close the socket; at most ``timeout`` seconds.

        With no time, or after a failure, the socket is closed as it is.
        """
        if self._closed:
            return
        if self._failure is None and timeout > 0:
            with contextlib.suppress(LinkBroken, OSError):
                self._say_goodbye(time.monotonic() + timeout)
        with self._lock:
            self._closed = True
            self._clear = False
            self._outbox.clear()
            self._backlog.drop(answers=True)
            self._unsent = None
            self._cause = None  # its traceback leads back to this link
            self._sock.close()
        self._waker.close()

    # -- facts about the peer, after the handshake --------------------------------------------------------------------

    def peer_certificate(self) -> bytes | None:
        """The peer's certificate in DER, or ``None`` when it showed none."""
        with self._lock:
            certificate = self._tls.getpeercert(binary_form=True)
        self.flush(owner=True)
        return certificate

    def cipher(self) -> str:
        """The name of the cipher suite in use, with the version of TLS: ``TLSv1.3, TLS_AES_256_GCM_SHA384``."""
        with self._lock:
            version, suite = self._tls.version(), self._tls.cipher()
        self.flush(owner=True)
        return f"{version}, {suite[0]}" if suite else "no cipher"

    # -- inside -------------------------------------------------------------------------------------------------------

    def _recv(self) -> bytes | None:
        """Ciphertext from the socket: ``b""`` at its end, ``None`` when there is nothing now."""
        try:
            return self._sock.recv(_RECEIVE)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            self._note_failure(f"connection lost: {error.strerror or error}", error)
            raise self._broken() from error

    def _note_failure(self, reason: str, cause: BaseException | None) -> None:
        if self._failure is None:
            self._cause = cause
            self._failure = reason
        self._clear = False

    def _hang_up(self, error: OSError) -> LinkBroken:
        self._note_failure("the peer hung up during the TLS handshake", error)
        return self._broken()

    def _broken(self) -> LinkBroken:
        broken = LinkBroken(self._failure)
        broken.__cause__ = self._cause
        return broken

    def _write(self, owner: bool) -> None:
        """Encrypt and write what is queued. The caller holds the lock."""
        backlog = self._backlog
        backlog.take_over(self._outbox)
        if self._failure is not None or self._closed:
            backlog.drop(answers=owner or self._closed)
            return
        try:
            while self._send_ciphertext() and backlog and self._established:
                piece = backlog.next_piece(answers=owner)
                if not piece:
                    break
                self._tls.write(piece)
        except AnswerFailed as failed:
            cause = failed.__cause__
            self._note_failure(f"an answer failed: {type(cause).__name__}", cause)
        except OSError as error:  # ssl.SSLError is one too
            self._hung_up = not isinstance(error, ssl.SSLError)
            self._note_failure(f"connection lost: {error.strerror or error}", error)
        self._clear = self._unsent is None and not backlog and self._failure is None and self._established
        if not self._clear:
            self._leave_to_owner(owner)

    def _send_one(self, item: Item) -> bool:
        """Encrypt and send the only thing that is queued, without the book-keeping that more of them need.

        False where more is to be done: :meth:`_write` goes on. The caller holds the lock, and ``_clear`` is true.
        """
        if type(item) is not bytes:
            self._outbox.appendleft(item)
            return False
        try:
            # Loaded first, then called: CPython looks up what it calls on an object with slots the slow way.
            encrypt, take_ciphertext, transmit = self._encrypt, self._take_ciphertext, self._transmit
            encrypt(item)
            data = take_ciphertext()
            sent = transmit(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._hung_up = not isinstance(error, ssl.SSLError)
            self._note_failure(f"connection lost: {error.strerror or error}", error)
            self._waker.set()
            return False
        if sent == len(data):
            return True
        self._untold = True
        self._unsent = memoryview(data)[sent:]
        return False

    def _leave_to_owner(self, owner: bool) -> None:
        """Not all was written: see to it that the owner knows. The caller holds the lock."""
        if self._backlog.size + self._outgoing.pending > self._limit:
            self._note_failure("outbox full", None)
        if self._failure is not None:
            self._backlog.drop(answers=owner or self._closed)
            self._waker.set()
        elif not owner and (self._untold or (self._established and self._unsent is None)):
            # It waits for writability from now on, or takes from the answer that is next. Wake it for news only: a
            # peer that does not read would cost its thread a turn for every line.
            self._waker.set()
        self._untold = False

    def _send_alert(self) -> None:
        """Try to tell the peer why we end; if that can't be done at once, it has to do without."""
        with contextlib.suppress(OSError):
            self._send_ciphertext()

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
        self._untold = self._untold or unsent is None
        self._unsent = memoryview(data)[sent:]
        return False

    def _say_goodbye(self, deadline: float) -> None:
        while True:
            with self._lock:
                if not self._closed:
                    self._write(owner=True)
                    if self._failure is not None:
                        return
                    if self._unsent is None:
                        # Nothing can be queued behind our close_notify. (Its call wants the peer's too, for which we
                        # don't wait; and without a handshake there is nothing to take leave of.)
                        self._closed = True
                        self._clear = False
                        if self._established:
                            with contextlib.suppress(ssl.SSLError):
                                self._tls.unwrap()
                if self._closed and self._send_ciphertext():
                    break
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._waiter.wait(WRITABLE, left)
            self._waker.clear()
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
