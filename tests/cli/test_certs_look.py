"""`securechat certs show` and `doctor`."""

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.pki import CertificateInfo, make_development_certs
from securechat.pki.issuing import issue_server
from tests.cli.commands import securechat
from tests.pki.listener import listening
from tests.pki.public import Public, certbot
from tests.pki.test_doctor import context_for

PUBLIC = Public()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    make_development_certs(home / "certs", hosts=["chat.example"], clients=["Alice"], machine="box")
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "home")


def facts(text: str) -> dict[str, str]:
    """The lines of one certificate, by their names."""
    return {line[2:16].strip(): line[16:] for line in text.splitlines()[1:]}


def test_show_has_what_a_person_compares(home: Path) -> None:
    done = securechat(home, "certs", "show", "certs/server.pem")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("certs/server.pem: a server's certificate\n")
    shown = facts(done.stdout)
    info = CertificateInfo.read(home / "certs/server.pem")
    assert shown["names"] == "localhost, 127.0.0.1, ::1, box, chat.example"
    assert shown["issuer"] == info.issuer
    assert shown["serial"] == f"{info.serial:x}"
    assert shown["valid"].endswith(" UTC, 364 days left")
    assert shown["key"] == "P-256"
    command = ["openssl", "x509", "-in", "certs/server.pem", "-noout", "-fingerprint", "-sha256"]
    told = subprocess.run(command, cwd=home, capture_output=True, text=True, check=True).stdout
    assert shown["fingerprint"] == told.strip().partition("=")[2].replace(":", "").lower()
    assert shown["authority key"] == CertificateInfo.read(home / "certs/ca.pem").spki_fingerprint


def test_show_of_a_directory_has_all(home: Path) -> None:
    done = securechat(home, "certs", "show")
    assert done.returncode == 0
    parts = done.stdout.split("\n\n")
    assert [part.splitlines()[0] for part in parts] == [
        "certs/ca.pem: an authority",
        "certs/client-ca.pem: an authority",
        "certs/server.pem: a server's certificate",
        "certs/clients/alice.pem: a client's certificate",
    ]
    assert facts(parts[3])["account"] == "alice"
    assert facts(parts[3])["name"] == "Alice"


@pytest.mark.parametrize(
    ("key", "kind"),
    [(rsa.generate_private_key(65537, 2048), "RSA 2048"), (ec.generate_private_key(ec.SECP256R1()), "P-256")],
)
def test_a_public_authoritys_files_as_they_come(
    tmp_path: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kind: str
) -> None:
    live = certbot(tmp_path, PUBLIC, key, PUBLIC.leaf(key, "chat.example"))
    done = securechat(tmp_path, "certs", "show", live)
    assert (done.returncode, done.stderr) == (0, "")
    shown = facts(done.stdout)
    assert (shown["names"], shown["issuer"], shown["key"]) == ("chat.example", "R3", kind)
    assert shown["authority"] == "Root X1, which is not in this file"
    assert shown["authority key"].endswith("links end in #system")
    (tmp_path / "roots.pem").write_bytes(PUBLIC.root.public_bytes(Encoding.PEM))
    for what in (live, live / "fullchain.pem"):
        done = securechat(tmp_path, "certs", "doctor", what, more={"SSL_CERT_FILE": str(tmp_path / "roots.pem")})
        assert (done.returncode, done.stderr) == (0, "")
        assert "verified by an authority of this system" in done.stdout
    done = securechat(tmp_path, "certs", "doctor", live, "--ca", tmp_path / "roots.pem")
    assert done.returncode == 0
    assert f"verified by {tmp_path / 'roots.pem'}" in done.stdout


def test_the_doctor_finds_nothing_wrong_and_says_what_it_looked_at(home: Path) -> None:
    done = securechat(home, "certs", "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) >= 10
    assert all(line.startswith("ok       ") for line in lines)


def test_the_doctor_says_what_is_wrong_and_exits_1(home: Path) -> None:
    (home / "certs/server.pem").chmod(0o644)
    (home / "certs/ca.key").chmod(0o644)
    done = securechat(home, "certs", "doctor")
    assert done.returncode == 1
    assert done.stderr == "securechat: 2 things are wrong\n"
    wrong = [line for line in done.stdout.splitlines() if line.startswith("wrong    ")]
    assert wrong[0].endswith("certs/ca.key is a private key that others can read or change: chmod 600 certs/ca.key")
    assert wrong[1].endswith(": chmod 600 certs/server.pem")


def test_a_warning_is_no_failure(home: Path) -> None:
    issue_server(home / "certs", ["chat.example"], now=datetime.now(UTC), days=5)
    done = securechat(home, "certs", "doctor", "certs/server.pem")
    assert (done.returncode, done.stderr) == (0, "")
    assert "warning  certs/server.pem has 4 days left: " in done.stdout


def test_the_doctor_at_a_running_server(home: Path, tmp_path: Path) -> None:
    with listening(context_for(home / "certs/server.pem")) as port:
        done = securechat(home, "certs", "doctor", f"127.0.0.1:{port}")
        assert (done.returncode, done.stderr) == (0, "")
        assert f"ok       127.0.0.1 port {port} speaks TLS 1.3" in done.stdout
        assert "verified by certs/ca.pem" in done.stdout
        done = securechat(home, "certs", "doctor", f"127.0.0.1:{port}", "--host", "irc.example")
        assert done.returncode == 1
        assert "it is not for irc.example" in done.stdout
        done = securechat(tmp_path, "certs", "doctor", f"127.0.0.1:{port}")  # no certs here: the system's authorities
        assert done.returncode == 1
        assert "it is not signed by an authority of this system" in done.stdout
    done = securechat(home, "certs", "doctor", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert done.stdout.startswith(f"wrong    nothing listens at 127.0.0.1:{port}")


def test_an_authority_that_clients_can_not_use(home: Path) -> None:
    (home / "certs/ca.pem").write_bytes(b"nonsense")
    done = securechat(home, "certs", "doctor", "certs/server.pem")
    assert done.returncode == 1
    assert done.stdout.startswith("wrong    certs/ca.pem holds no certificate in PEM form")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "nothing"], "nothing does not exist"),
        (["show", "."], "there are no certificates in ."),
        (["show", "certs/ca.key"], "certs/ca.key holds no certificate in PEM form"),
        (["doctor", "nothing.pem"], "'nothing.pem' is neither a file or directory that is there nor HOST:PORT"),
        (["doctor", "localhost"], "'localhost' is neither a file"),
        (["doctor", "localhost:0"], "there is no port 0"),
        (["doctor", "[::1]:99999"], "there is no port 99999"),
        (["doctor", "--ca", "nothing.pem"], "there is no file nothing.pem"),
        (["doctor", "certs/server.pem", "--key", "nothing.key"], "nothing.key does not exist"),
        (["doctor", "certs/ca.key"], "certs/ca.key holds no certificate in PEM form"),
    ],
)
def test_mistakes_exit_2_with_one_sentence(made: Path, arguments: list[str], sentence: str) -> None:
    done = securechat(made, "certs", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"securechat: {sentence}")
    assert done.stderr.count("\n") == 1


def test_names_from_others_do_nothing_to_the_terminal(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    live = certbot(tmp_path, PUBLIC, key, PUBLIC.leaf(key, "\x1b[31mred"))
    done = securechat(tmp_path, "certs", "show", live)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "\\x1b[31mred" in done.stdout
