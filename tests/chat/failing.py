"""Rules that break off in the middle, at every place where they can."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType

import securechat.chat
from securechat.chat.machine import Applied, Chat
from securechat.chat.refusals import Refusal
from securechat.chat.requests import Request
from securechat.chat.views import snapshot
from tests.chat.interruption import interrupted
from tests.chat.invariants import check_chat, normal

HERE = Path(securechat.chat.__file__).parent


STEP = 1 if os.environ.get("SECURECHAT_THOROUGH") == "1" else 3
"""Of so many instructions one fails: with each request others, so that in rules that run often all do."""


def fail_everywhere(log: Sequence[tuple[int, Request]]) -> None:
    """Apply these requests, and before that fail before instructions of them (`STEP`): nothing may have changed.

    In a thread: an exception that strikes as another is left behind stays the thread's "exception being handled" for
    good (CPython 3.11), and would be the context of those that later tests look at.
    """
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_fail_everywhere, log).result()


def _is_a_rules(code: CodeType) -> bool:
    """Code of the chat that runs while a rule does."""
    ours = (Chat.apply.__code__, Applied.undo.__code__, Applied.__init__.__code__)
    return code.co_filename.startswith(str(HERE)) and code not in ours


def _fail() -> None:
    raise MemoryError


def _apply_or_fail(chat: Chat, stamp: int, request: Request, place: int) -> Applied | Refusal | None:
    """Apply a request, but fail at the instruction number ``place``; ``None`` if it came so far."""
    answers: list[Applied | Refusal] = []
    try:
        interrupted(lambda: answers.append(chat.apply(stamp, request)), place, _fail, _is_a_rules)
    except MemoryError:
        return None
    return answers[0]


def _fail_everywhere(log: Sequence[tuple[int, Request]]) -> None:
    chat, untroubled = Chat(), Chat()
    for number, (stamp, request) in enumerate(log):
        before = snapshot(chat)
        place = number % STEP
        looks = 0
        while (answer := _apply_or_fail(chat, stamp, request, place)) is None:
            assert snapshot(chat) == before, (request, place)
            if looks % 16 == 0:  # it looks at what the snapshot has, which is as it was: once in a while will do
                check_chat(chat)
            looks += 1
            place += STEP
        assert looks > 0, "it failed"
        expected = untroubled.apply(stamp, request)
        if isinstance(expected, Refusal):
            assert answer == expected
        else:
            assert isinstance(answer, Applied)
            assert [normal(event) for event in answer.events] == [normal(event) for event in expected.events]
        assert snapshot(chat) == snapshot(untroubled)
