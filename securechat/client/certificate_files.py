"""Where one's own certificate is kept with its key: with its saved server, or in a file that somebody has named."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from securechat.client.errors import MistakeError, SaveError
from securechat.client.safe import safe_text
from securechat.client.servers import SavedServer, SavedServers
from securechat.pki import CertificateInfo, Issued, PKIError

Saved = tuple[SavedServers, SavedServer]
"""A saved server, and among which it is."""


def where_to_keep(file: Path | None, saved: Saved | None) -> Path | Saved:
    """Where a new one goes: into `file` if one is named, else with the saved server, in the place of the one there.

    Raises `MistakeError` where there is neither, or the file is there: what is in it may be the only key to something.
    """
    if file is not None:
        if os.path.lexists(file):
            raise MistakeError(f"{safe_text(str(file))} is there already: name another file, or take that one away")
        if not file.parent.is_dir():
            raise MistakeError(f"there is no directory {safe_text(str(file.parent))}")
        return file
    if saved is None:
        raise MistakeError(
            "this server is not saved on this machine for this account: name a file for the key and its certificate"
        )
    return saved


def keep(issued: Issued, place: Path | Saved) -> Sequence[str]:
    """Keep a certificate with its key, where only its owner reads it (0600); tell what was done, in sentences.

    Raises `SaveError` and, where the saved server is none any more, `MistakeError`.
    """
    info = CertificateInfo.of(issued.certificate)
    until = f"{info.not_after.astimezone():%Y-%m-%d %H:%M}"
    told = [f"the server has certified a key of this machine for {info.account}, until {until}"]
    if isinstance(place, Path):
        file, name = place, safe_text(str(place))
        try:
            issued.save(file)
        except PKIError as error:
            raise SaveError(safe_text(str(error))) from error
        told.append(f"both are in {name}: `securechat connect --cert {shlex.quote(name)}` logs in with it")
        told += other_clients(file)
    else:
        servers, server = place[0], place[0].load(place[1].name)
        servers.keep_certificate(server, issued.pem())
        server = replace(server, certificate=True)
        servers.change(server)
        told.append(f"it is kept for {server.name}: from now on `securechat connect` logs in there with it")
    return told


def other_clients(file: Path) -> Sequence[str]:
    """How other clients log in with that file."""
    path = safe_text(str(file.absolute()))
    return (
        f"irssi: /server add -network NAME -tls_cert {path} HOST PORT, and /network add -sasl_mechanism EXTERNAL NAME",
        f"WeeChat: /set irc.server.NAME.tls_cert {path} (ssl_cert before 4.0), and sasl_mechanism external",
    )
