"""What the operator is shown: records that go over the control socket as JSON objects with the same fields.

Times are ISO 8601, in UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, TypeVar, get_type_hints

from securechat.server import control_wire as wire

__all__ = ["AccountLine", "BanLine", "CertificateLine", "Invitation", "InvitationLine", "Wish", "from_wire", "to_wire"]


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account, as `securechat user list` shows it."""

    name: str
    role: str
    """``member`` or ``admin``."""
    enabled: bool
    created: str
    online: bool


@dataclass(frozen=True, slots=True)
class BanLine:
    """One ban of the server, as `securechat ban list` shows it."""

    whom: str
    """An account, or a network as ``address/length``."""
    kind: str
    """``account`` or ``network``."""
    by: str
    created: str
    until: str | None
    """``None``: for good."""
    reason: str


@dataclass(frozen=True, slots=True)
class CertificateLine:
    """One certificate that an account has registered, as `securechat user certs` shows it."""

    fingerprint: str
    """SHA-256: 64 lower-case hexadecimal digits."""
    name: str
    """Its common name."""
    added: str
    expires: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What kind of invitation the operator wants; ``None`` is what the server is to see to itself."""

    name: str = ""
    """Of the account that it is for; empty: whoever gets it."""
    admin: bool = False
    reset: bool = False
    """Whether it is to set the password of an account that there is."""
    uses: int = 1
    seconds: int = 86_400
    """How long it is good."""
    host: str | None = None
    """Where the link leads to, as the port does."""
    port: int | None = None
    authority: str | None = None
    """DER in Base64: the certificate of the authority that has signed the server's."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """One that was just made."""

    link: str = field(repr=False)
    """With the code in it: a secret."""
    id: str
    name: str
    """Of the account that it is for; empty: whoever gets it."""
    admin: bool
    uses: int
    until: str
    warnings: list[str]
    """Sentences, without full stops, about why the link may not work."""


@dataclass(frozen=True, slots=True)
class InvitationLine:
    """One invitation, as `securechat invite list` shows it."""

    id: str
    state: str
    """``open``, ``used`` or ``expired``."""
    kind: str
    """``account``, ``admin`` or ``reset``."""
    name: str | None
    """Of the account that it is for; ``None``: whoever gets it."""
    left: int
    """Of its uses."""
    uses: int
    by: str
    created: str
    until: str


R = TypeVar("R", AccountLine, BanLine, CertificateLine, Invitation, InvitationLine, Wish)

_READERS: Final[dict[Any, Callable[[dict[str, object], str], object]]] = {
    str: wire.text,
    str | None: wire.text_or_none,
    bool: wire.flag,
    int: wire.number,
    int | None: wire.number_or_none,
    list[str]: wire.texts,
}


def to_wire(record: R) -> dict[str, object]:
    """As it goes over the socket."""
    return asdict(record)


def from_wire(kind: type[R], what: str, content: dict[str, object]) -> R:
    """The record that an object stands for.

    Raises:
        NonsenseError: a field is missing, of another kind, or unknown here; ``what`` it is no record of is named.
    """
    names = [each.name for each in fields(kind)]
    if content.keys() != set(names):
        raise wire.NonsenseError(f"{what} has other fields")
    hints = get_type_hints(kind)
    return kind(**{name: _READERS[hints[name]](content, name) for name in names})  # type: ignore[arg-type]
