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
from securechat.pki.reporting import report


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
    for line in report(made):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
