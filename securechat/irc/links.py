"""Links that let somebody in: ``securechat://HOST:PORT/CODE#FINGERPRINT``.

Where the server is, a code that opens its door, and by what one knows that it is the right server: the SHA-256 of the
public key of its authority (SubjectPublicKeyInfo, DER), or ``system`` where the authorities of the system decide. An
IPv6 address stands in brackets; the port is always there. The code is a secret until it is used up: it is in no repr
here and in no message of an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

__all__ = ["MAX_LINK", "SCHEME", "JoinLink", "LinkError", "is_code", "plain_host"]

SCHEME: Final = "securechat"
MAX_LINK: Final = 400
"""Characters; the longest host needs 253 of them. What is longer is no link, and need not be looked at."""

_SYSTEM: Final = "system"
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)  # 128 bits in Base64 without padding (RFC 4648 section 5)
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_HIGHEST_PORT: Final = 65_535
_SHAPE: Final = re.compile(r"([A-Za-z]+)://(\[[^\[\]/?#@]*\]|[^\[\]/?#@:]*):([^/?#]*)/([^/?#]*)#([^#]*)")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)  # as a last label it makes an address of the whole
_LONGEST_NAME: Final = 253


class LinkError(ValueError):
    """Some text is not a link; ``str()`` says what is wrong with it, without the full stop, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class JoinLink:
    """One such link, with the host in the form of `plain_host`.

    ``host``: a DNS name (A-labels, lower case) or an IP address, without brackets. ``port``: 1 to 65535. ``code``: what
    `is_code` knows. ``fingerprint``: 64 lower-case hexadecimal digits, or ``None`` where the system's authorities
    decide.

    Raises:
        LinkError: one of them can't be that. It is our own mistake unless it comes from `parse`.
    """

    host: str
    port: int
    code: str = field(repr=False)
    fingerprint: str | None

    def __post_init__(self) -> None:
        if plain_host(self.host) != self.host:
            raise LinkError("the host is neither a DNS name nor an IP address")
        if not 1 <= self.port <= _HIGHEST_PORT:
            raise LinkError("the port is no number from 1 to 65535")
        if not is_code(self.code):
            raise LinkError("the code is not 22 letters, digits, hyphens and underscores")
        if self.fingerprint is not None and not _FINGERPRINT.fullmatch(self.fingerprint):
            raise LinkError(
                f"behind the # there have to be 64 digits of 0-9 and a-f, or {_SYSTEM}: copy it again, to its end"
            )

    @classmethod
    def parse(cls, text: str) -> JoinLink:
        """Read a link. Scheme, host and fingerprint may have capital letters; around it there is nothing, not a space.

        Raises:
            LinkError: it is none.
        """
        if len(text) > MAX_LINK:
            raise LinkError("it is too long for a link")
        found = _SHAPE.fullmatch(text)
        if found is None or found[1].lower() != SCHEME:
            missing = "a part of it is missing: " if text.lower().startswith(f"{SCHEME}://") else ""
            raise LinkError(f"{missing}a link looks like {SCHEME}://HOST:PORT/CODE#FINGERPRINT")
        bracketed = found[2].startswith("[")
        host = plain_host(found[2][1:-1] if bracketed else found[2])
        if host is None or bracketed != (":" in host):
            raise LinkError("the host is neither a DNS name nor an IP address")
        port = int(found[3]) if _PORT.fullmatch(found[3]) else 0
        pinned = found[5].lower()
        return cls(host, port, found[4], None if pinned == _SYSTEM else pinned)

    def format(self) -> str:
        """The link as text. ``JoinLink.parse(link.format()) == link``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SCHEME}://{host}:{self.port}/{self.code}#{self.fingerprint or _SYSTEM}"


def is_code(text: str) -> bool:
    """Whether this can be the code of an invitation: 22 characters of the URL's Base64."""
    return _CODE.fullmatch(text) is not None


def plain_host(text: str) -> str | None:
    """A host as it stands in a link, without brackets: a DNS name of A-labels in lower case, with no dot at its end
    (RFC 1123 section 2.1), an IPv4 address, or an IPv6 address in its short form (RFC 5952) without a zone; ``None``:
    it is none of these."""
    if len(text) > _LONGEST_NAME:
        return None
    try:
        return str(IPv6Address(text)) if ":" in text and "%" not in text else str(IPv4Address(text))
    except AddressValueError:
        pass
    name = text.lower() if text.isascii() else ""
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]) or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return name
