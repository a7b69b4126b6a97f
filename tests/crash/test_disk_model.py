"""What a disk may hold after a power cut, for sequences of operations that are short enough to think through."""

import random

import pytest

from tests.crash.disk_model import PAGE, SECTOR, Disk, Image
from tests.crash.traces import Kind, Record, records

A, B, DIRECTORY = 1, 2, 3


def op(kind: Kind, file: int = 0, offset: int = 0, *names: str, data: bytes = b"") -> Record:
    return Record(kind, file, offset, names, data, 0)


def made(name: str, file: int) -> Record:
    return op(Kind.OPEN, file, 1, name)


def written(data: bytes, at: int = 0, file: int = A) -> Record:
    return op(Kind.WRITE, file, at, data=data)


def synced(file: int, number: int) -> list[Record]:
    return [op(Kind.SYNC_BEGIN, file, number), op(Kind.SYNC_END, file, number)]


OPEN_A, OPEN_DIRECTORY = op(Kind.OPEN, A, 0, "a"), op(Kind.OPEN, DIRECTORY, 0, "")


def disk(initial: Image, *operations: Record | list[Record]) -> Disk:
    one = Disk(initial)
    for some in operations:
        for record in some if isinstance(some, list) else [some]:
            one.apply(record)
    return one


def possible(one: Disk) -> set[tuple[tuple[str, bytes], ...]]:
    """What a thousand cuts leave."""
    return {tuple(sorted(one.by_chance(random.Random(seed)).items())) for seed in range(1000)}


def test_a_write_is_durable_when_it_was_synced() -> None:
    one = disk({"a": b"old!"}, OPEN_A, written(b"new"))
    assert one.pessimistic() == {"a": b"old!"}
    assert one.live() == {"a": b"new!"}
    assert possible(one) == {(("a", b"old!"),), (("a", b"new!"),)}
    for record in synced(A, 1):
        one.apply(record)
    assert one.pessimistic() == {"a": b"new!"}
    assert possible(one) == {(("a", b"new!"),)}


def test_a_sync_is_of_what_was_written_before_it_began() -> None:
    begin, end = synced(A, 1)
    one = disk({"a": b""}, OPEN_A, written(b"1"), begin, written(b"2", 1), end)
    assert one.pessimistic() == {"a": b"1"}
    assert disk({"a": b""}, OPEN_A, written(b"1"), begin).pessimistic() == {"a": b""}


def test_sectors_get_there_one_by_one_and_whole() -> None:
    old, new = bytes(2 * SECTOR), b"x" * 2 * SECTOR
    halves = {old, new, old[:SECTOR] + new[SECTOR:], new[:SECTOR] + old[SECTOR:]}
    assert possible(disk({"a": old}, OPEN_A, written(new))) == {(("a", half),) for half in halves}


def test_a_sector_is_as_it_was_after_any_of_its_writes() -> None:
    one = disk({"a": b"...."}, OPEN_A, written(b"1"), written(b"2", 1), written(b"3", 0))
    assert possible(one) == {(("a", data),) for data in (b"....", b"1...", b"12..", b"32..")}


def test_a_sync_that_failed_once_is_not_made_good_by_the_next() -> None:
    """As on Linux: the system says so once, and takes for written what is not."""
    failed = [op(Kind.SYNC_BEGIN, A, 1), op(Kind.SYNC_FAILED, A, 1)]
    one = disk({"a": b"...."}, OPEN_A, written(b"1"), failed, synced(A, 2))
    assert one.pessimistic() == {"a": b"...."}
    assert one.live() == {"a": b"1..."}
    assert possible(one) == {(("a", b"...."),), (("a", b"1..."),)}
    again = disk({"a": b"...."}, OPEN_A, written(b"1"), failed, written(b"2", 1), synced(A, 2))
    assert again.pessimistic() == {"a": b"12.."}, "the page was written again, all of it"
    elsewhere = disk({"a": bytes(2 * PAGE)}, OPEN_A, written(b"1"), failed, written(b"2", PAGE), synced(A, 2))
    assert elsewhere.pessimistic() == {"a": bytes(PAGE) + b"2" + bytes(PAGE - 1)}


def test_a_truncation() -> None:
    one = disk({"a": b"abcd"}, OPEN_A, op(Kind.TRUNCATE, A, 2))
    assert possible(one) == {(("a", b"abcd"),), (("a", b"ab"),)}
    assert disk({"a": b"ab"}, OPEN_A, op(Kind.TRUNCATE, A, 4), synced(A, 1)).pessimistic() == {"a": b"ab\0\0"}


def test_a_name_is_durable_when_its_directory_was_synced() -> None:
    one = disk({}, OPEN_DIRECTORY, made("a", A), written(b"x"), synced(A, 1))
    assert one.pessimistic() == {}
    assert possible(one) == {(), (("a", b"x"),)}
    for record in synced(DIRECTORY, 2):
        one.apply(record)
    assert one.pessimistic() == {"a": b"x"}


def test_names_change_in_their_order() -> None:
    one = disk(
        {"old": b"1"}, OPEN_DIRECTORY, op(Kind.RENAME, 0, 0, "old", "new"), made("old", B), op(Kind.UNLINK, 0, 0, "new")
    )
    assert one.live() == {"old": b""}
    assert possible(one) == {
        (("old", b"1"),),
        (("new", b"1"),),
        (("new", b"1"), ("old", b"")),
        (("old", b""),),
    }


def test_a_disk_that_lies() -> None:
    one = Disk({"a": b"", "b": b""}, lies=lambda name: name == "a")
    for record in [
        OPEN_A,
        op(Kind.OPEN, B, 0, "b"),
        written(b"1"),
        written(b"2", file=B),
        *synced(A, 1),
        *synced(B, 2),
    ]:
        one.apply(record)
    assert one.pessimistic() == {"a": b"", "b": b"2"}


def test_what_is_not_traced_is_not_guessed() -> None:
    with pytest.raises(AssertionError, match="mmap"):
        disk({}, op(Kind.UNKNOWN, 0, 0, "mmap"))


def test_a_trace_that_was_cut_off() -> None:
    whole = bytes.fromhex("31505743 07000000 0000000000000000 0000000000000000 01000000 00000000") + b"a"
    assert [record.names for record in records(whole * 2)] == [("a",), ("a",)]
    assert [record.end for record in records(whole + whole[:-1])] == [len(whole)]
    assert list(records(whole[:10])) == []
