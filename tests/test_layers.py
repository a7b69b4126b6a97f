"""Imports point downwards only, and the chat and the protocol stay pure."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import securechat

ROOT = Path(securechat.__file__).parent

MAY_IMPORT = {
    "cli": {"server", "client", "store", "chat", "irc", "tls", "pki"},
    "server": {"store", "chat", "irc", "tls", "pki"},
    "client": {"irc", "tls", "pki"},
    "store": {"chat", "irc"},
    "chat": {"irc"},
    "irc": set(),
    "tls": set(),
    "pki": set(),
    "": set(),  # securechat itself: its version, which all may ask for
    "__main__": {"cli"},
}
"""The packages of ours that each package may import, besides itself."""

PURE = {"chat", "irc"}
"""They know no sockets, threads, clock, chance, files or database: the same input gives the same output."""

PURE_MODULES = {
    "__future__",
    "base64",
    "binascii",
    "bisect",
    "collections",
    "contextlib",
    "dataclasses",
    "enum",
    "functools",
    "heapq",
    "ipaddress",  # arithmetic with addresses; it opens nothing and asks nobody
    "itertools",
    "math",
    "operator",
    "re",
    "string",
    "types",
    "typing",
    "unicodedata",
}
"""What pure packages may import from elsewhere."""

ONLY_FORMATS = {"time": {"gmtime": 1, "strftime": 2}}
"""Of these modules pure packages may call these functions, with so many arguments: with fewer they read the clock."""

IMPURE_BUILTINS = {"__import__", "eval", "exec", "hash", "id", "input", "open", "print"}
"""What a pure package may not call: hashes of strings and addresses differ from process to process."""


def _modules() -> Iterator[tuple[str, ast.Module]]:
    """All of our modules by their dotted names; a package's ends in ``.__init__``."""
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join((ROOT.name, *path.relative_to(ROOT).with_suffix("").parts))
        yield name, ast.parse(path.read_text(encoding="utf-8"), str(path))


def _package_of(module: str) -> str:
    """``"irc"`` for ``securechat.irc.names``, ``""`` for ``securechat`` itself."""
    part = module.split(".")[1:2]
    return part[0] if part and part[0] != "__init__" else ""


def _imports(module: str, tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    """Everything that a module imports, wherever in it: the statement, and a dotted name.

    Of ``from a import b`` the name is ``a.b``: whether ``b`` is a module can't be seen, and does no harm to guess.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*module.split(".")[: -node.level], *([base] if base else [])])
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)


def upward_imports(module: str, tree: ast.Module) -> list[str]:
    """What a module imports of ours although its package may not."""
    here = _package_of(module)
    names = [name for _, name in _imports(module, tree) if name.split(".")[0] == "securechat"]
    # ``from securechat import __version__`` asks securechat itself.
    packages = {_package_of(name) for name in names if _package_of(name) in MAY_IMPORT}
    return sorted(packages - MAY_IMPORT.get(here, set()) - {here, ""})


def impurities(module: str, tree: ast.Module) -> list[str]:
    """What a module of a pure package does that a pure one does not, with lines."""
    return [f"{name} (line {line})" for name, line in _impurities(module, tree)]


def _impurities(module: str, tree: ast.Module) -> Iterator[tuple[str, int]]:
    for statement, name in _imports(module, tree):
        formats = isinstance(statement, ast.Import) and name in ONLY_FORMATS
        renamed = any(alias.asname for alias in statement.names)
        if name.split(".")[0] not in PURE_MODULES | {"securechat"} and (not formats or renamed):
            yield f"import of {name}", statement.lineno
    formatters = {_formatter(node) for node in ast.walk(tree)}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name in ONLY_FORMATS and node not in formatters:
                yield f"use of {name}", node.lineno
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_BUILTINS:
                yield f"{name}()", node.lineno


def _formatter(node: ast.AST) -> ast.Name | None:
    """The ``time`` in ``time.gmtime(seconds)``, which formats."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name() as module, attr=function), args=args) if len(
            args
        ) == ONLY_FORMATS.get(module.id, {}).get(function) and not any(map(_may_be_missing, args)):
            return module
    return None


def _may_be_missing(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Starred) or (isinstance(argument, ast.Constant) and argument.value is None)


def test_imports_point_downwards() -> None:
    upward = {name: found for name, tree in _modules() if (found := upward_imports(name, tree))}
    assert upward == {}


def test_the_chat_and_the_protocol_are_pure() -> None:
    impure = {
        name: found for name, tree in _modules() if _package_of(name) in PURE and (found := impurities(name, tree))
    }
    assert impure == {}


def test_the_tables_tell_of_every_package() -> None:
    found = {_package_of(name) for name, _ in _modules()}
    assert found == MAY_IMPORT.keys()


def test_the_table_has_no_circle() -> None:
    """So there is a top and a bottom: each package comes after all that it imports."""
    below: set[str] = set()
    while ready := {name for name, lower in MAY_IMPORT.items() if name not in below and lower <= below}:
        below |= ready
    assert below == MAY_IMPORT.keys()


@pytest.mark.parametrize(
    ("module", "source", "upward"),
    [
        ("securechat.irc.x", "import securechat.chat.machine", ["chat"]),
        ("securechat.irc.x", "import re, securechat.chat as c", ["chat"]),
        ("securechat.irc.x", "from securechat import chat", ["chat"]),
        ("securechat.irc.x", "from securechat.chat import machine", ["chat"]),
        ("securechat.chat.x", "def f():\n    from securechat.store.rows import Kind", ["store"]),
        ("securechat.chat.x", "if TYPE_CHECKING:\n    from securechat.server import session", ["server"]),
        ("securechat.store.x", "try:\n    import securechat.tls\nexcept ImportError:\n    pass", ["tls"]),
        ("securechat.store.x", "import securechat.irc, securechat.chat", []),
        ("securechat.chat.x", "from ..store import rows", ["store"]),
        ("securechat.chat.x", "from .. import store", ["store"]),
        ("securechat.chat.__init__", "from ..store import rows", ["store"]),
        ("securechat.chat.__init__", "from .store import rows", []),  # its own
        ("securechat.chat.x", "from . import store", []),
        ("securechat.server.commands.x", "from ...cli import main", ["cli"]),
        ("securechat.server.commands.x", "from ..cli import main", []),
        (
            "securechat.client.x",
            "from securechat.chat import stamps\nfrom securechat.store import rows",
            ["chat", "store"],
        ),
        ("securechat.tls.x", "from securechat.pki import errors", ["pki"]),
        ("securechat.pki.x", "import securechat.tls.errors", ["tls"]),
        ("securechat.pki.x", "from securechat import __version__\nimport securechat", []),
        ("securechat.__init__", "from securechat.cli import main", ["cli"]),
        ("securechat.__init__", "from .cli import main", ["cli"]),
        ("securechat.__main__", "from securechat.cli import main", []),
        ("securechat.__main__", "from securechat.server import main", ["server"]),
        ("securechat.irc.x", "import securechat_chat, chat, other.securechat.chat", []),
    ],
)
def test_what_points_upwards(module: str, source: str, upward: list[str]) -> None:
    assert upward_imports(module, ast.parse(source)) == upward


@pytest.mark.parametrize(
    "source",
    [
        *(
            f"import {name}"
            for name in ("socket", "ssl", "threading", "random", "sqlite3", "os", "secrets", "datetime")
        ),
        "import os.path",
        "import re, socket",
        "from os import urandom",
        "from datetime import datetime",
        "from cryptography import x509",
        "def f():\n    import threading",
        "if TYPE_CHECKING:\n    import socket",
        "import time as clock",
        "from time import time",
        "from time import gmtime",
        "import time\ntime.time()",
        "import time\ntime.monotonic()",
        "import time\ntime.sleep(1)",
        "import time\ntime.gmtime()",
        "import time\ntime.gmtime(None)",
        "import time\ntime.gmtime(*x)",
        "import time\ntime.strftime('%Y')",
        "import time\nnow = time.gmtime",
        "import time\ngetattr(time, 'time')()",
        "hash('a')",
        "open('/etc/passwd')",
        "__import__('socket')",
    ],
)
def test_what_is_not_pure(source: str) -> None:
    assert len(impurities("securechat.chat.x", ast.parse(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "from __future__ import annotations\nimport re\nfrom collections.abc import Callable",
        "from securechat.irc.names import casefold\nfrom . import model",
        "import time\ntime.strftime('%Y', time.gmtime(0 + x))",
        "id = 5\nself.open()",
    ],
)
def test_what_is_pure(source: str) -> None:
    assert impurities("securechat.chat.x", ast.parse(source)) == []
