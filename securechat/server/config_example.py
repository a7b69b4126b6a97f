"""The annotated example of a configuration file, written from the table that also reads such files.

``python -m securechat.server.config_example > docs/securechat.example.toml``
"""

from __future__ import annotations

import json
import sys
import textwrap

from securechat.server.config import NAMED_TABLES, keys_of, tables

_INTRODUCTION = """\
The configuration of a securechat server, for `securechat server --config FILE`. Every key may be left out; what stands
here are the defaults. Keys behind a # have none: take the # away to set them. Options on the command line win over what
stands here. Paths are relative to this file's directory."""

_WIDTH = 100


def example() -> str:
    """The whole file, as TOML. Read as a configuration, it is the defaults."""
    parts = [_comment(_INTRODUCTION)]
    for name, table in tables().items():
        parts.append(f"\n# {type(table).__doc__}\n[{name}]\n")
        for key, about in keys_of(table).items():
            line = f"# {about.example}" if about.example else f"{key} = {_toml(getattr(table, key))}"
            parts.append(f"\n{_comment(about.help)}{line}\n")
    for name, kind in NAMED_TABLES.items():
        parts.append(f"\n{_comment(str(kind.__doc__))}# [{name}.NAME]\n")
        parts += [f"\n{_comment(about.help)}# {about.example}\n" for about in keys_of(kind).values()]
    return "".join(parts)


def _comment(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False) + "\n"


def _toml(value: object) -> str:
    match value:
        case bool() | str():
            return json.dumps(value)
        case int():
            return f"{value:_}" if value >= 10_000 else str(value)
        case float():
            return f"{value:g}"
        case tuple():
            return f"[{', '.join(map(_toml, value))}]"
    raise TypeError(f"no TOML for {type(value).__name__}")


if __name__ == "__main__":
    sys.stdout.write(example())
