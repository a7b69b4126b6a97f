"""``securechat server``: runs the chat."""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from securechat.cli.endings import FAILED, MISTAKE, stop
from securechat.server import config as configuration
from securechat.server import log as logs
from securechat.server.config import Config, ConfigError
from securechat.server.control import OperatorFailed
from securechat.server.cores import Cores
from securechat.server.server import Server, bind
from securechat.store.database import StoreUnusable
from securechat.store.datadir import DataDir, DataDirError, UnusableDataDirError
from securechat.tls.contexts import server_context
from securechat.tls.errors import CertificateFileError

__all__ = ["server"]


def server(
    cert: Annotated[
        Path | None, typer.Option(help="Certificate and chain in PEM, with the key unless --key says where that is.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The private key, where it has a file of its own.")] = None,
    host: Annotated[list[str] | None, typer.Option(help="Name or address to listen on; may be repeated.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.  [default: 6697]", show_default=False)] = None,
    data: Annotated[Path | None, typer.Option(help="Directory in which everything is kept.")] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
    guests: Annotated[bool, typer.Option("--guests", help="Let people come without an account.")] = False,
    durability: Annotated[
        str | None,
        typer.Option(
            help="full: what is acknowledged survives a power cut; normal: not the last moments.", metavar="full|normal"
        ),
    ] = None,
    one_core: Annotated[
        bool,
        typer.Option(
            "--one-core/--all-cores",
            help="Keep to one core, but for password hashes and TLS handshakes: threads hand over much faster.",
        ),
    ] = True,
    log_level: Annotated[logs.Level, typer.Option(help="From which level on events are logged.")] = logs.Level.INFO,
    log_format: Annotated[logs.Format, typer.Option(help="How events are logged.")] = logs.Format.TEXT,
) -> None:
    """Run the chat server until it is told to stop (Ctrl-C, SIGTERM)."""
    log = logs.start(log_level, log_format)
    try:
        chosen = configuration.with_options(
            configuration.load(config),
            hosts=host or (),
            port=port,
            cert=cert,
            key=key,
            data=data,
            durability=durability,
            guests=guests or None,
        )
        if chosen.tls.cert is None:
            stop(
                "which certificate? Say --cert FILE, or cert under [tls] in the configuration file; "
                "python scripts/gen_certs.py makes certs/server.pem",
                MISTAKE,
            )
        context = server_context(chosen.tls.cert, chosen.tls.key)
    except (ConfigError, CertificateFileError) as error:
        stop(error, MISTAKE)
    for warning in chosen.warnings:
        log.warning("configuration", note=warning)
    key_file = chosen.tls.key or chosen.tls.cert
    with contextlib.suppress(OSError):  # it was read a moment ago; who has taken it away since will hear of it
        if key_file.stat().st_mode & 0o007:
            log.warning("configuration", note=f"others can read {key_file}, which holds the private key: chmod 600 it")
    directory = DataDir(chosen.store.data)
    try:
        with directory.lock(), _until_told() as told:
            _serve(chosen, directory, context, log, told, one_core=one_core)
    except UnusableDataDirError as error:
        stop(error, MISTAKE)
    except (DataDirError, StoreUnusable, OperatorFailed) as error:
        stop(error, FAILED)


def _serve(
    config: Config,
    directory: DataDir,
    context: ssl.SSLContext,
    log: logs.EventLog,
    told: threading.Event,
    *,
    one_core: bool,
) -> None:
    try:
        sockets = bind(config.listen.host, config.listen.port)
    except socket.gaierror as error:
        stop(f"there is no address for --host {', '.join(config.listen.host)}: {error.strerror}", MISTAKE)
    except OSError as error:
        where = f"port {config.listen.port}"
        if error.errno == errno.EADDRINUSE:
            stop(f"{where} is in use already. Stop what uses it, or choose another with --port", FAILED)
        stop(f"can't listen on {where} of {', '.join(config.listen.host)}: {error.strerror}", FAILED)
    _raise_descriptor_limit(config.limits.max_connections)
    try:
        with Server(config, directory, context, sockets, log, Cores(one=one_core)) as running:
            for listener in running.listeners:
                log.info("listening", address=listener.address, port=listener.port, name=config.server.name)
            told.wait()
            log.info("stopping")
    except OSError as error:
        stop(error, FAILED)


@contextlib.contextmanager
def _until_told() -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM and the end of the terminal set."""
    told = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: told.set()) for number in signals}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise_descriptor_limit(connections: int) -> None:
    """Two descriptors for each connection, and some for ourselves; the system may allow fewer."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + 64
    if soft != resource.RLIM_INFINITY and soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
