"""SCRAM-SHA-256, the server's side (RFC 5802, RFC 7677), with `scramp`: the exchange, without the judgement.

`scramp` has the messages and the arithmetic. What it leaves to others stands here: who one wants to be (the authzid,
which it refuses, and the example in IRCv3's SASL 3.1 has), and that nothing a peer sends ever raises anything but a
`SaslFailedError`. Channel binding (``-PLUS``) is not offered: in TLS 1.3 it needs ``tls-exporter`` (RFC 9266), which
Python's ``ssl`` does not have.
"""

import importlib
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from securechat.irc.errors import SaslFailedError
from securechat.irc.sasl import Challenge, Credentials, text_of

NAME: Final = "SCRAM-SHA-256"

Keys = tuple[bytes, bytes, bytes, int]
"""Salt, StoredKey, ServerKey, rounds: what the server knows of a password (RFC 5802 section 3)."""

# The gs2-header: no channel binding (n), or none because we offer none (y). With p the client wants one.
_FIRST: Final = re.compile(r"([ny]),(?:a=([^,\0]{1,255}))?,(.*)", re.DOTALL)

_ESCAPE: Final = re.compile(r"=(?!2C|3D)")  # of a saslname


def available() -> bool:
    """Whether `scramp` is installed."""
    return importlib.util.find_spec("scramp") is not None


def keys_of(password: str, salt: bytes, rounds: int) -> Keys | None:
    """What is to be kept of a password, in as many rounds of PBKDF2 (some 200 ms for 600,000, without the GIL).

    ``None`` for what RFC 4013 (SASLprep) does not take, which is older than many a character: emoji, for example.
    """
    scramp = _scramp()
    try:
        salt, stored_key, server_key, rounds = scramp.ScramMechanism(NAME).make_auth_info(password, rounds, salt)
    except scramp.ScramException:
        return None
    return salt, stored_key, server_key, rounds


@dataclass(frozen=True, slots=True)
class ScramCredentials(Credentials):
    """`authcid` has proved to know the password; what is left to ask is whether it may act as `authzid`."""

    authcid: str


class Scram:
    """One exchange.

    `lookup`: what is known of the password of a name, made up where there is none, so that nobody can tell.
    `judge`: called with authzid, authcid and a function that says whether the proof is right, which it need not call;
    it raises what ends the exchange.
    """

    name: ClassVar = NAME

    def __init__(self, lookup: Callable[[str], Keys], judge: Callable[[str, str, Callable[[], bool]], None]) -> None:
        scramp = _scramp()
        self._refused: type[Exception] = scramp.ScramException
        self._server: Any = scramp.ScramMechanism(NAME).make_server(self._look_up)
        self._lookup = lookup
        self._judge = judge
        self._authzid = self._authcid = ""
        self._step = 0

    def start(self) -> Challenge:
        """Nothing: the client speaks first."""
        return Challenge()

    def step(self, response: bytes) -> Challenge | ScramCredentials:
        """Who one is, answered with salt and rounds; the proof, answered with the server's; nothing."""
        self._step += 1
        if self._step == 1:
            return self._first(text_of(response))
        if self._step == 2:
            return self._final(text_of(response))
        if response or self._step > 3:
            raise SaslFailedError("SCRAM: the exchange was over")
        return ScramCredentials(self._authzid, self._authcid)

    def _first(self, message: str) -> Challenge:
        found = _FIRST.fullmatch(message)
        if found is None:
            raise SaslFailedError("SCRAM: no first message, or one that wants channel binding")
        flag, authzid, bare = found.groups()
        if authzid is not None:
            self._authzid = _saslname(authzid)
        try:
            self._server.set_client_first(f"{flag},,{bare}")
            challenge: str = self._server.get_server_first()
        except self._refused:
            challenge = ""
        if not challenge:
            raise SaslFailedError("SCRAM: a malformed first message")
        if authzid is not None:
            self._server.gs2_header = _Header(message[: -len(bare)])
        return Challenge(challenge.encode())

    def _final(self, message: str) -> Challenge:
        self._judge(self._authzid, self._authcid, lambda: self._is_proof(message))
        challenge: str = self._server.get_server_final()
        return Challenge(challenge.encode())

    def _is_proof(self, message: str) -> bool:
        try:
            self._server.set_client_final(message)
        except self._refused:
            return False
        return True

    def _look_up(self, name: str) -> Keys:
        self._authcid = name
        return self._lookup(name)


class _Header:
    """A gs2-header with an authzid, where scramp looks which one the client must have bound (``c=`` in its proof)."""

    def __init__(self, text: str) -> None:
        self._bytes = text.encode()

    def make_cbind_input(self, _: object) -> bytes:
        return self._bytes


def _scramp() -> Any:
    """It is an extra, and half of an ASN.1 library: loaded where it is needed, and not before."""
    return importlib.import_module("scramp")


def _saslname(text: str) -> str:
    """An authzid without its escapes (RFC 5802 section 5.1)."""
    if _ESCAPE.search(text):
        raise SaslFailedError("SCRAM: a malformed name")
    return text.replace("=2C", ",").replace("=3D", "=")
