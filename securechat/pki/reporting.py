"""What `make_development_certs` did, in words; for ``gen_certs`` and ``securechat certs init``."""

from securechat.pki.dev import DevelopmentCertificates
from securechat.pki.issuing import CertificateFile, Outcome


def report(made: DevelopmentCertificates) -> list[str]:
    """The lines that a person reads."""
    lines = [
        file_line(made.authority, "signs servers, give it to those who connect"),
        file_line(made.client_authority, "signs users, for the server"),
        file_line(made.server, f"for {', '.join(made.server.info.hosts)}"),
        *(file_line(client, f"for the account {client.info.name}") for client in made.clients),
        spki_line(made.authority),
    ]
    if made.left_out is not None:
        lines.append(
            f"This machine calls itself {made.left_out!r}, which is no host name, so the certificate leaves it out."
        )
    if made.cut_short:
        lines.append("No certificate can outlive its authority, so --days was cut short.")
    if made.authority.outcome is Outcome.REPLACED or made.client_authority.outcome is Outcome.REPLACED:
        lines.append("An authority was replaced: what the old one signed is void, and who trusts it needs the new one.")
    elif Outcome.REPLACED in {file.outcome for file in (made.server, *made.clients)}:
        lines.append(
            "A replaced certificate is a fresh one under the same authority; the one before stays valid until its end."
        )
    return lines


def file_line(file: CertificateFile, what: str) -> str:
    """What became of one file, what it is for, and how long."""
    return f"{file.outcome.value:8} {file.path}: {what}; valid until {file.info.not_after:%Y-%m-%d %H:%M} UTC"


def spki_line(authority: CertificateFile) -> str:
    """By what people can tell that they have the right authority."""
    return f"SHA-256 of the public key (SPKI) of {authority.path}: {authority.info.spki_fingerprint}"
