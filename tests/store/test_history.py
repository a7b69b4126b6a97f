"""Pages of history: which records are on them, and that they cost no more than that."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from securechat.chat.views_history import Past, Pasts
from securechat.store.history import LAST, MOST_CHARACTERS, History, Partner, Record, Shown, took_too_long
from securechat.store.rows import Kind
from tests.store.past import ANN, BOB, EVENTS, GUEST, ME, PLAIN, RARE, TEA, Log, Watched, gone, tea, with_


@pytest.fixture
def log(path: Path) -> Log:
    return Log(path)


def stamps(records: list[Record]) -> list[int]:
    return [record.stamp for record in records]


# -- the law ----------------------------------------------------------------------------------------------------------

ROW = tuple[Kind, int, int | None, int | None, str, tuple[int, ...], int]
SPEAKERS = st.sampled_from((ME, ANN, BOB, GUEST, None))
ROWS = st.tuples(
    st.sampled_from((*[Kind.PRIVMSG] * 4, Kind.NOTICE, *list(Kind))),
    st.sampled_from((TEA, RARE)),
    SPEAKERS,
    st.sampled_from((None, None, ME, ANN, GUEST)),
    st.sampled_from(("", "", "", "@", "%", "+")),
    st.sampled_from(((), (), (TEA,), (TEA, RARE))),
    st.integers(0, 8),
)


def written(path: Path, rows: list[ROW]) -> Log:
    """A log with such rows, ten stamps apart; REDACT takes back one of the last eight messages."""
    path.unlink(missing_ok=True)
    log = Log(path)
    for place, (kind, channel, who, to, prefix, seen_in, back) in enumerate(rows, 1):
        stamp = place * 10
        if kind is Kind.REDACT:
            messages = [r for r in log.records if r.kind < 3 and r.redacted is None][-8:]
            if back < len(messages):
                log.take_back(stamp, messages[back].stamp)
        elif kind in (Kind.PRIVMSG, Kind.NOTICE):
            log.add(stamp, kind, channel, who, to=to, prefix="" if to else prefix)
        elif kind in (Kind.QUIT, Kind.NICK, Kind.JOIN) and seen_in:
            log.add(stamp, kind, None, who, seen_in=seen_in)
        else:
            log.add(stamp, kind, channel, who)
    return log


PASTS = st.one_of(
    st.builds(
        tea,
        since=st.integers(0, 200),
        last=st.integers(0, 400) | st.just(LAST),
        prefixes=st.sampled_from(("#", "#+", "#%+", "#@%+")),
        channel=st.sampled_from((TEA, RARE)),
    ),
    st.sampled_from((with_(ANN), with_(ME), with_(ANN, GUEST), with_(GUEST, last=150), with_())),
)
BOUNDS = st.integers(0, 400) | st.sampled_from((-1, 0, LAST))


@given(
    rows=st.lists(ROWS, max_size=40),
    past=PASTS,
    first=BOUNDS,
    last=BOUNDS,
    most=st.integers(0, 12),
    shown=st.builds(Shown, st.booleans(), st.booleans(), st.booleans()),
    newest=st.booleans(),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_page_is_what_a_look_at_every_row_gives(
    path: Path, rows: list[ROW], past: Past, first: int, last: int, most: int, shown: Shown, newest: bool
) -> None:
    log = written(path, rows)
    page = log.save().page(past, first, last, most, shown, newest=newest)
    expected = log.expected(past, first, last, most, shown, newest=newest)
    assert stamps(page) == stamps(expected)
    for record, plain in zip(page, expected, strict=True):
        if record.redacted is None:
            assert record == plain
        else:
            assert record.redaction is not None
            assert record.redaction.stamp == record.redacted


# -- pages ------------------------------------------------------------------------------------------------------------


def test_pages_follow_each_other_without_gaps_or_repetitions(log: Log) -> None:
    for stamp in range(10, 200, 10):
        log.add(stamp, Kind.JOIN if stamp % 30 == 0 else Kind.PRIVMSG)
        log.add(stamp + 1, Kind.QUIT, None, BOB, seen_in=(TEA, RARE))
    history = log.save()
    forward: list[int] = []
    while page := history.page(tea(), forward[-1] + 1 if forward else 0, LAST, 7, EVENTS):
        forward += stamps(page)
    backward: list[int] = []
    while page := history.page(tea(), 0, backward[0] - 1 if backward else LAST, 7, EVENTS, newest=True):
        backward = stamps(page) + backward
    assert forward == backward == stamps(log.records)


@pytest.mark.parametrize(
    ("middle", "most", "found"),
    [
        (50, 1, [50]),
        (50, 2, [40, 50]),
        (50, 3, [40, 50, 60]),
        (50, 4, [30, 40, 50, 60]),
        (45, 2, [40, 50]),
        (90, 4, [60, 70, 80, 90]),
        (10, 4, [10, 20, 30, 40]),
        (0, 3, [10, 20, 30]),
        (1000, 3, [70, 80, 90]),
        (50, 100, [10, 20, 30, 40, 50, 60, 70, 80, 90]),
        (50, 0, []),
    ],
)
def test_around(log: Log, middle: int, most: int, found: list[int]) -> None:
    """The place itself is there, and what one side has too few of comes from the other."""
    for stamp in range(10, 100, 10):
        log.add(stamp)
    assert stamps(log.save().around(tea(), middle, most)) == found


def test_who_took_a_message_back_is_with_it_and_not_counted(log: Log) -> None:
    log.add(10)
    log.add(20)
    log.add(30)
    log.take_back(40, 20)
    log.add(50)
    history = log.save()
    for shown in (Shown(redactions=True), EVENTS):
        page = history.page(tea(), 0, LAST, 3, shown, newest=True)
        assert stamps(page) == [20, 30, 50]
        redaction = page[0].redaction
        assert redaction is not None
        assert (redaction.stamp, redaction.account) == (40, "ann")
    assert stamps(history.page(tea(), 0, LAST, 3, PLAIN, newest=True)) == [10, 30, 50]
    assert stamps(history.page(tea(), 25, LAST, 3, EVENTS)) == [30, 40, 50], "its message is not on the page"
    assert stamps(history.page(tea(), 25, LAST, 3, Shown(redactions=True))) == [30, 50]
    found = history.page(tea(), 0, 30, 2, EVENTS, newest=True)
    assert stamps(found) == [20, 30]
    assert found[0].redaction is not None, "which is found though it is behind the page"


def test_a_message_that_is_taken_back_again_and_again_makes_no_endless_page(log: Log) -> None:
    log.add(10)
    for stamp in range(20, 1000, 10):
        log.take_back(stamp, 10)
    assert len(log.save().page(tea(), 0, LAST, 5, EVENTS)) <= 10


def test_very_long_messages_are_on_several_pages(log: Log) -> None:
    for stamp in range(10, 60, 10):
        log.add(stamp, text="x" * (MOST_CHARACTERS * 2 // 5) if stamp != 20 else "x" * (MOST_CHARACTERS + 1))
    history = log.save()
    assert stamps(history.page(tea(), 0, LAST, 100, newest=True)) == [40, 50]
    assert stamps(history.page(tea(), 0, LAST, 100)) == [10]
    assert stamps(history.page(tea(), 11, LAST, 100)) == [20], "whatever its length"
    assert stamps(history.page(tea(), 21, LAST, 100)) == [30, 40]


def test_a_message_of_which_nobody_knows_who_took_it_back(log: Log) -> None:
    log.add(10)
    log.take_back(20, 10)
    log.records.pop()
    assert log.save().page(tea(), 0, LAST, 5, EVENTS) == []


def test_one_record(log: Log) -> None:
    log.add(10, who=GUEST, text="hello")
    log.add(20)
    log.take_back(30, 20)
    history = log.save()
    record = history.record(10)
    assert record is not None
    assert (record.text, record.account, record.redaction) == ("hello", None, None)
    taken_back = history.record(20)
    assert taken_back is not None
    assert taken_back.redaction == history.record(30)
    assert history.record(11) is None


# -- conversations ----------------------------------------------------------------------------------------------------


def test_with_whom_somebody_has_spoken(log: Log) -> None:
    log.add(10, who=ME, to=ANN)
    log.add(20, who=ANN, to=ME)
    log.add(30, who=ANN, to=BOB)
    log.add(40, who=ME, to=ME)
    log.add(50, who=GUEST, to=ME, nick="Visitor")
    log.add(60, who=ME, to=BOB)
    log.add(70, channel=TEA)
    log.add(80, channel=RARE)
    log.take_back(90, 80)
    history = log.save()
    pasts = Pasts(ME, 55, (tea(), tea(channel=RARE)))
    channels, partners = history.ends(pasts)
    assert {past.name: last for past, last in channels.items()} == {"#tea": 70}
    assert sorted(partners, key=lambda partner: partner.last) == [
        Partner(ANN, 20),
        Partner(ME, 40),
        Partner(GUEST, 50),
    ]
    assert history.nicks(ME, partners) == [{ANN: "ann", ME: "me", GUEST: "Visitor"}[partner.id] for partner in partners]
    channels, _ = history.ends(pasts, Shown(redactions=True))
    assert {past.name: last for past, last in channels.items()} == {"#tea": 70, "#rare": 80}


def test_the_last_message_that_counts_is_one_that_is_shown(log: Log) -> None:
    log.add(10, who=ME, to=ANN)
    log.add(20, who=ANN, to=ME)
    log.take_back(30, 20)
    history = log.save()
    assert history.ends(Pasts(ME, LAST, ()))[1] == [Partner(ANN, 10)]
    assert history.ends(Pasts(ME, LAST, ()), EVENTS)[1] == [Partner(ANN, 20)]


def test_those_who_have_gone_are_found_by_the_nick_that_they_had_last(log: Log) -> None:
    log.add(10, who=GUEST, to=ME, nick="visitor")
    log.add(20, who=GUEST + 1, to=ME, nick="other")
    log.add(30, who=ME, to=GUEST + 1, nick="Visitor")
    log.add(40, who=GUEST + 2, to=ANN, nick="visitor")
    log.add(50, who=BOB, to=ME, nick="visitor")
    log.add(60, who=GUEST + 3, to=ME, nick="visitor")
    log.add(70, who=GUEST + 3, to=ME, nick="elsewhere")
    history = log.save()
    found = history.with_those_gone(with_())
    assert found is None
    visitor = history.with_those_gone(gone("VISITOR"))
    assert visitor is not None
    assert set(visitor.others) == {GUEST, GUEST + 1}, "not an account, and none who spoke with others only"
    assert visitor.name == "Visitor"
    assert stamps(history.page(visitor, 0, LAST, 10)) == [10, 20, 30]
    assert history.with_those_gone(gone("visitor", last=9)) is None


# -- what it costs ----------------------------------------------------------------------------------------------------


def long_log(path: Path, times: int) -> Watched:
    """So many times the same conversations; in one channel only the first time."""
    path.unlink(missing_ok=True)
    log = Log(path)
    for stamp in range(100, 100 + 20 * times, 20):
        log.add(stamp)
        log.add(stamp + 1, Kind.JOIN)
        log.add(stamp + 2, Kind.QUIT, None, seen_in=(TEA,))
        log.add(stamp + 3, who=ME, to=ANN)
        log.add(stamp + 4, who=ANN, to=ME)
        log.add(stamp + 5, who=BOB, to=ANN)
        log.add(stamp + 6, who=GUEST, to=ME, nick="visitor")
    log.add(50, channel=RARE)
    log.save()
    return Watched(path)


def every_question(history: History) -> None:
    for past in (tea(), tea(channel=RARE), with_(ANN)):
        for shown in (PLAIN, EVENTS):
            history.page(past, 0, 500, 5, shown, newest=True)
            history.page(past, 300, LAST, 5, shown)
            history.around(past, 400, 5, shown)
    for shown in (PLAIN, EVENTS):
        history.ends(Pasts(ME, LAST, (tea(), tea(channel=RARE))), shown)
    history.with_those_gone(gone("visitor"))
    history.record(100)


def test_everything_is_found_by_an_index_and_in_order(path: Path) -> None:
    history = long_log(path, 40)
    every_question(history)
    plans = history.plans()
    assert plans
    allowed = (
        "SEARCH ",
        "CORRELATED SCALAR SUBQUERY",
        "SCALAR SUBQUERY",
        "SETUP",
        "RECURSIVE STEP",
        "CO-ROUTINE",
        "MATERIALIZE",
    )
    steps = {step for step in plans if not step.startswith(allowed)}
    assert steps <= {"SCAN met"}, "the partners found so far, and no table"
    assert {word for step in plans for word in step.split() if word.startswith("log_")} == {
        "log_speech", "log_events", "log_channels", "log_sent", "log_received",
    }  # fmt: skip


def test_a_page_costs_the_same_in_a_log_ten_times_as_long(path: Path) -> None:
    """Counted in SQLite's own steps, which no other load of the machine changes."""
    costs = []
    for times in (40, 400):
        history = long_log(path, times)
        every_question(history)
        costs.append(history.steps)
    assert costs[1] <= costs[0] * 1.02


def test_a_question_that_takes_too_long_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long_log(path, 400)
    monkeypatch.setattr("securechat.store.history.SECONDS", -1.0)
    monkeypatch.setattr("securechat.store.history._STEPS", 100)
    with pytest.raises(sqlite3.Error) as error:
        History(path).page(tea(), 0, LAST, 100)
    assert took_too_long(error.value)


def test_other_errors_are_errors(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error) as error:
        History(tmp_path / "nothing").record(1)
    assert not took_too_long(error.value)
