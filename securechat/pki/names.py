"""The names that certificates carry: hosts for servers, accounts for clients.

Both come from outside (a command line, later an invitation), end up in a signed certificate, and the account ends up
in a file name too; so both are checked here, whatever the caller has checked before.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import quote, unquote

from securechat.pki.errors import InvalidRequestError

Host = str | IPv4Address | IPv6Address
"""A DNS name (lower case, A-labels, no dot at the end) or an IP address."""

_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
# A last label that looks like a number makes browsers and resolvers read the whole as an IPv4 address.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
# IDNA 2003, which Python's ssl module speaks, and IDNA 2008, which others speak, make different names of these.
_AMBIGUOUS: Final = frozenset("ßς\u200c\u200d")

_ACCOUNT: Final = re.compile(r"[A-Za-z_\[\]\\^{}|`][A-Za-z0-9_\[\]\\^{}|`-]{0,31}")
_ACCOUNT_URI: Final = "securechat:account:"


def parse_host(text: str) -> Host:
    """Read a host name or an IP address as a person types it.

    International names become A-labels (RFC 5890); wildcards, ports, brackets, zones and underscores are refused, and
    so are addresses to which nobody can connect. ``parse_host(str(parse_host(x))) == parse_host(x)``.

    Raises:
        InvalidRequestError: ``text`` is not a host.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return _dns_name(text)
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise InvalidRequestError(f"{text!r} has a zone, which means nothing on another machine: leave out the % part")
    if address.is_unspecified or address.is_multicast:
        raise InvalidRequestError(f"{text!r} is not the address of one machine")
    return address


def _dns_name(text: str) -> str:
    refused = InvalidRequestError(f"{text[:80]!r} is neither a host name nor an IP address")
    # RFC 1035 section 2.3.4 allows 253 visible characters, an A-label is never shorter than what it encodes, and
    # Python's IDNA codec takes quadratic time: so the length comes first.
    if len(text) > 254:
        raise refused
    if not _AMBIGUOUS.isdisjoint(text):
        raise InvalidRequestError(f"{text!r} is read differently by old and new IDNA: give its xn-- form")
    try:
        name = text.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        raise refused from None
    labels = name.split(".")
    if len(name) > 253 or _NUMBER.fullmatch(labels[-1]) or not all(_is_label(label) for label in labels):
        raise refused
    return name


def _is_label(label: str) -> bool:
    """Whether it is a letter-digit-hyphen label (RFC 1123 section 2.1), and real Punycode if it says so."""
    if not _LABEL.fullmatch(label):
        return False
    if not label.startswith("xn--"):
        return True
    try:
        # There and back: one name has one spelling, and the decoder is more lenient than RFC 3492 section 6.2.
        return label[4:].encode("ascii").decode("punycode").encode("punycode").decode("ascii") == label[4:]
    except UnicodeError:
        return False


def fold_account(name: str) -> str:
    """Check an account name; return the form in which two spellings of one account are equal.

    At most 32 ASCII letters, digits and ``-_[]\\^{}|`` and backquotes, the first no digit and no ``-``. Only A to Z are
    folded (CASEMAPPING=ascii): ``[`` and ``{`` differ.

    Raises:
        InvalidRequestError: it is not an account name.
    """
    if not _ACCOUNT.fullmatch(name):
        raise InvalidRequestError(
            f"{name[:80]!r} is not an account name: it takes 1 to 32 ASCII letters, digits and -_[]\\^{{}}|`, "
            "and does not start with a digit or -"
        )
    return name.lower()


def account_file_name(name: str) -> str:
    """The file name for an account's certificate: folded, and all but letters, digits, ``-`` and ``_`` percent-encoded.

    Two accounts never share a file, on no file system, and there is no way out of the directory.
    """
    return quote(fold_account(name), safe="") + ".pem"


def account_uri(name: str) -> str:
    """The URI that stands for an account in a certificate, such as ``securechat:account:alice``.

    Folded, so that equal accounts have equal URIs, and percent-encoded where RFC 3986 wants it.
    """
    return _ACCOUNT_URI + quote(fold_account(name), safe="")


def account_of_uri(uri: str) -> str | None:
    """The folded account name in such a URI; None if it is any other URI, or one not spelt as `account_uri` does."""
    if not uri.startswith(_ACCOUNT_URI):
        return None
    name = unquote(uri.removeprefix(_ACCOUNT_URI))
    try:
        return name if account_uri(name) == uri else None
    except InvalidRequestError:
        return None
