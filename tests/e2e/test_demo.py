"""``securechat demo``: without a terminal and at one."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

COMMAND = [sys.executable, "-m", "securechat", "demo"]


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path), "TERM": "xterm", "LOGNAME": "zoe"}


def test_without_a_terminal_three_clients_converse(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND,
        env=environment(tmp_path),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    seen = done.stdout.splitlines()
    conversation = [line.strip() for line in seen if line.startswith("   ") and not line.startswith("    ")]
    assert conversation[:4] == [
        "* carol joined #lobby",
        "* in #lobby: carol",
        "* alice joined #lobby",
        "* bob joined #lobby",
    ]
    assert [line.split()[0] for line in conversation if line.startswith("<")] == ["<alice>", "<bob>"] * 2
    assert "(private) <bob> Only you can read this." in conversation
    assert "securechat server --cert certs/server.pem" in done.stdout
    assert list(tmp_path.iterdir()) == []  # it cleaned up


def test_at_a_terminal_somebody_answers(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    with subprocess.Popen(
        COMMAND, env=environment(tmp_path), cwd=tmp_path, stdin=follower, stdout=follower, stderr=follower
    ) as process:
        os.close(follower)
        try:
            read_until(leader, "Hello zoe!")
            os.write(leader, b"are you there?\r")
            read_until(leader, "I read you: 14 characters")
            os.write(leader, b"exit\r")
            read_until(leader, "connect --user alice")  # the last of the commands with which to go on
            assert process.wait(30) == 0
        finally:
            process.kill()
            os.close(leader)
    assert list(tmp_path.iterdir()) == []


def read_until(descriptor: int, text: str) -> None:
    """Read what the terminal shows until ``text`` is in it, whatever the escape sequences between."""
    shown = ""
    deadline = time.monotonic() + 60
    while text not in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown):
        ready, _, _ = select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))
        assert ready, f"{text!r} did not come in {shown!r}"
        try:
            data = os.read(descriptor, 65536)
        except OSError:
            data = b""
        assert data, f"the demo ended before {text!r} in {shown!r}"
        shown += data.decode(errors="replace")
