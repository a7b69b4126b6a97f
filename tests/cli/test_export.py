"""`securechat export`, as a process; and its lines for people, which nobody can forge."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securechat.chat.stamps import stamp_at
from securechat.cli.export_text import lines
from securechat.store.export import Row
from securechat.store.rows import Kind
from tests.cli.commands import environment, securechat

FILES = Path(__file__).parents[1] / "data"

TEE = """\
2026-11-01 12:22:00 * ann set the topic: cups, saucers and café au lait
2026-11-01 12:25:00 <ann> hello, everybody
2026-11-01 12:26:00 -bob- привет 🫖 你好
2026-11-01 12:27:00 <bob> with a tag
2026-11-01 12:28:00 <eve> one
                          two

                          four
2026-11-01 12:29:00 * ann set modes: +bbevklo *!*@spam *!*@ham ham!*@* eve * 30 bob
2026-11-01 12:30:00 (to @#Tea) <ann> for operators
2026-11-01 12:47:00 * ann put out guest (away with you)
2026-11-01 12:49:00 * ann renamed the channel to #Tee (German)
2026-11-01 12:50:00 * eve left (bye)
2026-11-01 12:56:00 * what bob said was taken back
2026-11-01 12:58:00 * bob took back the message {} (a mistake)
2026-11-01 13:20:00 <bob> the last word
"""

OTHERS = """\
2026-11-01 12:34:00 #fun <guest> is anybody here?
2026-11-01 12:43:00 (to ann) <guest> from a guest
2026-11-01 12:46:00 (to dan) -guest- so does this
2026-11-01 12:48:00 * guest is now ghost
2026-11-01 12:52:00 #lobby,#fun * ghost quit (Killed (ann (enough)))
2026-11-01 12:57:00 (to ann) * what bob said was taken back
2026-11-01 13:04:00 #lobby,#eve * eve joined
"""


class Home:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "data"

    def run(self, *arguments: str | Path) -> CompletedProcess[str]:
        return securechat(self.home, "export", *arguments, "--data", self.data)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    place = Home(tmp_path)
    place.data.mkdir(mode=0o700)
    shutil.copyfile(FILES / "schema-5.db", place.data / "securechat.db")
    yield place
    assert not list(tmp_path.glob("*.part"))


def refused(done: CompletedProcess[str], status: int, sentence: str) -> None:
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith(f"securechat: {sentence}")
    assert done.stderr.count("\n") == 1


def test_a_log_to_read(home: Home) -> None:
    done = home.run("#tee", "--since", "2026-11-01T12:22")
    assert (done.returncode, done.stderr) == (0, "")
    shown = [line.rstrip() for line in done.stdout.splitlines()]
    (taken_back,) = [line.split()[8] for line in shown if "took back" in line]
    assert shown == TEE.format(taken_back).splitlines()


def test_everything(home: Home) -> None:
    done = home.run("--all", "--private")
    assert done.returncode == 0
    shown = done.stdout.splitlines()
    assert [line for line in OTHERS.splitlines() if line not in shown] == []
    assert len(home.run("--private").stdout.splitlines()) == 8


def test_objects_of_json(home: Home) -> None:
    done = home.run("#tee", "--format", "jsonl", "--until", "2026-11-01T12:26:00Z", "--since", "2026-11-01T14:22+02:00")
    assert done.returncode == 0
    topic, hello = (json.loads(line) for line in done.stdout.splitlines())
    assert (topic["kind"], hello["text"], hello["time"]) == ("TOPIC", "hello, everybody", "2026-11-01T12:25:00.000Z")


def test_into_a_file(home: Home) -> None:
    file = home.home / "log.txt"
    assert home.run("#tee", "--output", file).stdout == ""
    text = file.read_text()
    assert text == home.run("#tee").stdout
    assert file.stat().st_mode & 0o777 == 0o600
    refused(home.run("#lobby", "--output", file), 2, f"{file} is there already: --force replaces it")
    assert file.read_text() == text
    assert home.run("#lobby", "--output", file, "--force").returncode == 0
    assert file.read_text() == home.run("#lobby").stdout


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        ([], 2, "what? Name a channel, or say --all or --private, or both of these"),
        (["#tee", "--all"], 2, "what? Name a channel"),
        (["#tee", "--private"], 2, "what? Name a channel"),
        (["#te"], 2, "there is no channel #te that lasts; did you mean #Tee?"),
        (["#tee", "--since", "soon"], 2, "'soon' is no time for --since"),
        (["#tee", "--until", "2026-13-01"], 2, "'2026-13-01' is no time for --until"),
        (["#tee", "--since", "2026-11-02", "--until", "2026-11-02"], 2, "there is nothing between them"),
        (["#tee", "--output", "/nowhere/at/all"], 1, "can't write /nowhere/at/all: No such file or directory"),
        (["#tee", "--output", "/dev/null", "--force"], 2, "/dev/null is there already"),
        (["#tee", "--config", "/nowhere.toml"], 2, "can't read the configuration file"),
    ],
)
def test_what_can_not_be_done(home: Home, arguments: list[str], status: int, sentence: str) -> None:
    refused(home.run(*arguments), status, sentence)


@pytest.mark.parametrize("time", ["0001-01-01", "1999-12-31T23:59", "2019-12-31"])
def test_times_before_all_others(home: Home, time: str) -> None:
    assert home.run("#tee", "--since", time).stdout == home.run("#tee").stdout
    assert home.run("#tee", "--until", time).stdout == ""


def test_times_after_all_others(home: Home) -> None:
    assert home.run("#tee", "--until", "9999-12-31").stdout == home.run("#tee").stdout
    assert home.run("#tee", "--since", "9999-12-31T23:59:59.999999").stdout == ""


def test_there_is_no_store(home: Home) -> None:
    (home.data / "securechat.db").unlink()
    refused(home.run("#tee"), 2, f"there is no store: {home.data}/securechat.db does not exist")
    (home.data / "securechat.db").write_text("nothing of ours " * 100)
    refused(home.run("#tee"), 2, f"{home.data}/securechat.db is not a store")


def test_nobody_reads_any_more(home: Home) -> None:
    """Into `head`, and onto a disk that is full."""
    command = [sys.executable, "-m", "securechat", "export", "--all", "--data", str(home.data)]
    for shell, status, errors in (
        ('"$@" | head -n 1 > /dev/null; exit ${PIPESTATUS[0]}', 0, ""),
        ('"$@" > /dev/full', 1, "securechat: can't write to standard output: No space left on device\n"),
        ('"$@" >&-', 2, "securechat: there is no standard output: use --output\n"),
    ):
        done = subprocess.run(
            ["bash", "-c", shell, "bash", *command],
            capture_output=True, text=True, env=environment(home.home), timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (status, errors)


# -- lines that nobody can forge ---------------------------------------------------------------------------------------


def row(kind: Kind, text: str, *, about: str | None = None, private: bool = False, target: str = "#tea") -> Row:
    stamp = stamp_at(1_793_534_400_000)
    return Row(
        stamp, kind, "ann!~a@h", "ann", False, None if private else "#tea", target, text, about, "", None, private
    )


TIME = "2026-11-01 12:00:00 "


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Quit: ", "quit"), ("Quit: Killed (x)", "quit (Quit: Killed (x))"), ("Killed (x)", "quit (Killed (x))")],
)
def test_why_somebody_quit(text: str, shown: str) -> None:
    assert lines(row(Kind.QUIT, text), several=False) == [f"{TIME}* ann {shown}"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x01ACTION waves\x01", ["* <ann> waves"]),
        ("\x01VERSION\x01", ["-ann- CTCP VERSION"]),
        ("* bob left", ["<ann> * bob left"]),
        ("one\ntwo", ["<ann> one", " " * 26 + "two"]),
        (f"one\n{TIME}<bob> no", ["<ann> one", " " * 26 + f"{TIME}<bob> no"]),
        (f"one\r{TIME}<bob> no", [f"<ann> one␍{TIME}<bob> no"]),
        ("\x1b[2J\u202e\u2028\x9b1m\x00", ["<ann> ␛[2J\u2424\ufffd1m␀"]),
        ("", ["<ann> "]),
    ],
)
def test_what_people_write(text: str, shown: list[str]) -> None:
    assert lines(row(Kind.PRIVMSG, text), several=False) == [TIME + shown[0], *shown[1:]]


KINDS = [kind for kind in Kind if kind < 32]


@given(
    st.sampled_from(KINDS),
    st.text(),
    st.one_of(st.none(), st.text()),
    st.text(min_size=1),
    st.booleans(),
    st.booleans(),
)
def test_no_row_makes_a_line_of_another(
    kind: Kind, text: str, about: str | None, target: str, private: bool, several: bool
) -> None:
    first, *others = lines(row(kind, text, about=about, private=private, target=target), several=several)
    assert first.startswith(TIME)
    assert all(line.startswith(" " * 20) for line in others)
    assert not {category(character) for line in (first, *others) for character in line} & {"Cc", "Cs", "Zl", "Zp"}
    assert kind < Kind.JOIN or not others
