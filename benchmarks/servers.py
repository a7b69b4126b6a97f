"""The servers that can be measured: how each is configured and started.

All serve TLS on loopback with the same certificate, without limits on connections, lines or queues, without name
look-ups, and as one process. Where a peer has a setting that makes it faster without changing what it does, it is set.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from case import BenchmarkError

HOST = "127.0.0.1"
_GEN_CERTS = Path(__file__).resolve().parent.parent / "scripts" / "gen_certs.py"
_START_S = 30.0
_STOP_S = 20.0
# Who runs a server that refuses to be root.
_UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True)
class Site:
    """What one run of a server gets: an empty directory of its own, a port, and the certificates in `certs`."""

    directory: Path
    port: int
    certs: Path
    durability: str

    @property
    def certificate(self) -> Path:
        """The server's key, certificate and chain, in the server's own directory, so that it may read them."""
        return self.directory / "server.pem"


@dataclass(frozen=True, slots=True)
class Server:
    """A kind of server. `configure` writes what it needs into its directory and returns its command line."""

    name: str
    program: str
    package: str | None
    runs_as_root: bool
    configure: Callable[[Site], list[str]]

    @property
    def path(self) -> str | None:
        """Where the program is; Debian keeps daemons in a directory that is not in every user's path."""
        return shutil.which(self.program, path=os.pathsep.join([*os.get_exec_path(), "/usr/sbin"]))

    @property
    def installed(self) -> bool:
        """Whether the program is there."""
        return self.path is not None


def _securechat(site: Site) -> list[str]:
    config = site.directory / "securechat.toml"
    config.write_text("[limits]\nthrottle = false\n[accounts]\nregistration = true\n")
    where = ["--host", HOST, "--port", str(site.port), "--cert", str(site.certificate)]
    how = ["--data", str(site.directory / "data"), "--config", str(config), "--durability", site.durability]
    return ["-m", "securechat", "server", *where, *how, "--guests"]


def _ngircd(site: Site) -> list[str]:
    config = site.directory / "ngircd.conf"
    config.write_text(
        f"""\
[Global]
Name = bench.localhost
Info = benchmark
Listen = {HOST}
MotdPhrase = benchmark
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxPenaltyTime = 0
PingTimeout = 3600
PongTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no
[SSL]
CertFile = {site.certificate}
KeyFile = {site.certificate}
Ports = {site.port}
"""
    )
    return ["--nodaemon", "--config", str(config)]


def _inspircd(site: Site) -> list[str]:
    config = site.directory / "inspircd.conf"
    # A record of up to 16384 bytes in place of 2048 saves InspIRCd work under load.
    config.write_text(
        f"""\
<config format="xml">
<server name="bench.localhost" description="benchmark" network="benchmark" id="001">
<admin name="benchmark" nick="benchmark" email="root@localhost">
<module name="ssl_gnutls">
<sslprofile name="bench" provider="gnutls" certfile="{site.certificate}" keyfile="{site.certificate}"
            hash="sha256" outrecsize="16384">
<bind address="{HOST}" port="{site.port}" type="clients" sslprofile="bench">
<connect name="bench" allow="*" timeout="60" pingfreq="3600" hardsendq="1G" softsendq="1G" recvq="1G"
         threshold="1000000000" commandrate="1000000000" fakelag="no" localmax="100000" globalmax="100000"
         limit="100000" maxconnwarn="no" resolvehostnames="no" useident="no">
<performance somaxconn="4096" softlimit="100000" clonesonconnect="no">
<options casemapping="ascii" defaultmodes="nt">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="{site.directory}/inspircd.log">
"""
    )
    return ["--nofork", "--nopid", "--config", str(config)]


SERVERS = {
    server.name: server
    for server in (
        Server("securechat", sys.executable, None, True, _securechat),
        Server("ngircd", "ngircd", "ngircd", False, _ngircd),
        Server("inspircd", "inspircd", "inspircd", False, _inspircd),
    )
}


def make_certificates(directory: Path) -> None:
    """Make `ca.pem` and `server.pem` in `directory` for the loopback address, as the project makes them for its users.

    Raises:
        BenchmarkError: they could not be made.
    """
    made = subprocess.run([sys.executable, _GEN_CERTS, "--out", directory], capture_output=True, text=True, check=False)
    if made.returncode:
        raise BenchmarkError(f"no certificates: {made.stderr.strip() or made.stdout.strip()}")


@contextmanager
def started(server: Server, base: Path, durability: str) -> Iterator[tuple[Site, int]]:
    """Run a server in a new directory below `base`, which has `certs`; give where it is, and its process id.

    Raises:
        BenchmarkError: it did not start, or it ended by itself.
    """
    directory = base / server.name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700)
    site = Site(directory, _free_port(), base / "certs", durability)
    site.certificate.touch(mode=0o600)
    site.certificate.write_bytes((site.certs / "server.pem").read_bytes())
    command = [server.path or server.program, *server.configure(site)]
    identity: dict[str, Any] = {}
    if os.geteuid() == 0 and not server.runs_as_root:
        account = pwd.getpwnam(_UNPRIVILEGED)
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        for path in (directory, *directory.iterdir()):
            os.chown(path, account.pw_uid, account.pw_gid)
    log = directory / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=directory, **identity
        )
        try:
            _await_listening(server.name, process, site.port, log)
            try:
                yield site, process.pid
            except BenchmarkError:
                if not _has_ended(process):
                    raise
                # Why it ended says more than that its clients were cut off.
                raise BenchmarkError(f"{server.name} ended while it was measured: {_last_lines(log)}") from None
        finally:
            _stop(process)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _await_listening(name: str, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the port accepts: the one sign of readiness that all servers give."""
    deadline = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None:
                raise BenchmarkError(
                    f"{name} did not start (status {process.returncode}): {_last_lines(log)}"
                ) from None
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{name} does not listen after {_START_S:g} s: {_last_lines(log)}") from None
        time.sleep(0.05)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process whose sockets have just closed is about to be gone."""
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        return False
    return True


def _last_lines(log: Path) -> str:
    return " / ".join(log.read_text(errors="replace").splitlines()[-5:]) or "it said nothing"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
