"""What must be true of a log, by what people wrote down. Each thing that is not is a sentence.

1. What was acknowledged is there, as the message that the acknowledgement named.
2. What anybody saw is there, as they saw it.
3. Nothing is there twice, nothing that was refused, and nothing that nobody sent.
4. What somebody sent on one connection is there in that order, and up to some line without a gap.
5. What somebody saw on one connection stands there in that order: of all that came live, and of each conversation in
   what was shown because it was missed. Of a channel's messages nothing is left out in between, and nothing came twice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from tests.crash.records import LOGGED, SPOKEN, Account, Line, Row, Seen, Visit, Words


def none(found: Sequence[str]) -> None:
    """Raise `AssertionError` with the first few of these complaints, if there are any."""
    if found:
        raise AssertionError("\n".join([f"{len(found)} complaints", *found[:12]]))


def complaints(accounts: Iterable[Account], log: Sequence[Row]) -> list[str]:
    """Of all rules above. What was lost of what nobody knew about is nobody's loss."""
    accounts = list(accounts)
    rows = {row.msgid: row for row in log}
    by_words = {row.words: row for row in log if row.command in SPOKEN}
    return [
        *_of_the_log(accounts, log),
        *(
            complaint
            for account in accounts
            for complaint in (
                *_acknowledged(account, by_words),
                *(
                    f"{account.nick}, connection {number}: {what}"
                    for number, visit in enumerate(account.visits)
                    for what in (*_seen(visit, rows), *_order(account, visit, log), *_sent(account, visit, by_words))
                ),
            )
        ),
    ]


def unfinished(accounts: Iterable[Account], log: Iterable[Row]) -> list[str]:
    """When everybody has sent again what they could, and has had the answers: each of these is there, once."""
    times = Counter(row.words for row in log)
    return [
        f"{account.nick}: {words} is there {times[words]} times and not once, though it was sent until it was answered"
        for account in accounts
        for words in sorted(account.named - account.refused)
        if times[words] != 1
    ]


def missed(account: Account, channels: Sequence[str], log: Sequence[Row]) -> list[str]:
    """What others said to somebody who asks for nothing, and who was shown it on none of their connections. Messages
    only, and from the first time on that they saw themselves join."""
    seen = {one.msgid for visit in account.visits for one in visit.seen}
    joined = [
        one.msgid for visit in account.visits for one in visit.seen if (one.command, one.nick) == ("JOIN", account.nick)
    ]
    if not joined:  # the server was killed before they saw it: from when on they had to be shown it nobody knows
        return []
    return [
        f"{account.nick} was never shown {row}"
        for row in log
        if row.command in ("PRIVMSG", "NOTICE")
        and row.nick != account.nick
        and row.msgid > max(joined[: len(channels)])
        if row.words[0] in (account.nick, *channels) and row.msgid not in seen
    ]


def _of_the_log(accounts: Iterable[Account], log: Sequence[Row]) -> Iterator[str]:
    for before, after in pairwise(log):
        if before.msgid >= after.msgid:
            yield f"the log is not in order: {before}, {after}"
    sent = {
        words: account.nick
        for account in accounts
        for visit in account.visits
        for line in visit.sent
        for words in line.words
    }
    refused = {words for account in accounts for words in account.refused}
    times = Counter(row.words for row in log if row.command in SPOKEN)
    for row in log:
        if row.command not in SPOKEN:
            continue
        if sent.get(row.words) != row.nick:
            yield f"nobody sent {row}"
        if row.words in refused:
            yield f"it was refused: {row}"
    yield from (f"{words} is there {number} times" for words, number in times.items() if number > 1)


def _acknowledged(account: Account, by_words: dict[Words, Row]) -> Iterator[str]:
    for words, seen in account.acknowledged.items():
        row = by_words.get(words)
        if row is None:
            yield f"{account.nick}: {words} was acknowledged as {seen.msgid} and is not there"
        elif row.msgid != seen.msgid:
            yield f"{account.nick}: {words} was acknowledged as {seen.msgid} and is there as {row.msgid}"


def _seen(visit: Visit, rows: dict[str, Row]) -> Iterator[str]:
    for seen in visit.seen:
        if seen.command not in LOGGED:
            continue
        row = rows.get(seen.msgid)
        if row is None:
            yield f"{seen} was seen and is not there"
            continue
        other = (row.command, row.nick) != (seen.command, seen.nick)
        if other or (seen.command in SPOKEN and row.words != seen.words):
            yield f"{seen} is there as {row}"


def _order(account: Account, visit: Visit, log: Sequence[Row]) -> Iterator[str]:
    """An answer to what was sent again is the message as it was then, so it has no place in this order."""
    seen = [one for one in visit.seen if not (one.nick == account.nick and one.words in visit.again)]
    times = Counter(one.msgid for one in seen if one.command in SPOKEN)
    yield from (f"{msgid} came {number} times" for msgid, number in times.items() if number > 1)
    live = [one for one in seen if one.live]
    yield from _rising("live", live)
    missed: dict[str, list[Seen]] = {}
    for one in seen:
        if not one.live and one.command in SPOKEN:
            missed.setdefault(_conversation(one), []).append(one)
    for where, some in missed.items():
        yield from _rising(where, some)
    known = {one.msgid for one in visit.seen}
    channels: dict[str, list[Seen]] = {}
    for one in live:
        if one.command in SPOKEN and one.words[0].startswith("#"):
            channels.setdefault(one.words[0], []).append(one)
    for channel, some in channels.items():
        for row in log:
            between = some[0].msgid < row.msgid < some[-1].msgid
            if between and row.command in SPOKEN and row.words[0] == channel and row.msgid not in known:
                yield f"{row} was not seen, and others before and after it were"


def _rising(what: str, seen: Iterable[Seen]) -> Iterator[str]:
    for before, after in pairwise(seen):
        if before.msgid > after.msgid:
            yield f"{what}: {after} came after {before}"


def _conversation(seen: Seen) -> str:
    return Row(seen.msgid, seen.command, seen.nick, seen.words).conversation


def _sent(account: Account, visit: Visit, by_words: dict[Words, Row]) -> Iterator[str]:
    """What was sent again later stands where that put it."""
    again = {words for other in account.visits for words in other.again}
    lines = [line for line in visit.sent if again.isdisjoint(line.words)]
    there = [[by_words[words] for words in line.words if words in by_words] for line in lines]
    for line, rows in zip(lines, there, strict=True):
        if rows and len(rows) != len(line.words):
            yield f"only a part of {line} is there"
    missing: Line | None = None
    for line, rows in zip(lines, there, strict=True):
        if not rows and line.certain:
            missing = missing or line
        elif line.certain and missing is not None:
            yield f"{missing} is not there, and what was sent after it is"
            break
    for before, after in pairwise(row for rows in there for row in rows):
        if before.msgid >= after.msgid:
            yield f"{after} was sent after {before}"
