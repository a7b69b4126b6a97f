"""Backups of a server that is busy, and a server that goes on with one."""

import json
import threading
from contextlib import ExitStack, closing
from pathlib import Path
from sqlite3 import connect
from subprocess import CompletedProcess

from securechat.store.rows import Kind
from tests.cli.commands import securechat
from tests.e2e.servers import LIMIT, PEOPLE, MakePlace, Place, running
from tests.e2e.stored import logged_texts
from tests.e2e.talkers import Talker, check
from tests.e2e.wires import crowd


def run(place: Place, command: str, *arguments: str | Path) -> CompletedProcess[str]:
    return securechat(place.home, command, *arguments, "--data", place.data.path)


def texts_in(file: Path) -> list[str]:
    with closing(connect(file)) as database:
        rows = database.execute("SELECT text FROM log WHERE kind = ? ORDER BY stamp", (Kind.PRIVMSG,))
        return [text for (text,) in rows]


def test_there_and_back(place: Place, make_place: MakePlace) -> None:
    """While people talk without a pause: all that was acknowledged before it began is in it, and what is in it is the
    beginning of what there is."""
    backup, enough = place.home / "backup.db", threading.Semaphore(0)
    with running(place) as server, ExitStack() as stack:
        talkers = [Talker(chatter, enough) for chatter in stack.enter_context(crowd(server, PEOPLE[:4], "#lobby"))]
        for _ in range(400):
            assert enough.acquire(timeout=LIMIT)
        before = {talker.chatter.nick: talker.acknowledged for talker in talkers}

        done = run(place, "backup", backup)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        done = run(place, "check")
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        exported = run(place, "export", "#lobby", "--format", "jsonl")
        assert exported.returncode == 0, exported.stderr
        refused = run(place, "restore", backup, "--yes")
        assert refused.returncode == 1
        assert "in use by process" in refused.stderr

        for _ in range(100):  # nobody was kept from talking on
            assert enough.acquire(timeout=LIMIT)
        assert server.stop() == 0
        for talker in talkers:
            talker.thread.join()

    stored, copied = logged_texts(place), texts_in(backup)
    check(talkers, stored)
    assert copied == stored[: len(copied)]
    for nick, number in before.items():
        assert f"{nick} {number - 1}" in copied
    shown = [json.loads(line)["text"] for line in exported.stdout.splitlines() if '"PRIVMSG"' in line]
    assert shown == stored[: len(shown)]
    assert len(shown) >= len(copied)

    other = make_place()
    assert run(other, "restore", backup, "--yes").returncode == 0
    with running(other) as server, crowd(server, ["alice", "bob"], "#lobby") as (alice, _):
        alice.say("#lobby", "where were we?")
    assert logged_texts(other) == [*copied, "where were we?"]
    done = run(other, "check")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout

    # And back to what was there: the newest, as it was.
    (kept,) = other.data.path.glob("*.before-restore-*")
    assert run(other, "restore", kept, "--yes").returncode == 0
    assert logged_texts(other) == []
