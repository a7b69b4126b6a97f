"""KeyUpdate (RFC 8446 section 4.6.3): TLS itself wants to write because of something it has read."""

import contextlib
import os
import selectors
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from securechat.tls.link import Link
from tests.tls.support import (
    LIMIT,
    SMALL,
    Owner,
    Peer,
    Wire,
    Worker,
    each_role,
    each_wire,
    make_context,
    make_link,
    read_exactly,
    read_to_end,
)

# -- openssl s_client -------------------------------------------------------------------------------------------------


class Client:
    """A running ``openssl s_client``, whose output (with TLS's messages named in it) can be waited for."""

    def __init__(self, port: int) -> None:
        self._process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3", "-msg"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._output = bytearray()

    def type(self, line: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()

    def expect(self, token: bytes) -> None:
        """Wait until ``token`` has come out, and forget all up to it."""
        assert self._process.stdout
        deadline = time.monotonic() + LIMIT
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while (at := self._output.find(token)) < 0:
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                data = os.read(self._process.stdout.fileno(), 65536) if ready else b""
                assert data, f"no {token!r} in {bytes(self._output)!r}"
                self._output += data
        del self._output[: at + len(token)]

    def close(self) -> None:
        self._process.kill()
        with self._process:  # closes the pipes, waits
            pass


@contextlib.contextmanager
def link_to_s_client() -> Iterator[tuple[Link, Client]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT)
        client = Client(listener.getsockname()[1])
        with contextlib.closing(client):
            sock, _ = listener.accept()
            with contextlib.closing(make_link(sock, True)) as link:
                link.handshake(LIMIT)
                # It reads commands from its standard input only when it has said all about the handshake.
                client.expect(b"Verify return code")
                client.expect(b"---\n")
                yield link, client


@pytest.mark.parametrize("command", [b"K", b"k"], ids=["asking for ours", "its own only"])
def test_data_flows_both_ways_after_openssl_s_key_update(command: bytes) -> None:
    with link_to_s_client() as (link, client):
        for number in range(3):
            client.type(command)
            client.expect(b"KEYUPDATE")
            assert link.wait(LIMIT)
            assert link.receive() == b""
            link.send(b"from the link %d\n" % number)
            if command == b"K":  # ours is due before our next data
                client.expect(b"<<< TLS 1.3, Handshake [length 0005], KeyUpdate")
            client.expect(b"from the link %d\n" % number)
            client.type(b"to the link %d" % number)
            assert read_exactly(link, 14) == b"to the link %d\n" % number
        client.type(b"Q")
        assert read_to_end(link) == b""
        assert link.truncated is False


# -- a peer that makes its own records --------------------------------------------------------------------------------


class Forge:
    """Writes records under a traffic secret that was taken out of OpenSSL (RFC 8446 sections 5.2, 7.1 and 7.2)."""

    def __init__(self, secret: bytes) -> None:
        self._renew(secret)

    def _renew(self, secret: bytes) -> None:
        self._secret = secret
        self._aead = AESGCM(self._expand(b"key", 32))
        self._iv = int.from_bytes(self._expand(b"iv", 12), "big")
        self._number = 0

    def _expand(self, label: bytes, size: int) -> bytes:
        label = b"tls13 " + label
        info = struct.pack(">HB", size, len(label)) + label + b"\0"
        return HKDFExpand(hashes.SHA384(), size, info).derive(self._secret)

    def record(self, content: bytes, kind: int = 23) -> bytes:
        header = struct.pack(">BHH", 23, 0x0303, len(content) + 17)
        nonce = (self._iv ^ self._number).to_bytes(12, "big")
        self._number += 1
        return header + self._aead.encrypt(nonce, content + bytes([kind]), header)

    def key_update(self, *, wanted: bool) -> bytes:
        """A KeyUpdate; ``wanted``: the other side is to send one too."""
        record = self.record(bytes([24, 0, 0, 1, wanted]), kind=22)
        self._renew(self._expand(b"traffic upd", 48))
        return record


@contextlib.contextmanager
def link_and_forge(
    wire: Wire, server_side: bool, keys: Path, *, buffer: int | None = None, outbox_limit: int = 4_000_000
) -> Iterator[tuple[Link, Peer, Forge]]:
    """A link, its peer, whose records the forge writes from now on."""
    ours, theirs = wire(buffer)
    context = make_context(not server_side)
    context.keylog_filename = str(keys)
    peer = Peer(theirs, not server_side, context)
    with theirs, contextlib.closing(make_link(ours, server_side, outbox_limit=outbox_limit)) as link:
        handshaking = Worker(link.handshake, LIMIT)
        peer.handshake()
        handshaking.result()
        assert link.cipher() == "TLSv1.3, TLS_AES_256_GCM_SHA384"
        name = "CLIENT_TRAFFIC_SECRET_0" if server_side else "SERVER_TRAFFIC_SECRET_0"
        (secret,) = [line.split()[2] for line in keys.read_text().splitlines() if line.startswith(name)]
        yield link, peer, Forge(bytes.fromhex(secret))


@each_wire
@each_role
def test_key_updates_between_records_in_both_directions(wire: Wire, server_side: bool, tmp_path: Path) -> None:
    with link_and_forge(wire, server_side, tmp_path / "keys") as (link, peer, forge):
        for wanted in (True, False, True):
            peer.sock.sendall(forge.record(b"before, ") + forge.key_update(wanted=wanted) + forge.record(b"after"))
            assert read_exactly(link, 13) == b"before, after"
            link.send(b"and back")
            assert peer.read_exactly(8) == b"and back"


@each_wire
@each_role
def test_a_peer_that_asks_for_key_updates_and_reads_none_is_bounded(
    wire: Wire, server_side: bool, tmp_path: Path
) -> None:
    """TLS answers each of them, so what it has to say counts for the outbox too."""
    limit = 20_000
    with link_and_forge(wire, server_side, tmp_path / "keys", buffer=SMALL, outbox_limit=limit) as (link, peer, forge):
        owner = Owner(link)

        def end_with_the_owner() -> None:
            owner.finish()
            link.close()

        def ask() -> None:
            for _ in range(10_000):
                peer.sock.sendall(forge.key_update(wanted=True))

        ending = Worker(end_with_the_owner)
        with pytest.raises(ConnectionError):
            ask()
        ending.result()
        assert owner.broken == "outbox full"


@each_wire
def test_an_unknown_handshake_message_breaks_the_link(wire: Wire, tmp_path: Path) -> None:
    with link_and_forge(wire, True, tmp_path / "keys") as (link, peer, forge):
        peer.sock.sendall(forge.record(b"\xfe\0\0\1\0", kind=22))
        owner = Owner(link)
        owner.finish()
        assert owner.broken is not None
        assert owner.broken.startswith("TLS error: ")
        with pytest.raises(ssl.SSLError, match="ALERT"):
            peer.read()
