"""Bans over the control socket: what is asked, what is answered, and what makes no sense."""

from pathlib import Path

import pytest

from securechat.server.control import OperatorError
from tests.server.controls import connected, line_from, serving
from tests.server.operators import MemoryOperator


def test_all_that_can_be_asked(tmp_path: Path) -> None:
    operator = MemoryOperator()
    with serving(tmp_path / "control.sock", operator) as client:
        assert client.list_bans() == []
        client.add_ban("alice", "", None)
        client.add_ban("192.0.2.0/24", "спам\n", 0)
        assert client.list_bans() == operator.list_bans() != []
        assert operator.seconds == {"alice": None, "192.0.2.0/24": 0}
        client.remove_ban("alice")
        assert [*operator.bans] == ["192.0.2.0/24"]
        with pytest.raises(OperatorError, match=r"^there is no ban of alice$"):
            client.remove_ban("alice")
        with pytest.raises(OperatorError, match="no reason and no password is that long"):
            client.add_ban("alice", "x" * 100_000, None)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b'{"do": "ban", "whom": "a", "reason": "x"}\n', "'seconds' is missing, or no whole number"),
        (b'{"do": "ban", "whom": "a", "reason": "x", "seconds": -1}\n', "'seconds' is missing, or no whole number"),
        (b'{"do": "ban", "whom": "a", "reason": "x", "seconds": 1.5}\n', "'seconds' is missing, or no whole number"),
        (b'{"do": "ban", "whom": "a", "reason": "x", "seconds": true}\n', "'seconds' is missing, or no whole number"),
        (b'{"do": "ban", "whom": "a", "reason": null, "seconds": 1}\n', "'reason' is missing, or no string"),
        (b'{"do": "unban", "whom": 1}\n', "'whom' is missing, or no string"),
    ],
)
def test_requests_that_make_no_sense(tmp_path: Path, said: bytes, answer: str) -> None:
    path = tmp_path / "control.sock"
    with serving(path, MemoryOperator()) as client:
        with connected(path) as sock:
            sock.sendall(said)
            reply = line_from(sock)
            assert isinstance(reply, dict)
            assert (reply["ok"], reply["fault"]) == (False, "server")
            assert answer in reply["error"]
        assert client.list_bans() == []
