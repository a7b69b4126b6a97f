"""`securechat certs` beside a server that runs: what its doctor sees of it, and what the server makes of its files."""

from pathlib import Path

from tests.cli.commands import securechat
from tests.e2e.servers import Place, running
from tests.e2e.wires import Chatter


def test_an_authority_from_its_beginning_to_its_replacement(place: Place, tmp_path: Path) -> None:
    def certs(*arguments: str, status: int = 0) -> str:
        done = securechat(tmp_path, "certs", *arguments)
        assert done.returncode == status, done.stderr
        return done.stdout

    certs("init")
    certs("issue", "alice")
    place = Place(place.home, tmp_path / "certs")
    with running(place) as server:
        address = f"localhost:{server.port}"
        told = certs("doctor", address)
        assert f"ok       localhost port {server.port} speaks TLS 1.3" in told
        assert "warning" not in told

        with Chatter(server, "alice", certificate=place.certs / "clients" / "alice.pem") as alice:
            certs("revoke", "alice")
            assert "revoked" in alice.to_end()[-1].params[-1]

    old = place.ca.read_bytes()
    certs("init", "--replace-ca")
    (tmp_path / "old.pem").write_bytes(old)
    with running(place) as server:
        address = f"localhost:{server.port}"
        assert "verified by certs/ca.pem" in certs("doctor", address)
        assert "it is not signed by old.pem" in certs("doctor", address, "--ca", "old.pem", status=1)
