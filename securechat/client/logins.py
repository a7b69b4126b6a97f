"""Who one is, and how one proves it: one value for each way of getting in, for `Client.connect` and `Door`.

================  =====================================================================================================
`Password`        a name and a password: SASL SCRAM-SHA-256 where server and client have it, else PLAIN
`Certificate`     the client certificate that the connection shows (`client_context(ca, cert)`): SASL EXTERNAL
`Invitation`      a code that makes the account, with the password that one wants to have (`PASS invite:`, `REGISTER`)
================  =====================================================================================================

A login is the name of an account, or `name@device`. Nothing secret is in the repr of one. How each is proved is in
`proving`.

What is used the next time may be another value than the first time: an invitation is used up, and a server that took a
password only by PLAIN need not be asked for SCRAM again. `Client.next_login` has it; a `Door` remembers it by itself.
"""

from dataclasses import dataclass, field
from pathlib import Path

from securechat.client.errors import MistakeError
from securechat.client.safe import safe_name
from securechat.pki import CertificateInfo, PKIError


@dataclass(frozen=True, slots=True)
class Password:
    """A name and a password.

    SCRAM-SHA-256 (RFC 7677) is used where the server offers it and `scramp` is installed (the extra `scram`): then the
    server never sees the password. If it refuses that, PLAIN is tried once, with what that gives away: see `scram`.

    `scram`: whether that is worth trying; False once this server has taken the password by PLAIN only.
    """

    login: str
    password: str = field(repr=False)
    scram: bool = True


@dataclass(frozen=True, slots=True)
class Certificate:
    """The client certificate that the connection shows, which says who one is: SASL EXTERNAL.

    `otherwise`: the password for a server that does not offer EXTERNAL, or does not take this certificate for `login`
    (yet: registering one takes a login). None: then there is no login. `file` and `fingerprint` (SHA-256 of the
    certificate, 64 hexadecimal digits) are for sentences, so that one knows which; `Certificate.of` finds them.
    """

    login: str
    otherwise: Password | None = None
    file: str = ""
    fingerprint: str = ""

    @classmethod
    def of(cls, path: Path, login: str, otherwise: Password | None = None) -> "Certificate":
        """The one in a PEM file, the same that was given to `client_context`. Raises `MistakeError`."""
        try:
            info = CertificateInfo.read(path)
        except PKIError as error:
            raise MistakeError(str(error)) from error
        return cls(login, otherwise, str(path), info.fingerprint)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code with which a server makes an account, or sets the password of one anew, and the password to be.

    When it has worked one is logged in, and `Password(login or account, password)` is what logs in the next time.
    """

    code: str = field(repr=False)
    account: str
    password: str = field(repr=False)
    login: str = ""
    """What to log in as later, if that is not the account's name alone: `account@device`."""

    def used(self) -> Password:
        """What logs in when the account is there."""
        return Password(self.login or self.account, self.password)


Login = Password | Certificate | Invitation


def login_of(nick: str, login: Login | str | None, password: str | None) -> Login | None:
    """What the short form of `Client.connect` means: a name (the nick, if none is given) with a password, or nobody.

    Raises `ValueError` for a password beside a `Login`, which has its own.
    """
    if login is None or isinstance(login, str):
        return None if password is None else Password(login or nick, password)
    if password is not None:
        raise ValueError("a login of its own kind takes no password beside it")
    return login


def name_of(login: Login) -> str:
    """The name of whom it logs in, fit for a sentence."""
    return safe_name(login.account if isinstance(login, Invitation) else login.login)
