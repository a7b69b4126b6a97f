"""`securechat certs`: the certificate authority of a chat, in a directory of files (see `securechat.pki.dev`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from securechat import pki
from securechat.cli.certs_look import doctor, safe, show
from securechat.cli.endings import FAILED, MISTAKE, complain, stop
from securechat.cli.enroll import enroll
from securechat.cli.place import MistakeError
from securechat.cli.tables import table
from securechat.pki import issuing, register, replacing
from securechat.pki.bundle import read_bundle
from securechat.pki.issued import serial_text
from securechat.pki.reporting import file_line, report, spki_line

__all__ = ["certs"]

certs = typer.Typer(
    help="Make and manage certificates: authorities, those of servers, those of users.",
    epilog="Exit status: 0 done; 1 the system refused, or the doctor found something wrong; 2 something was typed "
    "wrongly, or can't be used.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
certs.command(short_help="Show what is in certificates: names, fingerprints, days left.")(show)
certs.command(short_help="Look for what is wrong with certificates, and say what to do.")(doctor)
certs.command(short_help="Make a key here, and have a server certify it.")(enroll)

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The directory of the authorities.")]
Days = Annotated[int, typer.Option(metavar="N", help="How many days it is valid.")]
Hosts = Annotated[
    list[str] | None,
    typer.Option("--host", metavar="NAME", help="A DNS name or IP address of the server; several if repeated."),
]
DEFAULT_OUT = Path("certs")


@certs.command(short_help="Make the authorities and the server's certificate.")
def init(
    host: Hosts = None,
    days: Days = pki.DEFAULT_DAYS,
    replace_ca: Annotated[
        bool,
        typer.Option("--replace-ca", help="Make a new authority of servers, signed by the old one: clients follow."),
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Make new authorities that nobody vouches for, when a key was lost or stolen."),
    ] = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Make the two authorities, if they are not there, and a certificate for the server.

    That is for the hosts named, localhost, 127.0.0.1, ::1 and this machine's name.
    """
    with _endings():
        if replace_ca and force:
            raise MistakeError("--replace-ca and --force are two ways to new authorities: choose one")
        if replace_ca:
            _replace_authority(out, host or [], days)
            return
        for line in report(pki.make_development_certs(out, hosts=host or [], days=days, force=force)):
            typer.echo(line)


@certs.command(short_help="Make a key and a certificate for a user or a server.")
def issue(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The account.", show_default=False)] = None,
    server: Annotated[bool, typer.Option("--server", help="For a server, under the hosts named.")] = False,
    host: Hosts = None,
    days: Days = pki.DEFAULT_DAYS,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to put it [default: DIR/clients/NAME.pem or DIR/server.pem].",
            show_default=False,
        ),
    ] = None,
    out: Out = DEFAULT_OUT,
) -> None:
    """Make a key and a certificate for a user, who logs in with it; or, with --server, for a server.

    One that is there already is replaced, and stays valid until it ends or is revoked.
    """
    with _endings():
        if file is not None and not file.parent.is_dir():
            raise MistakeError(f"there is no directory {file.parent}")
        now = datetime.now(UTC)
        if server:
            if name is not None:
                raise MistakeError("either a NAME for a user or --server, and not both")
            if not host:
                raise MistakeError("a server's certificate needs at least one --host")
            made = issuing.issue_server(out, host, now=now, days=days, path=file)
            typer.echo(file_line(made, f"for {', '.join(made.info.hosts)}"))
        else:
            if name is None:
                raise MistakeError("for whom? `certs issue NAME` is for a user, `certs issue --server` for a server")
            if host:
                raise MistakeError("--host is for servers only (--server)")
            made = issuing.issue_client(out, name, now=now, days=days, path=file)
            typer.echo(file_line(made, f"for the account {made.info.name}; a secret: give it to nobody else"))
        _say_if_cut_short(made.info, now, days)


@certs.command(short_help="Make a new certificate for the same names.")
def renew(
    what: Annotated[
        str,
        typer.Argument(
            metavar="server|NAME|FILE", help="The server's, a user's, or that in a file.", show_default=False
        ),
    ],
    keep_key: Annotated[bool, typer.Option("--keep-key", help="Certify the same key again.")] = False,
    days: Days = pki.DEFAULT_DAYS,
    out: Out = DEFAULT_OUT,
) -> None:
    """Make a new certificate for the same names, in the place of one that is there."""
    with _endings():
        now = datetime.now(UTC)
        done = issuing.renew(out, _file_of(what, out), now=now, days=days, keep_key=keep_key)
        info = done.file.info
        whom = f"the account {info.name}" if info.account is not None else ", ".join(info.hosts)
        typer.echo(file_line(done.file, f"for {whom}, with {'the same' if keep_key else 'a new'} key"))
        if done.other_authority:
            typer.echo("The one before was signed by another authority, which is not here any more.")
        elif done.before.is_valid(now) and not done.revoked:
            serial = serial_text(done.before.serial)
            typer.echo(
                f"The one before stays valid until {done.before.not_after:%Y-%m-%d %H:%M} UTC; "
                f"`securechat certs revoke {serial}` ends it."
            )
        _say_if_cut_short(info, now, days)


@certs.command(short_help="Have a certificate believed no more.")
def revoke(
    what: Annotated[
        str,
        typer.Argument(
            metavar="NAME|SERIAL|FILE",
            help=f"A user, `server`, a serial number (or its first {register.LEAST_DIGITS} digits or more), or a file.",
            show_default=False,
        ),
    ],
    all_: Annotated[bool, typer.Option("--all", help="All that are valid, where a name has several.")] = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Have a certificate believed no more: put it on the list beside the authority that signed it."""
    with _endings():
        now = datetime.now(UTC)
        if _is_file(what):
            bundle = read_bundle(Path(what))
            if bundle.is_authority:
                raise MistakeError("an authority can't be revoked: `certs init` can replace it (--replace-ca, --force)")
            certificates = [bundle.certificates[0]]
        else:
            certificates = [known.certificate for known in _chosen(register.read_register(out, now=now), what, all_)]
        changed = register.revoke(out, certificates, now=now)
        for known in register.read_register(out, now=now).known:
            if known.certificate in certificates:
                _say_revoked(known, just_now=bool(changed), now=now)
        for path in changed:
            typer.echo(f"{path} has it: a server that runs takes it by itself; elsewhere it needs a copy.")


@certs.command("list", short_help="Show all that was issued here, and what is revoked.")
def list_certificates(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Show all certificates that were issued here, and which are revoked."""
    with _endings():
        if not out.is_dir():
            raise MistakeError(f"there is no directory {out}")
        now = datetime.now(UTC)
        found = register.read_register(out, now=now)
    for sentence in found.broken:
        complain(sentence)
    if as_json:
        typer.echo(json.dumps([_as_json(known, now) for known in found.known], indent=2))
    elif found.known:
        rows = [("NAME", "PURPOSE", "SERIAL", "DAYS", "STATE", "FILE")]
        for known in found.known:
            state = known.state.value
            if known.revoked is not None:
                state = f"revoked {known.revoked:%Y-%m-%d}"
            days = str(max(0, known.info.days_left(now)))
            rows.append((_name(known), _purpose(known), known.serial, days, state, str(known.path or "-")))
        typer.echo(table(rows))
    else:
        complain(f"nothing was issued in {out} yet: begin with `securechat certs init`")


@contextmanager
def _endings() -> Iterator[None]:
    try:
        yield
    except pki.AuthorityMissingError as error:
        stop(f"{error}: `securechat certs init` makes one", MISTAKE)
    except (MistakeError, pki.InvalidRequestError, pki.BrokenFilesError) as error:
        stop(error, MISTAKE)
    except pki.PKIError as error:
        stop(error, FAILED)


def _replace_authority(out: Path, hosts: list[str], days: int) -> None:
    now = datetime.now(UTC)
    done = replacing.replace_authority(out, now=now, hosts=hosts, days=days)
    old_end = f"{done.before.not_after:%Y-%m-%d %H:%M} UTC"
    typer.echo(file_line(done.authority, "signs servers, give it to those who connect"))
    typer.echo(file_line(done.server, f"for {', '.join(done.server.info.hosts)}"))
    typer.echo(spki_line(done.authority))
    typer.echo(
        f"The old authority ({done.before.spki_fingerprint}) has signed the new one, in {done.history}: give the "
        "server both. Clients of securechat that trust the old one then take the new one over, and say so, "
        f"whenever they come until {old_end}, when the old one ends."
    )
    typer.echo(
        "Other clients need the new certificate of the authority. Invitations that were made before have the old "
        "fingerprint: make new ones."
    )
    _say_if_cut_short(done.server.info, now, days)


def _say_if_cut_short(info: pki.CertificateInfo, now: datetime, days: int) -> None:
    if info.days_left(now) < days - 1:
        typer.echo("No certificate can outlive its authority, so --days was cut short.")


def _is_file(what: str) -> bool:
    """No account has a dot or a slash in its name, and most files that are meant have."""
    return "/" in what or what.endswith(".pem")


def _file_of(what: str, out: Path) -> Path:
    if _is_file(what):
        return Path(what)
    path = issuing.server_path(out) if what == "server" else issuing.client_path(out, what)
    if not path.exists():
        raise MistakeError(f"there is no {path}: `securechat certs issue` makes what is not there yet")
    return path


def _chosen(found: register.Register, what: str, all_: bool) -> list[register.Known]:
    """The certificates that are meant, whether they are revoked already or not."""
    named = found.of_server() if what == "server" else found.of_account(what)
    named = [known for known in named if known.state is not register.State.VOID]
    if named:
        valid = [known for known in named if known.state in (register.State.VALID, register.State.EARLY)]
        if len(valid) > 1 and not all_:
            serials = ", ".join(known.serial for known in valid)
            raise MistakeError(f"{what} has {len(valid)} valid certificates: name one ({serials}), or say --all")
        return valid or named[-1:]
    numbered = found.of_serial(what)
    if len(numbered) > 1:
        raise MistakeError(f"{len(numbered)} serial numbers begin like that: give more of it")
    if not numbered:
        raise MistakeError(
            f"no certificate of {what!r} is known here: `securechat certs list` shows all; or name its file"
        )
    return numbered


def _say_revoked(known: register.Known, *, just_now: bool, now: datetime) -> None:
    assert known.revoked is not None
    since = f"{known.revoked:%Y-%m-%d %H:%M} UTC"
    whom = f"{_purpose(known)} certificate {known.serial} ({_name(known)})"
    if just_now and (now - known.revoked).total_seconds() < 1:
        typer.echo(f"revoked the {whom}")
        if known.path is not None:
            what = "server" if known.path.parent.name != "clients" else safe(known.info.name)
            typer.echo(f"It is the one in {known.path}: `securechat certs renew {what}` makes another.")
    else:
        typer.echo(f"the {whom} is revoked since {since}")


def _purpose(known: register.Known) -> str:
    return "server" if known.purpose is pki.Purpose.SERVERS else "client"


def _name(known: register.Known) -> str:
    return safe(known.info.name if known.purpose is pki.Purpose.CLIENTS else ", ".join(known.info.hosts))


def _as_json(known: register.Known, now: datetime) -> dict[str, object]:
    info = known.info
    return {
        "name": info.name,
        "account": info.account,
        "hosts": list(info.hosts),
        "purpose": _purpose(known),
        "serial": known.serial,
        "fingerprint": info.fingerprint,
        "not_before": info.not_before.isoformat(),
        "not_after": info.not_after.isoformat(),
        "days_left": info.days_left(now),
        "state": known.state.value,
        "revoked": known.revoked.isoformat() if known.revoked else None,
        "file": str(known.path) if known.path else None,
    }
