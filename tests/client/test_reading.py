"""How far one has read is told now and then, and only while somebody is there."""

from datetime import UTC, datetime, timedelta

from securechat.client.reading import ATTENTION, EVERY, Reading

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)


def test_nobody_there_has_read_nothing() -> None:
    assert Reading().wait(0.0) is None


def test_who_presses_a_key_has_read_what_is_there() -> None:
    reading = Reading()
    reading.present(100.0)
    assert reading.wait(100.0) == 0.0
    assert reading.news({"#c": NOON}, 100.0) == [("#c", NOON)]
    assert reading.wait(101.0) == EVERY - 1
    assert reading.news({"#c": NOON}, 100.0 + EVERY) == []
    assert reading.news({"#c": LATER, "bob": NOON}, 100.0 + EVERY) == [("#c", LATER), ("bob", NOON)]
    assert reading.wait(100.0 + 3 * EVERY) == 0.0
    assert reading.wait(100.0 + ATTENTION + 1) is None
    reading.present(1000.0)
    assert reading.wait(1000.0) == 0.0
