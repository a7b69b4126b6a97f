"""`securechat user hash`, as a process: for the operators in a configuration file."""

from pathlib import Path

import pytest

from securechat.store.passwords import Hasher
from tests.cli.commands import at_terminal, securechat

PASSWORD = "correct horse"


def test_in_a_pipe_the_password_stands_in_the_environment(tmp_path: Path) -> None:
    done = securechat(tmp_path, "user", "hash", more={"SECURECHAT_PASSWORD": PASSWORD})
    assert (done.returncode, done.stderr) == (0, "")
    (shown,) = done.stdout.splitlines()
    assert Hasher().verify(PASSWORD, shown)
    assert not Hasher().verify("another", shown)
    assert [*tmp_path.iterdir()] == []  # it needs no data directory


def test_or_on_its_standard_input(tmp_path: Path) -> None:
    done = securechat(tmp_path, "user", "hash", "--password-stdin", stdin="from the pipe\n", more={
        "SECURECHAT_PASSWORD": PASSWORD
    })  # fmt: skip
    assert Hasher().verify("from the pipe", done.stdout.strip())


def test_the_terminal_asks_twice_and_shows_no_password(tmp_path: Path) -> None:
    with at_terminal(tmp_path, "user", "hash") as terminal:
        terminal.expect("New password: ")
        terminal.type(PASSWORD + "\n")
        terminal.expect("again: ")
        terminal.type(PASSWORD + "\n")
        assert terminal.end() == 0
    assert "horse" not in terminal.screen
    assert Hasher().verify(PASSWORD, terminal.screen.split()[-1])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "no terminal"),
        ({"SECURECHAT_PASSWORD": ""}, "empty"),
        ({"SECURECHAT_PASSWORD": "short"}, "at least 8"),
        ({"SECURECHAT_PASSWORD": "with a\ttab in it"}, "control characters"),
    ],
)
def test_what_is_no_password(tmp_path: Path, more: dict[str, str], words: str) -> None:
    done = securechat(tmp_path, "user", "hash", more=more)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
