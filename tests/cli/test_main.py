"""The command line as a whole: what is loaded when, and how it ends."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from securechat import __version__, cli
from tests.cli.commands import environment, securechat


def test_the_version(tmp_path: Path) -> None:
    done = securechat(tmp_path, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"securechat {__version__}\n", "")


def test_the_help_has_every_command(tmp_path: Path) -> None:
    done = securechat(tmp_path, "--help")
    assert done.returncode == 0
    for command in (
        "connect",
        "join",
        "servers",
        "server",
        "user",
        "ban",
        "backup",
        "restore",
        "export",
        "check",
        "demo",
    ):
        assert f"\n  {command} " in done.stdout
    assert "..." not in done.stdout.partition("Commands:")[2], "each in a sentence that fits"


@pytest.mark.parametrize("group", ["certs", "servers", "user", "ban", "invite"])
def test_what_a_command_of_a_group_does_fits_into_its_line(tmp_path: Path, group: str) -> None:
    done = securechat(tmp_path, group, "--help")
    assert done.returncode == 0
    assert "..." not in done.stdout.partition("Commands:")[2]


@pytest.mark.parametrize("arguments", [["chat"], ["--fast"], ["user", "rename"], ["user", "add"], ["ban", "add"]])
def test_what_is_typed_wrongly(tmp_path: Path, arguments: list[str]) -> None:
    done = securechat(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage: securechat" in done.stderr


LOADED = """
import sys
from securechat.cli import main
sys.argv = ["securechat", *sys.argv[1:]]
try:
    main()
finally:
    print(*sorted(name for name in sys.modules if name.startswith("securechat.")), file=sys.stderr)
"""


def loaded(tmp_path: Path, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        capture_output=True, text=True, env=environment(tmp_path), timeout=60, check=True,
    )  # fmt: skip
    return set(done.stderr.split())


@pytest.mark.parametrize("command", ["connect", "join", "servers"])
def test_who_connects_does_not_load_the_server(tmp_path: Path, command: str) -> None:
    modules = loaded(tmp_path, command, "--help")
    assert "securechat.client.servers" in modules
    assert not [name for name in modules if name.startswith(("securechat.server", "securechat.store"))]


@pytest.mark.parametrize("command", ["user", "ban"])
def test_an_operators_command_does_not_load_the_client(tmp_path: Path, command: str) -> None:
    modules = loaded(tmp_path, command, "--help")
    assert "securechat.server.control" in modules
    assert not [name for name in modules if name.startswith(("securechat.client", "securechat.server.session"))]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], object]:
    """Run a function as if it were `securechat demo`; the status with which the process would end."""

    def run(function: Callable[[], None]) -> object:
        monkeypatch.setitem(sys.modules, "securechat.cli.demo", type("demo", (), {"demo": staticmethod(function)}))
        monkeypatch.setattr(sys, "argv", ["securechat", "demo"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code

    return run


def broken() -> None:
    raise RuntimeError("the secret is " + "-".join(["hunter", "2"]))


def test_a_mistake_of_ours(command: Callable[..., object], capsys: pytest.CaptureFixture[str]) -> None:
    assert command(broken) == 70
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "RuntimeError" in captured.err
    assert "SECURECHAT_DEBUG=1" in captured.err
    assert "hunter-2" not in captured.err


def test_a_mistake_of_ours_in_full(
    command: Callable[..., object], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECURECHAT_DEBUG", "1")
    assert command(broken) == 70
    errors = capsys.readouterr().err
    assert errors.startswith("Traceback (most recent call last):")
    assert "RuntimeError: the secret is hunter-2" in errors
    assert "please report it" in errors


def interrupted() -> None:
    raise KeyboardInterrupt


def leaving() -> None:
    raise typer.Exit(5)


def done() -> None:
    pass


@pytest.mark.parametrize(("function", "status"), [(interrupted, 130), (leaving, 5), (done, 0)])
def test_other_endings(
    command: Callable[..., object], capsys: pytest.CaptureFixture[str], function: Callable[[], None], status: int
) -> None:
    assert command(function) == status
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["server", "user", "demo"])
def test_where_servers_do_not_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setattr(cli, "_HAS_SERVER", False)
    monkeypatch.setattr(sys, "argv", ["securechat", name, "list", "--data", "x"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert f"`securechat {name}` needs Linux or macOS" in capsys.readouterr().err
