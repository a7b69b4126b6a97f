"""What can go wrong for somebody who connects, in words that say what to do, and the exit status of each.

::

    ClientError
    ├── MistakeError                 what was typed or configured
    ├── ServerNotThereError          no such host, nothing listens there, no answer
    ├── LoginRefusedError            the password, the certificate or the account
    ├── InvitationRefusedError       the account that one was invited to was not made
    │   ├── CodeRefusedError         the code is used up, has expired, or is none
    │   ├── NameRefusedError         the name is taken, or can't be had
    │   └── NewPasswordRefusedError  the password is too weak, or can't be used
    ├── ServerProofError             the server does not prove that it knows the account
    ├── RegistrationRefusedError     the server lets nobody in, or not like this
    ├── ConnectionLostError          it was there and is not any more
    ├── ChannelRefusedError          a channel could not be joined, or one was put out of the last one
    ├── NotAcknowledgedError         not all that was to be sent was accepted
    │   └── TooManyWaitError         or there was no room to keep it until it could be sent
    ├── SaveError                    what was to be saved on this machine could not be
    ├── InputOutputError             standard input can't be read, or standard output not written
    └── OutputClosedError            nobody reads what is printed

What fails in TLS is a `securechat.tls.errors.TLSError`. ``str()`` of each is a sentence or two without the full stop,
safe to be printed. `EXIT_STATUSES` is the one list of statuses.
"""

from dataclasses import dataclass
from typing import Final

from securechat.tls.errors import (
    CertificateExpired,
    CertificateFileError,
    CertificateRevoked,
    ClientCertificateRefused,
    TLSError,
    UnknownAuthority,
    WrongHostName,
)


class ClientError(Exception):
    """The base of all that the client raises on purpose."""


class MistakeError(ClientError):
    """Something on the command line, in the environment or in a file that it names can't be used."""


class ServerNotThereError(ClientError):
    """There is no server to be reached."""


class LoginRefusedError(ClientError):
    """The server does not accept this name with this password, or this certificate."""


class InvitationRefusedError(ClientError):
    """The server does not make the account that one was invited to. `code`: of its `FAIL REGISTER`, or empty."""

    def __init__(self, sentence: str = "", code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class CodeRefusedError(InvitationRefusedError):
    """The code of the invitation is used up, has expired, or the server knows none such."""


class NameRefusedError(InvitationRefusedError):
    """Another name may do: this one is taken, not for this invitation, or none for an account."""


class NewPasswordRefusedError(InvitationRefusedError):
    """Another password may do: this one is too weak, or can't be used."""


class ServerProofError(ClientError):
    """In a login in which both sides prove what they know (SCRAM) the server did not, or not as it should."""


class RegistrationRefusedError(ClientError):
    """The server does not let one in, for another reason than the login. `final`: and will not the next time."""

    def __init__(self, sentence: str = "", *, final: bool = False) -> None:
        super().__init__(sentence)
        self.final = final


class ConnectionLostError(ClientError):
    """The connection ended without anybody's wish at this end."""


class ChannelRefusedError(ClientError):
    """A channel could not be joined, or one was put out of the only one that there was."""


class NotAcknowledgedError(ClientError):
    """Something that was to be sent was refused, or nobody knows."""


class TooManyWaitError(NotAcknowledgedError):
    """So many messages wait for the server that there is no room for one more."""


class SaveError(ClientError):
    """What was to be saved on this machine could not be: the disk is full, or a directory is not ours."""


class InputOutputError(ClientError):
    """Standard input can't be read, or standard output can't be written to."""


class OutputClosedError(ClientError):
    """Nobody reads standard output any more."""


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """One exit status of `securechat connect`: what it means, and the exceptions that end in it."""

    status: int
    meaning: str
    errors: tuple[type[BaseException], ...] = ()


EXIT_STATUSES: Final = (
    ExitStatus(0, "all that was sent was acknowledged, or you left"),
    ExitStatus(2, "the command line, a file that it names or the password source can't be used",
               (MistakeError, CertificateFileError)),
    ExitStatus(3, "the server is not there: no such host, nothing listens, no answer", (ServerNotThereError,)),
    ExitStatus(4, "the server's certificate is for another host name", (WrongHostName,)),
    ExitStatus(5, "the server's certificate is signed by nobody who is trusted", (UnknownAuthority,)),
    ExitStatus(6, "the server's certificate has expired, was revoked, or is not valid yet",
               (CertificateExpired, CertificateRevoked)),
    ExitStatus(7, "the server wants a client certificate, or another one", (ClientCertificateRefused,)),
    ExitStatus(8, "no TLS 1.3 connection, for another reason", (TLSError,)),
    ExitStatus(9, "the login was refused: wrong password, unknown or disabled account, or certificate",
               (LoginRefusedError,)),
    ExitStatus(10, "the server refused the connection for another reason", (RegistrationRefusedError,)),
    ExitStatus(11, "the connection was lost", (ConnectionLostError,)),
    ExitStatus(12, "not all that was sent was accepted", (NotAcknowledgedError,)),
    ExitStatus(13, "a channel could not be joined, or you were put out of the last one", (ChannelRefusedError,)),
    ExitStatus(14, "the invitation was refused: the code, or the name or password that you chose",
               (InvitationRefusedError,)),
    ExitStatus(15, "the server did not prove that it knows your account (SCRAM)", (ServerProofError,)),
    ExitStatus(16, "what was to be saved on this machine could not be", (SaveError,)),
    ExitStatus(70, "a mistake of securechat's own: please report it"),
    ExitStatus(130, "interrupted with Ctrl-C before it was finished", (KeyboardInterrupt,)),
    ExitStatus(141, "nobody reads the output any more", (OutputClosedError,)),
    ExitStatus(1, "something else failed", (BaseException,)),
)  # fmt: skip
"""All of them. For an error the first that names its class counts, so the general ones come last."""


def exit_status(error: BaseException) -> int:
    """The exit status of a program that ends because of `error`."""
    return next(entry.status for entry in EXIT_STATUSES if isinstance(error, entry.errors))
