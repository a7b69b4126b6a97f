"""`securechat certs show` and `doctor`: what certificates are, and whether they are good."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from securechat.cli.endings import FAILED, MISTAKE, stop
from securechat.cli.place import MistakeError
from securechat.pki.authority import Purpose
from securechat.pki.bundle import Bundle, authority_beside, bundle_path, read_bundle
from securechat.pki.certificate import CertificateInfo, parse_certificates
from securechat.pki.doctor import (
    Finding,
    Level,
    any_wrong,
    examine_authority,
    examine_client,
    examine_directory,
    examine_running,
    examine_server,
)
from securechat.pki.errors import InvalidRequestError, PKIError, StorageError
from securechat.pki.files import is_there, list_directory, read_if_there
from securechat.pki.findings import warning, wrong
from securechat.pki.issued import serial_text
from securechat.pki.issuing import is_signed_by
from securechat.pki.keys import describe_key
from securechat.tls.contexts import client_context
from securechat.tls.errors import TLSError

_DEFAULT: Final = Path("certs")
_ADDRESS: Final = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\[\]:/]+)):(?P<port>[0-9]{1,5})")


def show(
    what: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|DIR", help="A certificate, or a directory of them [default: certs].", show_default=False
        ),
    ] = _DEFAULT,
) -> None:
    """Show what is in certificates: names, fingerprints, how long they are valid; no secrets."""
    try:
        paths = _shown_of(what)
        for number, path in enumerate(paths):
            if number:
                typer.echo()
            for line in _lines(read_bundle(path), datetime.now(UTC)):
                typer.echo(line)
    except StorageError as error:
        stop(error, FAILED)
    except (MistakeError, PKIError) as error:
        stop(error, MISTAKE)


def doctor(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE|DIR|HOST:PORT",
            help="A certificate, a directory of them, or a running server [default: certs].",
            show_default=False,
        ),
    ] = str(_DEFAULT),
    ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The authority that should have signed it [default: that beside the file, or in certs, else this "
            "system's].",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The private key, where it is not in the file or beside it.", show_default=False
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The name under which people connect [default: all in the certificate, or HOST].",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Look for what is wrong with certificates, in files or as a running server shows them, and say what to do."""
    try:
        path = Path(what)
        if ca is not None and not ca.is_file():
            raise MistakeError(f"there is no file {ca}")
        if is_there(path):
            findings = _of_directory(path, ca, key, host) if path.is_dir() else _of_file(path, ca, key, host)
        else:
            findings = _of_running(what, ca, host)
    except StorageError as error:
        stop(error, FAILED)
    except (MistakeError, PKIError) as error:
        stop(error, MISTAKE)
    for finding in findings:
        remedy = f": {finding.remedy}" if finding.remedy else ""
        typer.echo(f"{finding.level.value:8} {finding.what}{remedy}")
    if any_wrong(findings):
        count = sum(finding.level is Level.WRONG for finding in findings)
        stop(f"{count} thing{' is' if count == 1 else 's are'} wrong", FAILED)


def safe(text: str) -> str:
    """A name from a certificate, fit for a terminal."""
    return text if text.isprintable() else ascii(text)


def _shown_of(what: Path) -> list[Path]:
    if not what.is_dir():
        return [what]
    paths = [path for purpose in Purpose if is_there(path := purpose.certificate_path(what))]
    try:
        paths.append(bundle_path(what))
    except InvalidRequestError:
        if not paths:
            raise MistakeError(f"there are no certificates in {what}") from None
    return [*paths, *(path for path in list_directory(what / "clients") if path.suffix == ".pem")]


def _lines(bundle: Bundle, now: datetime) -> list[str]:
    info = bundle.info
    facts = [("names", ", ".join(map(safe, info.hosts)))] if info.hosts else [("name", safe(info.name) or "none")]
    if info.account is not None:
        facts.append(("account", info.account))
    facts += [
        ("issuer", safe(info.issuer) or "has no common name"),
        ("serial", serial_text(info.serial)),
        ("valid", f"{info.not_before:%Y-%m-%d %H:%M} to {info.not_after:%Y-%m-%d %H:%M} UTC, {_left(info, now)}"),
        ("key", describe_key(bundle.certificates[0].public_key())),
        ("fingerprint", info.fingerprint),
        *_authority_facts(bundle),
    ]
    kind = (
        "an authority"
        if info.is_authority
        else "a client's certificate"
        if _is_client(bundle)
        else "a server's certificate"
    )
    return [f"{bundle.path}: {kind}", *(f"  {name:13} {value}" for name, value in facts)]


def _authority_facts(bundle: Bundle) -> list[tuple[str, str]]:
    """The fingerprint by which links know the authority: SHA-256 of its public key."""
    root, where = bundle.root(), str(bundle.path)
    if root is None and (beside := authority_beside(bundle.path, bundle.purpose)) is not None:
        found = parse_certificates(read_if_there(beside) or b"", beside)[0]
        if is_signed_by(bundle.certificates[-1], found):
            root, where = found, str(beside)
    if root is None:
        return [
            ("authority", f"{safe(CertificateInfo.of(bundle.certificates[-1]).issuer)}, which is not in this file"),
            ("authority key", "where it is a public authority, links end in #system"),
        ]
    info = CertificateInfo.of(root)
    if bundle.is_authority:
        return [("authority key", info.spki_fingerprint)]
    return [("authority", f"{safe(info.name)} ({where})"), ("authority key", info.spki_fingerprint)]


def _left(info: CertificateInfo, now: datetime) -> str:
    if now > info.not_after:
        return "expired"
    days = info.days_left(now)
    return f"{days} day{'' if days == 1 else 's'} left" if now >= info.not_before else "not yet"


def _is_client(bundle: Bundle) -> bool:
    return bundle.purpose is Purpose.CLIENTS


def _of_directory(directory: Path, ca: Path | None, key: Path | None, host: str | None) -> list[Finding]:
    findings = examine_directory(directory, now=datetime.now(UTC))
    try:
        path = bundle_path(directory)
    except InvalidRequestError as error:
        return [*findings, warning(str(error), "`securechat certs init` makes one")]
    return [*findings, *_of_file(path, ca, key, host)]


def _of_file(path: Path, ca: Path | None, key: Path | None, host: str | None) -> list[Finding]:
    now = datetime.now(UTC)
    bundle = read_bundle(path, key)
    if bundle.is_authority:
        return examine_authority(bundle, now=now)
    ca = ca or authority_beside(path, bundle.purpose)
    if _is_client(bundle):
        return examine_client(bundle, ca, now=now)
    try:
        context, findings = client_context(ca), []
    except TLSError as error:
        context, findings = None, [wrong(str(error))]
    return [*findings, *examine_server(bundle, context, ca, host=host, now=now)]


def _of_running(what: str, ca: Path | None, host: str | None) -> list[Finding]:
    address, port = _address(what)
    usual = Purpose.SERVERS.certificate_path(_DEFAULT)
    ca = ca or (usual if is_there(usual) else None)
    try:
        context = client_context(ca)
    except TLSError as error:
        return [wrong(str(error))]
    return examine_running(address, port, context, ca, host=host or address, now=datetime.now(UTC))


def _address(what: str) -> tuple[str, int]:
    """HOST:PORT, or [HOST]:PORT where the host is an IPv6 address."""
    found = _ADDRESS.fullmatch(what)
    if found is None:
        raise MistakeError(f"{what!r} is neither a file or directory that is there nor HOST:PORT")
    port = int(found["port"])
    if not 0 < port < 65536:
        raise MistakeError(f"there is no port {port}: it is 1 to 65535")
    return found["six"] or found["host"], port
