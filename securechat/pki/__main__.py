"""Make the development authorities and certificates: ``python -m securechat.pki``, and ``scripts/gen_certs.py``.

It needs no more than Python and `cryptography`, so that it also runs in a checkout that nobody installed; hence
argparse, and not the typer of the commands. Exit status: 0 done; 1 the system refused (disk, permissions); 2 something
was asked for, or lies in the directory, that can't be used.
"""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from securechat import pki


class _Parser(argparse.ArgumentParser):
    """One sentence for a mistake, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"gen_certs: {message}\n")


def _arguments() -> _Parser:
    parser = _Parser(
        prog="gen_certs",
        description="Make the certificate authorities of a chat (kept when they are there), and fresh certificates.",
        allow_abbrev=False,
    )
    parser.add_argument("--out", type=Path, default=Path("certs"), metavar="DIR", help="where to (default: certs)")
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="one more DNS name or IP address of the server, besides localhost, 127.0.0.1, ::1 and this machine's name",
    )
    parser.add_argument(
        "--client", action="append", default=[], metavar="USER", help="also make a client certificate for this account"
    )
    parser.add_argument(
        "--days", type=int, default=pki.DEFAULT_DAYS, metavar="N", help="how long they are valid (default: %(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="replace the authorities; all their certificates are void")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks for; return the exit status."""
    asked = _arguments().parse_args(arguments)
    try:
        made = pki.make_development_certs(
            asked.out, hosts=asked.host, clients=asked.client, days=asked.days, force=asked.force
        )
    except pki.BrokenFilesError as error:
        print(f"gen_certs: {error}; put it right, or make new authorities with --force", file=sys.stderr)
        return 2
    except pki.InvalidRequestError as error:
        print(f"gen_certs: {error}", file=sys.stderr)
        return 2
    except pki.StorageError as error:
        print(f"gen_certs: {error}", file=sys.stderr)
        return 1
    _report(made)
    return 0


def _report(made: pki.DevelopmentCertificates) -> None:
    _line(made.authority, "signs servers, give it to those who connect")
    _line(made.client_authority, "signs users, for the server")
    _line(made.server, f"for {', '.join(made.server.info.hosts)}")
    for client in made.clients:
        _line(client, f"for the account {client.info.name}")
    print(f"SHA-256 of the public key (SPKI) of {made.authority.path}: {made.authority.info.spki_fingerprint}")
    if made.left_out is not None:
        print(f"This machine calls itself {made.left_out!r}, which is no host name, so the certificate leaves it out.")
    if made.cut_short:
        print("No certificate can outlive its authority, so --days was cut short.")
    if made.authority.outcome is pki.Outcome.REPLACED or made.client_authority.outcome is pki.Outcome.REPLACED:
        print("An authority was replaced: what the old one signed is void, and who trusts it needs the new one.")
    elif pki.Outcome.REPLACED in {file.outcome for file in (made.server, *made.clients)}:
        print(
            "A replaced certificate is a fresh one under the same authority; the one before stays valid until its end."
        )


def _line(file: pki.CertificateFile, what: str) -> None:
    print(f"{file.outcome.value:8} {file.path}: {what}; valid until {file.info.not_after:%Y-%m-%d %H:%M} UTC")


if __name__ == "__main__":
    sys.exit(main())
