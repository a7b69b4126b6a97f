"""Limnoria as people run it: `limnoria bot.conf` in a directory of its own, with the settings of docs/clients.md."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.cli.commands import environment
from tests.clients.documented import block, settings_file
from tests.e2e.connects import Lines
from tests.e2e.servers import LIMIT, PASSWORD, Server

NAME: Final = "Limnoria"
"""What the guide calls it."""

_UNHURRIED: Final = """\
supybot.protocols.irc.throttleTime: 0.0
supybot.drivers.minReconnectWait: 0.1
supybot.drivers.maxReconnectWait: 0.5
supybot.plugins.Channel.rejoinDelay: 0
"""
"""What would only keep tests waiting: a second for each line, ten before it tries again or comes again."""


class Bot:
    """One that runs. `log`: what it writes, line by line."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        self.process = process
        self.log = Lines(process.stdout)

    def stop(self) -> int:
        """Ask it to stop; its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT)


@contextmanager
def bot(
    server: Server,
    user: str,
    home: Path,
    *,
    channel: str = "#lobby",
    ca: Path | None = None,
    password: str = PASSWORD,
    certificate: Path | None = None,
) -> Iterator[Bot]:
    """A bot that was just started, and is to go to this channel. One with a certificate has no password."""
    home.mkdir(mode=0o700)
    text = settings_file(NAME, server, user, ca or server.place.ca, password)
    if certificate is not None:
        text = re.sub(r"(?m)^supybot\.networks\.securechat\.sasl\.(?:username|password): .*\n", "", text)
        text += block(NAME, {"/path/to/alice.pem": str(certificate)}, 1)
    (home / "bot.conf").write_text(text.replace("#lobby", channel) + _UNHURRIED)
    # Many machines that run tests have no other user than root, which Limnoria asks to be allowed.
    allowed = ["--allow-root"] if os.geteuid() == 0 else []
    with subprocess.Popen(
        [Path(sys.executable).with_name("limnoria"), *allowed, "bot.conf"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=home,
        env=environment(home),
    ) as process:
        one = Bot(process)
        try:
            yield one
        finally:
            process.kill()
            one.log.join()
