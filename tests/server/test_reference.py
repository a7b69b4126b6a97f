"""The documents say what the code does: generated tables, lists, links, and the command lines that they show."""

from __future__ import annotations

import ast
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePath

import pytest

from securechat.chat.modes import CHANNEL_MODES, MEMBER_MODES, USER_MODES
from securechat.client.commands import COMMANDS
from securechat.client.errors import EXIT_STATUSES
from securechat.irc.caps import CAPABILITIES
from securechat.server.commands import registry
from securechat.server.config import read
from securechat.server.reference import BEGIN, DOCUMENT, END, NoMarkersError, renewed, tables
from tests.forked import run

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
WITH_COMMAND_LINES = [ROOT / "README.md", DOCS / "guide.md", DOCS / "operations.md"]


# -- the tables of the protocol ---------------------------------------------------------------------------------------


def test_the_tables_in_the_document_are_todays() -> None:
    written = DOCUMENT.read_text()
    assert written == renewed(written), "run python -m securechat.server.reference"


def test_what_stands_around_the_tables_stays() -> None:
    document = f"# Before\n{BEGIN}what was there\n{END}After\n"
    assert renewed(document) == f"# Before\n{BEGIN}\n{tables()}\n{END}After\n"


@pytest.mark.parametrize("document", ["", BEGIN, END, f"{END}{BEGIN}"])
def test_a_document_without_its_markers_is_left_alone(document: str) -> None:
    with pytest.raises(NoMarkersError):
        renewed(document)


def test_all_that_there_is_has_a_row() -> None:
    rows = tables().splitlines()
    for command in registry:
        assert sum(row.startswith((f"| `{command} ", f"| `{command}`")) for row in rows) == 1, command
    for capability in CAPABILITIES:
        assert sum(row.startswith((f"| [`{capability}`", f"| [`{capability}=")) for row in rows) == 1, capability


def test_all_modes_have_a_row() -> None:
    rows = tables().splitlines()
    modes = [(mode.letter, mode.about) for mode in CHANNEL_MODES.values()]
    modes += [(mode.letter, mode.about) for mode in MEMBER_MODES.values()]
    modes += [(mode.letter, mode.about) for mode in USER_MODES.values()]
    for letter, about in modes:
        assert any(row.startswith(f"| `{letter}` |") and about in row for row in rows), letter


def test_a_row_for_each_numeric_that_the_server_names_and_for_no_other() -> None:
    sources = [*(ROOT / "securechat" / "server").rglob("*.py"), ROOT / "securechat" / "irc" / "errors.py"]
    named = {name for source in sources for name in re.findall(r"\bNumeric\.([A-Z]+_[A-Z]+)\b", source.read_text())}
    assert named == set(re.findall(r"^\| \d\d\d \| ([A-Z]+_[A-Z]+) \|", tables(), re.MULTILINE))


# -- lists ------------------------------------------------------------------------------------------------------------


def test_the_guide_has_what_can_be_typed() -> None:
    guide = (DOCS / "guide.md").read_text()
    shown = re.findall(r"^\| `(/[^`]*)` \| (.*) \|$", guide, re.MULTILINE)
    assert shown == [(command.usage, command.about) for command in COMMANDS.values()]


def test_the_guide_has_all_exit_statuses() -> None:
    guide = (DOCS / "guide.md").read_text()
    shown = re.findall(r"^\| (\d+) \| (.*) \|$", guide, re.MULTILINE)
    assert shown == sorted(((str(entry.status), entry.meaning) for entry in EXIT_STATUSES), key=lambda row: int(row[0]))


def test_the_configuration_in_the_guide_is_one() -> None:
    guide = DOCS / "guide.md"
    (block,) = (block for block in _blocks(guide) if block.startswith("[server]"))
    config = read(tomllib.loads(block), guide)
    assert config.tls.cert == DOCS / "server.pem"


def test_operations_has_all_events_of_the_log() -> None:
    rows = re.findall(
        r"^\| (debug|info|warn|error) \| `([^`]+)` \|(.*?)\| ",
        (DOCS / "operations.md").read_text(),
        re.MULTILINE,
    )
    shown = {(level, event): set(re.findall(r"`(\w+)`", fields)) for level, event, fields in rows}
    assert len(shown) == len(rows), "an event has two rows"
    logged: dict[tuple[str, str], set[str] | None] = {}
    packages = ROOT / "securechat"
    for source in (path for path in packages.rglob("*.py") if path.relative_to(packages).parts[0] != "client"):
        for node in ast.walk(ast.parse(source.read_text())):
            for event, fields in _events(node).items():
                if fields != _FAULT or event not in logged:  # the hub writes some of what it is told otherwise
                    logged[event] = fields
    assert shown.keys() == logged.keys()
    for event, fields in logged.items():
        assert fields is None or fields == shown[event], event


_LEVELS = {"debug": "debug", "info": "info", "warning": "warn", "error": "error", "fault": "error"}
_FAULT = {"error", "trace"}
_FAULTS = ("fault", "on_error", "_on_error")


def _events(node: ast.AST) -> dict[tuple[str, str], set[str] | None]:
    """What a call writes to the log: level, event and fields; None where another function adds the fields."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
        return {}
    method = node.func.attr
    level = {"on_error": "error", "_on_error": "error", "_log_failure": "warn"}.get(method)
    if ast.unparse(node.func.value).endswith("log"):
        level = _LEVELS.get(method)
    if method == "_tell" and isinstance(node.args[0], ast.Constant):  # an exception, or what has been done
        level = "error" if len(node.args) > 1 else "info"
    if level is None:
        return {}
    fields = {keyword.arg for keyword in node.keywords if keyword.arg} if method != "_log_failure" else None
    if method in _FAULTS or (method == "_tell" and level == "error"):
        fields = set(_FAULT)
    names = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
    return {(level, name): fields for name in names if isinstance(name, str)}


# -- links and command lines ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_link_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_file_of_ours_that_is_named_is_there(document: Path) -> None:
    for name in re.findall(r"`((?:tests|scripts|benchmarks|docs)/[\w./-]+\.\w+)`", document.read_text()):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("document", WITH_COMMAND_LINES, ids=lambda path: path.name)
def test_each_command_line_has_only_what_there_is(document: Path) -> None:
    lines = [line for block in _blocks(document) for line in block.splitlines()]
    lines += re.findall(r"`((?:securechat|make|python) [^`]*)`", document.read_text())
    checked = 0
    for line in lines:
        for words in _simple_commands(line):
            checked += _check(words, line)
    assert checked > 2


@pytest.mark.parametrize("document", WITH_COMMAND_LINES, ids=lambda path: path.name)
def test_each_option_that_is_named_in_the_text_is_one(document: Path) -> None:
    users = ("add", "list", "passwd", "reset", "certs", "disable", "enable", "remove")
    bans = ("list", "add", "remove")
    keeping = [("backup",), ("restore",), ("export",), ("check",), ("search",)]
    commands = [("connect",), ("server",), *keeping, *(("user", name) for name in users)]
    commands += [("ban", name) for name in bans]
    commands += [("invite",), ("invite", "list"), ("invite", "revoke"), ("join",), ("passwd",)]
    commands += [("servers", name) for name in ("list", "show", "remove", "forget-password")]
    certs = ("init", "issue", "renew", "revoke", "list", "show", "doctor", "enroll")
    commands += [("certs", name) for name in certs]
    helps = [_help("-m", "securechat", *words) for words in commands] + [_help("-m", "securechat.pki")]
    options = {option for text in helps for option in re.findall(r"--[a-z][a-z-]+", text)}
    for code in re.findall(r"`([^`\n]+)`", document.read_text()):
        assert set(re.findall(r"(?<!\S)--[a-z][a-z-]+", code)) <= options, code


def _anchors(document: Path) -> set[str]:
    """The names that the headings of a document have in links."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _blocks(document: Path) -> list[str]:
    """The indented blocks of a document."""
    found = re.findall(r"(?:^(?: {4}.*)?\n)+", document.read_text(), re.MULTILINE)
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE).strip("\n") for block in found]


def _simple_commands(line: str) -> Iterator[list[str]]:
    """The commands of a line of shell, each as its words, without comments and redirections of standard error."""
    lexer = shlex.shlex(line.replace("2>&1", ""), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for word in lexer:
            if set(word) <= set("|&;<>()"):
                yield words
                words = []
            else:
                words.append(word)
    except ValueError:  # a quote that is not closed: it is no shell
        return
    yield words


def _check(words: list[str], line: str) -> bool:
    """Whether it is a command of ours; then its options are looked up in its help, and its target in the Makefile."""
    programs = [PurePath(word).name for word in words]
    if "securechat" in programs:
        last = len(words) - 1 - programs[::-1].index("securechat")
        arguments = words[last + 1 :]
        depth = 2 if arguments[:1] in (["user"], ["ban"], ["invite"], ["certs"], ["servers"]) else 1
        names = [word for word in arguments[:depth] if not word.startswith("-")]
        shown = _help("-m", "securechat", *names)
    elif "gen_certs.py" in programs:
        arguments, shown = words, _help(str(ROOT / "scripts" / "gen_certs.py"))
    elif words[:3] == ["python", "-m", "securechat.pki"]:
        arguments, shown = words, _help("-m", "securechat.pki")
    elif words[:1] == ["make"]:
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(words[1:]) <= set(targets), line
        return True
    else:
        return False
    for option in (word for word in arguments if word.startswith("--")):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", shown), f"{option} in: {line}"
    return True


@cache
def _help(*words: str) -> str:
    """The help of a command, as people get it."""
    environment = {**os.environ, "COLUMNS": "200"}
    done = run([sys.executable, *words, "--help"], input=b"", timeout=60, cwd=ROOT, env=environment)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout.decode()
