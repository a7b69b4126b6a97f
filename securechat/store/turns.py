"""Something done with the journal's turn by a thread that is no client's: between two batches, while nobody writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from securechat.chat.machine import Chat
from securechat.store.journal import Journal

__all__ = ["in_turn"]

Result = TypeVar("Result")


def in_turn(journal: Journal, work: Callable[[], Result]) -> Result:
    """Have this called, and wait for it. Raises what it raises.

    It may be called twice: where the batch that it is part of can't be stored.
    """
    results: list[Result] = []
    errors: list[Exception] = []

    def question(_: Chat) -> None:
        results.clear()
        errors.clear()
        try:
            results.append(work())
        except Exception as error:
            errors.append(error)

    journal.ask((), question)
    if errors:
        raise errors[0]
    return results[0]
