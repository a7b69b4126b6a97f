"""``securechat server``: runs the chat."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from securechat.cli.endings import FAILED, MISTAKE, stop
from securechat.server import log as logs
from securechat.server.config import ConfigError
from securechat.server.control import OperatorFailed
from securechat.server.cores import Cores
from securechat.server.descriptors import make_room
from securechat.server.reload import Loaded, ReloadRefusedError, Source
from securechat.server.server import Server, bind
from securechat.store.database import StoreUnusable
from securechat.store.datadir import DataDir, DataDirError, UnusableDataDirError
from securechat.tls.errors import CertificateFileError

__all__ = ["server"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def server(
    cert: Annotated[
        Path | None, typer.Option(help="Certificate and chain in PEM, with the key unless --key says where that is.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The private key, where it has a file of its own.")] = None,
    client_cert: Annotated[
        str | None,
        typer.Option(
            help="Whether clients show a certificate: those who have one, all, or none.  [default: optional]",
            metavar="required|optional|off",
            show_default=False,
        ),
    ] = None,
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
    """Run the chat server until it is told to stop (Ctrl-C, SIGTERM). SIGHUP has it read its files again."""
    log = logs.start(log_level, log_format)
    source = Source(
        config,
        hosts=host or (),
        port=port,
        cert=cert,
        key=key,
        client_cert=client_cert,
        data=data,
        durability=durability,
        guests=guests or None,
    )
    try:
        loaded = source.read()
    except (ConfigError, CertificateFileError) as error:
        stop(error, MISTAKE)
    for warning in loaded.warnings:
        log.warning("configuration", note=warning)
    directory = DataDir(loaded.config.store.data)
    try:
        with directory.lock(), _signals() as is_to_reload:
            _serve(loaded, source, directory, log, is_to_reload, one_core=one_core)
    except (UnusableDataDirError, CertificateFileError) as error:
        stop(error, MISTAKE)
    except (DataDirError, StoreUnusable, OperatorFailed) as error:
        stop(error, FAILED)


def _serve(
    loaded: Loaded,
    source: Source,
    directory: DataDir,
    log: logs.EventLog,
    is_to_reload: Callable[[], bool],
    *,
    one_core: bool,
) -> None:
    config = loaded.config
    try:
        sockets = bind(config.listen.host, config.listen.port)
    except socket.gaierror as error:
        stop(f"there is no address for --host {', '.join(config.listen.host)}: {error.strerror}", MISTAKE)
    except OSError as error:
        where = f"port {config.listen.port}"
        if error.errno == errno.EADDRINUSE:
            stop(f"{where} is in use already. Stop what uses it, or choose another with --port", FAILED)
        stop(f"can't listen on {where} of {', '.join(config.listen.host)}: {error.strerror}", FAILED)
    make_room(config.limits.max_connections)
    try:
        with Server(loaded, directory, sockets, log, Cores(one=one_core), source.read) as running:
            for listener in running.listeners:
                log.info("listening", address=listener.address, port=listener.port, name=config.server.name)
            while is_to_reload():
                with contextlib.suppress(ReloadRefusedError):  # the log says so
                    running.reloader.reload("SIGHUP")
            log.info("stopping")
    except OSError as error:
        stop(error, FAILED)


@contextlib.contextmanager
def _signals() -> Iterator[Callable[[], bool]]:
    """A function that waits for Ctrl-C, SIGTERM or SIGHUP; whether it means to read everything again, or else to end.

    A terminal that is closed sends SIGHUP as well. Then the server is to end, unless it was started with ``nohup``.

    The signals are held back for ``sigwait``, in all threads. With handlers, one that comes just before a thread goes
    to sleep is noticed when that wakes up, and the main thread has nothing else to wake up for.
    """
    ends_with_terminal = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _has_terminal()

    def is_to_reload() -> bool:
        number = signal.sigwait(_SIGNALS)
        return number == signal.SIGHUP and (not ends_with_terminal or _has_terminal())

    # One that is ignored would not be held; and those that come during the end are to do nothing.
    before = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield is_to_reload
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)


def _has_terminal() -> bool:
    """Whether this process has a terminal that controls it."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
