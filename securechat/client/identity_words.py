"""What a server says about who people are, in words: certificates, passwords and invitations (commands of our own).

A fingerprint stands at the end of its line, where it has a row of the terminal for itself and can be copied whole.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from securechat.client.events import Event, ServerSaid
from securechat.client.safe import safe_name, safe_text
from securechat.irc.links import JoinLink, LinkError

COMMANDS: Final = frozenset(("CERT", "INVITATION", "PASSWD"))
"""The commands whose answers are told here."""

CERTIFICATES_STAY: Final = "the certificates that log you in stay good, and /cert list shows them"
"""What is said with a new password, where there are any."""

REFUSALS: Final = {
    ("INVITATION", "NO_SUCH_INVITATION"): "there is no invitation {0}: /invitation list shows those that there are",
    ("PASSWD", "INVALID_CREDENTIALS"): "the old password is not the right one: nothing was changed",
}
"""Where something better can be said than the server's words; `{0}` is what the refusal is about."""


def note(event: ServerSaid) -> str | None:
    """What a NOTE of these commands says. Empty: nothing is to be told; None: it is none that is known.

    Raises `ValueError` and `IndexError` for one that has not what it should have.
    """
    command, code, *params = event.params
    tell = _NOTES.get((command, code))
    return tell(params, event.count) if tell else None


def certificates_stay(event: Event) -> bool:
    """Whether that is a new password for an account with certificates, which log one in as before."""
    return isinstance(event, ServerSaid) and event.params[:2] == ("PASSWD", "CHANGED") and len(event.params) > 3


def supplied(event: ServerSaid) -> str:
    """That something has come that is no text (`arriving`)."""
    return f"CERT {safe_name(event.params[0])}: {event.count} came, which are for programs"


def link(event: ServerSaid) -> str | None:
    """The link in the answer to INVITATION, to be copied and therefore not to be broken; None where there is none.

    It holds nothing that moves a cursor, and looks like nothing else.
    """
    match event.params:
        case ("INVITATION", "LINK", _, _, text):
            try:
                return JoinLink.parse(text).format()
            except LinkError:
                pass
    return None


def moment(text: str) -> str:
    """A time as IRCv3 server-time has it, as date and time of the clock here. Raises `ValueError` for anything else."""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M}"


def _added(params: list[str], _: int) -> str:
    return f"from now on you log in with the certificate {safe_name(params[0])}"


def _certificate(params: list[str], _: int) -> str:
    fingerprint, added, expires, *marks, name = params
    if "enrolled" in marks:
        return f"signed by the server, good from {moment(added)} until {moment(expires)}: {safe_name(fingerprint)}"
    return f"{safe_text(name)}, added {moment(added)}, good until {moment(expires)}: {safe_name(fingerprint)}"


def _removed(params: list[str], _: int) -> str:
    return f"you no longer log in with the certificate {safe_name(params[0])}"


def _end_of_certificates(_: list[str], count: int) -> str:
    return "" if count else "no certificate is known that logs you in; /cert enroll makes one"


def _changed(params: list[str], _: int) -> str:
    """Behind the code: how many certificates log one in, if there are any."""
    stay = f"; {CERTIFICATES_STAY}" if len(params) > 1 else ""
    return f"your password is changed: your other devices have to log in again, with the new one{stay}"


def _link(params: list[str], _: int) -> str:
    id_, until, text = params
    return f"invitation {safe_name(id_)}, good until {moment(until)}: {safe_text(text)}"


def _invited(params: list[str], _: int) -> str:
    id_, count, until, name, kind, text = params
    left, _slash, uses = count.partition("/")
    whom = "anybody" if name == "*" else safe_name(name)
    what = {"reset": f"lets {whom} choose a new password", "admin": f"for {whom}, as administrator"}
    return (
        f"invitation {safe_name(id_)} {what.get(kind, f'for {whom}')}, {safe_name(left)} of {safe_name(uses)} left, "
        f"good until {moment(until)}, {safe_text(text)}"
    )


def _end_of_invitations(_: list[str], count: int) -> str:
    return "" if count else "there are no invitations"


def _revoked(params: list[str], _: int) -> str:
    return f"invitation {safe_name(params[0])} lets nobody in any more"


_NOTES: Final[dict[tuple[str, str], Callable[[list[str], int], str]]] = {
    ("CERT", "ADDED"): _added,
    ("CERT", "CERTIFICATE"): _certificate,
    ("CERT", "END_OF_CERTIFICATES"): _end_of_certificates,
    ("CERT", "REMOVED"): _removed,
    ("INVITATION", "END_OF_INVITATIONS"): _end_of_invitations,
    ("INVITATION", "INVITED"): _invited,
    ("INVITATION", "LINK"): _link,
    ("INVITATION", "REVOKED"): _revoked,
    ("PASSWD", "CHANGED"): _changed,
}
"""By command and code: the parameters behind these, and, at the end of a list, how many entries it had."""
