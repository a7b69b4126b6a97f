"""scripts/gen_certs.py as people run it."""

import runpy
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from securechat.pki import AUTHORITY_DAYS, CertificateInfo, make_development_certs
from tests.pki.places import reachable_directory, without_privileges

TOP = Path(__file__).parent.parent.parent
SCRIPT = TOP / "scripts" / "gen_certs.py"
main = cast("Callable[[list[str]], int]", runpy.run_path(str(SCRIPT))["main"])


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=60
    )


def test_what_a_person_sees(tmp_path: Path) -> None:
    first = run("--client", "Alice", "--host", "bücher.example", cwd=tmp_path)
    assert (first.returncode, first.stderr) == (0, "")
    lines = first.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:4]] == [
        ["made", "certs/ca.pem:"],
        ["made", "certs/client-ca.pem:"],
        ["made", "certs/server.pem:"],
        ["made", "certs/clients/alice.pem:"],
    ]
    authority = CertificateInfo.read(tmp_path / "certs" / "ca.pem")
    server = CertificateInfo.read(tmp_path / "certs" / "server.pem")
    assert lines[0].endswith(f"valid until {authority.not_after:%Y-%m-%d %H:%M} UTC")
    assert lines[2].endswith(f"valid until {server.not_after:%Y-%m-%d %H:%M} UTC")
    assert "localhost, 127.0.0.1, ::1" in lines[2]
    assert "xn--bcher-kva.example" in lines[2]
    assert "for the account Alice" in lines[3]
    assert lines[4].endswith(f"certs/ca.pem: {authority.spki_fingerprint}")

    second = run("--days", "7", cwd=tmp_path)
    assert [line.split()[0] for line in second.stdout.splitlines()[:3]] == ["kept", "kept", "replaced"]
    assert "the one before stays valid until its end" in second.stdout
    assert CertificateInfo.read(tmp_path / "certs" / "ca.pem") == authority
    assert CertificateInfo.read(tmp_path / "certs" / "server.pem").days_left(datetime.now(UTC)) == 6


def test_force_says_what_it_means(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_development_certs(tmp_path)
    assert main(["--out", str(tmp_path), "--force"]) == 0
    assert "what the old one signed is void" in capsys.readouterr().out


def test_a_checkout_that_nobody_installed_needs_only_cryptography(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    installed = Path(sysconfig.get_path("platlib"))
    for name in ("cryptography", "cffi", *(path.name for path in installed.glob("_cffi_backend*"))):
        (packages / name).symlink_to(installed / name)
    # -S leaves out site-packages, and with it the installed securechat.
    done = subprocess.run(
        [sys.executable, "-S", SCRIPT, "--out", tmp_path / "certs"],
        env={"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "certs" / "server.pem").exists()


def test_a_python_without_cryptography_is_told_where_to_go(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", SCRIPT, "--out", tmp_path / "certs"],
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("gen_certs: No module named 'cryptography'; use the project's own Python")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--days", "0"], "a certificate is valid for 1 to 3650 days, not 0"),
        (["--days", "99999999999"], "a certificate is valid for 1 to 3650 days"),
        (["--days", "soon"], "argument --days: invalid int value: 'soon'"),
        (["--client", "1up"], "'1up' is not an account name"),
        (["--client", "../../ca"], "'../../ca' is not an account name"),
        (["--host", "a b"], "'a b' is neither a host name nor an IP address"),
        (["--host", "*.example.org"], "is neither a host name nor an IP address"),
        (["--host"], "argument --host: expected one argument"),
        (["--forc"], "unrecognized arguments: --forc"),
        (["certs"], "unrecognized arguments: certs"),
    ],
)
def test_mistakes_exit_2_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    out = tmp_path / "certs"
    assert status(["--out", str(out), *arguments]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("gen_certs: ")
    assert sentence in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert not out.exists()


def status(arguments: list[str]) -> int:
    """What `main` returns, or exits with where argparse does that itself."""
    try:
        return main(arguments)
    except SystemExit as end:
        return cast("int", end.code)


def test_out_on_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "certs"
    file.write_text("mine")
    assert main(["--out", str(file)]) == 2
    assert capsys.readouterr().err == f"gen_certs: {file} is there and is not a directory\n"
    assert file.read_text() == "mine"


def test_out_where_we_may_not_write(capsys: pytest.CaptureFixture[str]) -> None:
    with reachable_directory() as directory:
        directory.chmod(0o555)
        with without_privileges():
            result = main(["--out", str(directory)])
        assert result == 2
        assert "can't write" in capsys.readouterr().err


def test_broken_files_exit_2_and_name_the_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_development_certs(tmp_path)
    (tmp_path / "ca.key").unlink()
    assert main(["--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "ca.key is not; put it right, or make new authorities with --force" in told
    assert told.count("\n") == 1


def test_a_key_that_we_may_not_read_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    with reachable_directory() as directory:
        make_development_certs(directory)
        (directory / "ca.key").chmod(0)
        directory.chmod(0o777)
        with without_privileges():
            result = main(["--out", str(directory)])
        assert result == 1
        assert capsys.readouterr().err == f"gen_certs: can't read {directory / 'ca.key'}: Permission denied\n"


def test_a_full_disk_exits_1_and_leaves_what_was_there(tmp_path: Path) -> None:
    make_development_certs(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "sys.argv[:2] = sys.argv[1:2]; runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, SCRIPT, "--out", tmp_path], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == f"gen_certs: can't write {tmp_path / 'server.pem'}: File too large\n"
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_days_cut_short_and_a_nameless_machine_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_development_certs(tmp_path, now=datetime.now(UTC) - timedelta(days=AUTHORITY_DAYS - 5))
    monkeypatch.setattr("socket.gethostname", lambda: "my_box")
    assert main(["--out", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "--days was cut short" in told
    assert "This machine calls itself 'my_box'" in told
