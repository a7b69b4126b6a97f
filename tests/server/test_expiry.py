"""Certificates that are about to expire are told of in the log."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from securechat.pki import Authority, Purpose
from securechat.server.authorities import read_authorities
from securechat.server.config import Config, TLSConfig
from securechat.server.expiry import WARN_DAYS, warn
from securechat.server.log import EventLog
from securechat.server.reload import read_certificates
from tests.server.wire import running

NOW = datetime.now(UTC).replace(microsecond=0)


class Told(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        fields = getattr(record, "fields", {})
        self.events.append((f"{record.levelname} {record.getMessage()}", fields["file"], fields["days"]))


def told(ends: list[tuple[Path, datetime]], now: datetime = NOW) -> list[tuple[str, str, object]]:
    handler = Told()
    logger = logging.Logger("tests.expiry")
    logger.addHandler(handler)
    warn(ends, now, EventLog(logger))
    return handler.events


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (timedelta(days=WARN_DAYS), None),
        (timedelta(days=WARN_DAYS, seconds=-1), WARN_DAYS - 1),
        (timedelta(days=1), 1),
        (timedelta(hours=23), 0),
        (timedelta(0), 0),
        (timedelta(seconds=-1), -1),
        (timedelta(days=-3), -3),
    ],
)
def test_from_thirty_days_before(left: timedelta, days: int | None) -> None:
    path = Path("certs/server.pem")
    expected = [] if days is None else [("WARNING certificate expires", "certs/server.pem", days)]
    assert told([(path, NOW + left)]) == expected


def make(directory: Path, days: int) -> Path:
    """A server's certificate of so many days, and authorities that are near their end."""
    begin = NOW - timedelta(days=3640)
    servers, clients = (Authority.create(purpose, now=begin) for purpose in (Purpose.SERVERS, Purpose.CLIENTS))
    for authority in (servers, clients):
        authority.save(directory)
    path = directory / "server.pem"
    servers.issue_server(["localhost"], now=NOW, days=days).save(path)
    return path


def test_the_servers_own_and_both_authorities(tmp_path: Path) -> None:
    path = make(tmp_path, 5)
    ends = read_authorities(TLSConfig(cert=path)).ends
    assert [(where.name, days) for _, where, days in ((e, Path(str(w)), d) for e, w, d in told(list(ends)))] == [
        ("server.pem", 5),
        ("ca.pem", 10),
        ("client-ca.pem", 10),
    ]


def test_at_the_start_and_after_a_reload(tmp_path: Path) -> None:
    make(tmp_path, 5)
    with running(tmp_path, tmp_path) as house:
        names = [Path(fields["file"]).name for fields in house.logged("certificate expires")]
        assert names == ["server.pem", "ca.pem", "client-ca.pem"]
        house.hub.reloader.reload("a test")
        assert len(house.logged("certificate expires")) == 6
        house.hub.reloader.reload_certificates()
        assert len(house.logged("certificate expires")) == 9


def test_an_authority_that_has_expired_keeps_no_server_from_its_start(tmp_path: Path) -> None:
    """It only signs clients, and says so."""
    path = make(tmp_path, 5)
    Authority.create(Purpose.CLIENTS, now=NOW - timedelta(days=3655)).save(tmp_path)
    loaded = read_certificates(Config(tls=TLSConfig(cert=path)))
    assert [(Path(where).name, days) for _, where, days in told(list(loaded.authorities.ends))][-1] == (
        "client-ca.pem",
        -5,
    )
