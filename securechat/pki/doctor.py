"""What is wrong with certificates, and what to do about it: for files, for a whole directory, for a running server.

Each thing that is looked at gives a `Finding`, also when it is good: a list of what was checked is worth more than
silence. Files are judged as those who meet them will judge them: a server's certificate by a real handshake (`probe`),
a user's as the server reads it.
"""

from datetime import datetime
from pathlib import Path
from ssl import SSLContext
from typing import Final

from cryptography import x509

from securechat.pki.authority import DEFAULT_DAYS, Authority, Purpose
from securechat.pki.bundle import Bundle, authority_beside, read_bundle
from securechat.pki.certificate import CertificateInfo, parse_certificates, spki_fingerprint
from securechat.pki.errors import PKIError
from securechat.pki.files import is_there, list_directory, read_if_there
from securechat.pki.findings import Finding, Level, any_wrong, good, of_key, of_revocation, of_time, warning, wrong
from securechat.pki.holding import replaced_key_path
from securechat.pki.issued import read_index
from securechat.pki.issuing import is_signed_by
from securechat.pki.probe import judge, look
from securechat.pki.revocation import RevocationList, revocation_path
from securechat.pki.succession import history_path, load_history

__all__ = [
    "Finding",
    "Level",
    "any_wrong",
    "examine_authority",
    "examine_client",
    "examine_directory",
    "examine_running",
    "examine_server",
]

_RENEW_SERVER: Final = "`securechat certs renew server`, or `certbot renew` where that made it"
_ISSUE_SERVER: Final = "`securechat certs issue --server --host NAME` makes one for it"


def examine_server(
    bundle: Bundle, context: SSLContext | None, authority: Path | None, *, host: str | None, now: datetime
) -> list[Finding]:
    """A server's certificate, its chain and its key, in files.

    Args:
        bundle: what was read.
        context: the client's, which trusts ``authority``; None if none could be made, so that no handshake is tried.
        authority: the file of the authority that clients trust; None for this system's own.
        host: the name under which people connect; None tries each that is in the certificate.
        now: aware.
    """
    name, info = str(bundle.path), bundle.info
    key = of_key(bundle, group_may_read=True)
    time = of_time(info, name, now, _RENEW_SERVER)
    findings = [time, *key]
    if not info.hosts:
        findings.append(wrong(f"{name} is for no host", _ISSUE_SERVER))
    elif context is not None and not any_wrong(key[:1]):
        findings += _tried(bundle, context, _called(authority), [host] if host else list(info.hosts), time)
    if authority is not None:
        findings += of_revocation(bundle.certificates[0], authority, name, _RENEW_SERVER)
    return findings


def examine_client(bundle: Bundle, authority: Path | None, *, now: datetime) -> list[Finding]:
    """A user's certificate and key, in files, as a server reads it that trusts ``authority`` (None: not known)."""
    name, account = str(bundle.path), bundle.info.account
    anew = f"`securechat certs issue {account or 'NAME'}` makes another"
    findings = [of_time(bundle.info, name, now, anew), *of_key(bundle, group_may_read=False)]
    if account is None:
        findings.append(wrong(f"{name} names no account", anew))
    else:
        findings.append(good(f"{name} is for the account {account}"))
    if authority is None:
        return [*findings, warning(f"who signed {name} could not be checked", "name the authority with --ca")]
    signer = parse_certificates(read_if_there(authority) or b"", authority)[0]
    if not is_signed_by(bundle.certificates[0], signer):
        return [*findings, wrong(f"{name} is not signed by {authority}", anew)]
    findings.append(good(f"{name} is signed by {authority}"))
    return [*findings, *of_revocation(bundle.certificates[0], authority, name, anew)]


def examine_authority(bundle: Bundle, *, now: datetime) -> list[Finding]:
    """An authority of securechat's, and what lies beside it: its key, its list of the revoked, its predecessors."""
    path, purpose, certificate = bundle.path, bundle.purpose, bundle.certificates[0]
    findings = [_of_authoritys_time(bundle, now)]
    if bundle.key_path is None:
        findings.append(good(f"the private key of {path} is somewhere else, where it is safest"))
    else:
        findings += of_key(bundle, group_may_read=False)
    is_usual = path == purpose.certificate_path(path.parent) and bundle.key_path == purpose.key_path(path.parent)
    if is_usual and not any_wrong(findings):
        try:
            Authority.load(path.parent, purpose, now=now)
        except PKIError as error:
            findings.append(wrong(str(error), "nothing can be issued with it"))
    findings += _of_list(path, certificate)
    if purpose is Purpose.SERVERS:
        findings += _of_history(path, certificate)
    return findings


def examine_directory(directory: Path, *, now: datetime) -> list[Finding]:
    """What a directory of securechat's has besides the server's certificate: authorities, users, the index."""
    findings: list[Finding] = []
    if is_there(replaced_key_path(directory)):
        findings.append(
            wrong(
                f"{replaced_key_path(directory)} is there: a replacement of the authority was cut off",
                "any `securechat certs` command that makes something puts it right",
            )
        )
    for purpose in Purpose:
        path, key_path = purpose.certificate_path(directory), purpose.key_path(directory)
        if is_there(path):
            findings += _examine(path, now)
        elif is_there(key_path):
            findings.append(wrong(f"{key_path} is there, but its certificate {path} is not", "put it there again"))
    for path in list_directory(directory / "clients"):
        if path.suffix == ".pem":
            findings += _of_user(path, now)
    for sentence in read_index(directory).broken:
        findings.append(warning(sentence, "remove it; the certificate can then only be revoked by its own file"))
    return findings


def examine_running(
    address: str, port: int, context: SSLContext, authority: Path | None, *, host: str, now: datetime
) -> list[Finding]:
    """A running server, as a client with ``context`` meets it that wants to speak with ``host``.

    ``authority`` is the file of whom the context trusts; None for this system's authorities.
    """
    who = f"{host} port {port}"
    seen = look(address, port, host, context, _called(authority))
    if seen.certificate is None:
        return [wrong(seen.problem or f"{who} shows no certificate", seen.remedy)]
    name = f"the certificate of {who}"
    findings = []
    if not seen.problem:
        findings.append(good(f"{who} speaks TLS 1.3 ({seen.cipher}) and is verified by {_called(authority)}"))
    try:
        info = CertificateInfo.of(seen.certificate)
    except PKIError as error:
        findings.append(wrong(f"{name}: {error}", _RENEW_SERVER))
    else:
        time = of_time(info, name, now, _RENEW_SERVER)
        if seen.problem and not (seen.dates and time.level is Level.WRONG):
            findings.append(wrong(f"{name}: {seen.problem}", seen.remedy))
        names = ", ".join(text if text.isprintable() else ascii(text) for text in info.hosts)
        findings += [good(f"{name} is for {names or 'no host'}"), time]
    if authority is not None:
        findings += of_revocation(seen.certificate, authority, name, _RENEW_SERVER)
    if seen.old_tls:
        findings.append(
            warning(f"{who} speaks TLS 1.2 as well", "securechat does not: look what stands in front of it")
        )
    return findings


def _called(authority: Path | None) -> str:
    return str(authority) if authority is not None else "an authority of this system"


def _examine(path: Path, now: datetime) -> list[Finding]:
    """An authority or a user's certificate, in a directory of ours."""
    try:
        bundle = read_bundle(path)
        if bundle.is_authority:
            return examine_authority(bundle, now=now)
        return examine_client(bundle, authority_beside(path, Purpose.CLIENTS), now=now)
    except PKIError as error:
        return [wrong(str(error), "put it right, or remove it")]


def _of_user(path: Path, now: datetime) -> list[Finding]:
    """A file that lets nobody in any more is in nobody's way, and is told once."""
    findings = _examine(path, now)
    ended = [finding for finding in findings if finding.level is Level.WRONG and finding.is_end]
    return [warning(ended[0].what, f"remove it; {ended[0].remedy}")] if ended else findings


def _tried(bundle: Bundle, context: SSLContext, authority: str, hosts: list[str], time: Finding) -> list[Finding]:
    """Each host tried; a problem that several have is told once."""
    accepted, problems = [], {}
    for host in hosts:
        verdict = judge(bundle, context, host.replace("*", "any", 1), authority)
        if not verdict.problem:
            accepted.append(host)
        elif not (verdict.dates and time.level is Level.WRONG):  # which was said, with the date
            problems[verdict.problem] = verdict.remedy
    findings = [wrong(f"{bundle.path}: {problem}", remedy) for problem, remedy in problems.items()]
    if accepted:
        whom = ", ".join(accepted)
        findings.append(good(f"clients accept {bundle.path} for {whom}, verified by {authority}"))
    return findings


def _of_authoritys_time(bundle: Bundle, now: datetime) -> Finding:
    path, left = bundle.path, bundle.info.days_left(now)
    of_servers = bundle.purpose is Purpose.SERVERS
    if not bundle.info.is_valid(now):
        return of_time(bundle.info, str(path), now, "`securechat certs init --force` makes a new one")
    if left >= DEFAULT_DAYS:
        return good(f"{path} is an authority of {bundle.purpose.name.lower()} with {left} days left")
    return warning(
        f"{path} is an authority with {left} days left, and what it signs can't live longer",
        "`securechat certs init --replace-ca` makes a new one, to which clients follow by themselves"
        if of_servers
        else "move it and its key away, and `securechat certs init` makes a new one; then issue for users anew",
    )


def _of_list(path: Path, certificate: x509.Certificate) -> list[Finding]:
    crl = revocation_path(path)
    try:
        revocations = RevocationList.load(crl, certificate)
    except PKIError as error:
        return [wrong(str(error), f"put the one there that belongs to {path}, or remove it if nothing is revoked")]
    return [] if revocations is None else [good(f"{crl} is signed by {path}; revoked: {len(revocations.entries)}")]


def _of_history(path: Path, certificate: x509.Certificate) -> list[Finding]:
    history = history_path(path)
    try:
        steps = load_history(history)
    except PKIError as error:
        return [wrong(str(error), "remove it; who trusts an authority of before then needs the new one by hand")]
    if not steps:
        return []
    spki = spki_fingerprint(certificate.public_key())
    if any(step.subject == certificate.subject and spki_fingerprint(step.public_key()) == spki for step in steps):
        return [good(f"{history} leads to {path} from those before it")]
    return [wrong(f"{history} does not lead to {path}", "put the one there that belongs to it, or remove it")]
