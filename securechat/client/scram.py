"""SCRAM-SHA-256, the client's side (RFC 5802, RFC 7677), with `scramp`: a password is proved and never sent.

Both sides prove something: the client that it knows the password, the server that it has what was made of it. So what
comes from the server is judged here: another nonce than ours, a signature that is wrong or missing, and numbers of
rounds that are made up (too few let whoever answers try passwords cheaply on what we send; with too many it could keep
us busy for hours) end the login, and nothing else is tried with that server. `scramp` has some of these bounds too, in
some of its versions.

Channel binding (the `-PLUS` mechanisms) is not used: in TLS 1.3 it needs `tls-exporter` (RFC 9266), which Python's
`ssl` does not have. It would protect against who has a certificate for the server's name that we trust.
"""

import importlib
import importlib.util
import re
from typing import Any, Final

from securechat.client.errors import ServerProofError
from securechat.client.safe import safe_text
from securechat.irc.words import UnsendableError

MIN_ROUNDS: Final = 4096
"""What RFC 7677 section 4 asks of servers at least."""

MAX_ROUNDS: Final = 10_000_000
"""Some seconds of one core; what is recommended today is a tenth of that."""

_ROUNDS: Final = re.compile(r"(?:^|,)i=([^,]*)")
_ERROR: Final = re.compile(r"e=([^,]{1,64})")


def available() -> bool:
    """Whether `scramp` is installed."""
    return importlib.util.find_spec("scramp") is not None


class ScramRefusedError(Exception):
    """The server says no within the exchange itself (`server-error` in RFC 5802 section 7); its word, as it came."""


class ScramClient:
    """One exchange. `login` and `password` as for PLAIN.

    Raises `UnsendableError` for what SCRAM has no form for (RFC 4013: not all of Unicode), though PLAIN may have one.
    """

    name = "SCRAM-SHA-256"

    def __init__(self, login: str, password: str) -> None:
        scramp: Any = importlib.import_module("scramp")
        self.finished = False
        self._refused: type[Exception] = scramp.ScramException
        self._step = 0
        try:
            self._scram: Any = scramp.ScramClient([self.name], login, password)
        except self._refused as error:
            raise UnsendableError(f"SCRAM can't carry this name or password ({error.args[0]})") from None

    def respond(self, challenge: bytes) -> bytes:
        """The response to a challenge: who one is, the proof, and nothing, when the server has given its own.

        Raises `ServerProofError`, and `ScramRefusedError`.
        """
        self._step += 1
        try:
            return self._respond(challenge.decode())
        except (self._refused, UnicodeDecodeError) as error:
            why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else safe_text(str(error.args[0]))
        raise _unproven(why)  # outside of the handler: what the library's frames hold goes no further

    def _respond(self, challenge: str) -> bytes:
        if self._step > 1 and (error := _ERROR.match(challenge)):
            raise ScramRefusedError(error[1])
        match self._step:
            case 1:
                if challenge:
                    raise _unproven("it speaks first")
                return self._scram.get_client_first().encode()  # type: ignore[no-any-return]
            case 2:
                check_rounds(challenge)
                self._scram.set_server_first(challenge)
                return self._scram.get_client_final().encode()  # type: ignore[no-any-return]
            case 3:
                self._scram.set_server_final(challenge)
                self.finished = True
                return b""
        raise _unproven("it goes on after its end")


def check_rounds(server_first: str) -> None:
    """Refuse a number of rounds that no honest server asks for, before one of them is run."""
    found = _ROUNDS.search(server_first)
    rounds = found[1] if found else ""
    if not (rounds.isascii() and rounds.isdigit()) or len(rounds) > len(str(MAX_ROUNDS)):
        raise _unproven("its number of rounds is none that can be" if found else "it gives no number of rounds")
    if not MIN_ROUNDS <= int(rounds) <= MAX_ROUNDS:
        raise _unproven(f"it wants {int(rounds)} rounds, and between {MIN_ROUNDS} and {MAX_ROUNDS} are sane")


def _unproven(why: str) -> ServerProofError:
    return ServerProofError(f"what the server says in the login by SCRAM-SHA-256 is wrong: {why}")
