"""Who one is, and with whom one speaks: certificates that log one in, the password, the server."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from securechat.client.certificate_files import keep, where_to_keep
from securechat.client.commands.command import Arguments, Command, Misused, Screen, UsageError
from securechat.client.connection import Client
from securechat.client.enrolling import EnrolmentError, enrol, in_pieces
from securechat.client.errors import MistakeError, SaveError
from securechat.client.passwords import NEW_QUESTIONS, OLD_QUESTION, change, new_password
from securechat.client.safe import safe_name, safe_text
from securechat.pki import PKIError
from securechat.pki.certificate import parse_certificates

_LEAST_DIGITS: Final = 8  # of a fingerprint that is to stand for a certificate
_LARGEST_FILE: Final = 262_144  # bytes; a certificate with its key and a long chain has 20,000


def _cert(screen: Screen, arguments: Arguments) -> None:
    action, *words = arguments.words or ["list"]
    if action == "list" and not words:
        screen.client.request("CERT", "LIST")
    elif action == "add":
        _add(screen.client, arguments.after(1))
    elif action == "del":
        _delete(screen.client, "".join(words))
    elif action == "enroll":
        _enroll(screen, arguments.after(1))
    else:
        raise Misused


def _add(client: Client, file: str) -> None:
    """Register the certificate in a file, or the one that this connection shows. A key that is in the file stays."""
    if file:
        in_pieces(client, "CERT", "ADD", thing=_certificate(Path(file).expanduser()))
    else:
        client.request("CERT", "ADD", "*")


def _certificate(path: Path) -> bytes:
    """The first certificate in a PEM file, as DER. Raises `UsageError`."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE)
        return parse_certificates(data, path)[0].public_bytes(Encoding.DER)
    except OSError as error:
        raise UsageError(f"{safe_text(str(path))} can't be read: {error.strerror}") from error
    except PKIError as error:
        raise UsageError(safe_text(str(error))) from error


def _delete(client: Client, fingerprint: str) -> None:
    """By its fingerprint, as whatever program wrote it: with colons, spaces or capitals, or only its first digits."""
    digits = fingerprint.replace(":", "").lower()
    if not _LEAST_DIGITS <= len(digits) <= 64 or set(digits) - set("0123456789abcdef"):
        raise UsageError(
            f"a fingerprint has 64 of 0-9 and a-f, of which the first {_LEAST_DIGITS} are enough: /cert list shows them"
        )
    client.request("CERT", "DEL", digits)


def _enroll(screen: Screen, file: str) -> None:
    """Have a key of one's own certified; where it is kept is settled before anybody is asked."""
    try:
        place = where_to_keep(Path(file).expanduser() if file else None, screen.chat.door.saved)
    except MistakeError as error:
        raise UsageError(str(error)) from error
    client, account = screen.client, screen.chat.door.account
    client.check()
    if not account:
        raise UsageError("you are not logged in, so there is no account to which a key could belong")

    def work() -> None:
        try:
            issued = enrol(client, account)
            sentences = keep(issued, place)
        except (EnrolmentError, MistakeError, SaveError) as error:
            raise UsageError(str(error)) from error
        for sentence in sentences:
            screen.show(f"-- {sentence}")

    screen.meanwhile(work)


def _passwd(screen: Screen, arguments: Arguments) -> None:
    if arguments.text:
        raise UsageError("it is /passwd alone: it asks for the passwords, and nobody sees them")
    client = screen.client
    client.check()

    def answered(answers: list[str]) -> None:
        old, new, again = answers
        try:
            request = change(client, old, new_password(new, again))
        except MistakeError as error:
            raise UsageError(str(error)) from error

        def work() -> None:
            client.wait(lambda: request.settled)
            if request.done:
                screen.chat.door.password_changed(new)

        screen.meanwhile(work)

    screen.ask_hidden((OLD_QUESTION, *NEW_QUESTIONS), answered)


def _server(screen: Screen, arguments: Arguments) -> None:
    if arguments.text:
        raise Misused
    for line in _told(screen.client):
        screen.show(f"* {line}")


def _told(client: Client) -> Sequence[str]:
    """With whom one speaks, line by line."""
    peer = client.peer
    network = f", of {safe_text(client.network)}" if client.network else ""
    lines = [
        f"you speak with {safe_name(client.server)}{network}, at {peer.host} port {peer.port}",
        f"its certificate is for {', '.join(peer.names) or 'nobody'}, with the fingerprint",
        f"  {peer.fingerprint}",
    ]
    if peer.authority_fingerprint:
        lines += [
            f"verified by {peer.authority or 'an authority'}, whose key has the fingerprint (that of invitations)",
            f"  {peer.authority_fingerprint}",
        ]
    else:
        lines.append(f"verified by an authority of this system; {peer.issuer or 'an authority'} has signed it")
    if peer.ends is not None:
        days = peer.days_left(datetime.now(UTC))
        lines.append(f"its certificate is valid until {peer.ends.astimezone():%Y-%m-%d %H:%M}, for {days} more days")
    lines.append(f"encrypted with {peer.tls}, {peer.cipher}")
    lines.append(f"you are {safe_name(client.nick)}, {_PROOFS.get(client.proof, f'logged in by {client.proof}')}")
    return lines


_PROOFS: Final = {
    "": "not logged in",
    "EXTERNAL": "logged in by your certificate (SASL EXTERNAL)",
    "PLAIN": "logged in by your password (SASL PLAIN)",
    "REGISTER": "logged in by an invitation",
    "SCRAM-SHA-256": "logged in by your password, which the server has not seen (SASL SCRAM-SHA-256)",
}


COMMANDS = (
    Command(
        "cert",
        "[action] [what]",
        "certificates that log you in (see /help cert)",
        _cert,
        (
            ("list", "which log you in"),
            ("add", "register the one that this connection shows"),
            ("add file", "register the one in a file; its key stays there"),
            ("del fingerprint", "one logs you in no more; its first 8 digits are enough"),
            ("enroll [file]", "make a key, and have the server certify it"),
        ),
    ),
    Command("passwd", "", "change your password", _passwd),
    Command("server", "", "with whom you speak, and how you know", _server),
)
