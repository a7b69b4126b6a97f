"""What is shown of one long story: that it is the same in every process, and that it may break off anywhere."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType
from typing import get_args

import securechat.chat
from securechat.chat.events import Event, ModesChanged
from securechat.chat.machine import Applied, Chat
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import Request
from securechat.chat.views import snapshot
from tests.chat.interruption import interrupted
from tests.chat.invariants import check_chat, normal
from tests.chat.story import story

HERE = Path(securechat.chat.__file__).parent
ROOT = Path(__file__).parents[2]


def test_the_story_leaves_nothing_out() -> None:
    room = story()
    chat = Chat()
    refusals: list[Reason] = []
    for stamp, request in room.log:
        answer = chat.apply(stamp, request)
        if isinstance(answer, Refusal):
            refusals.append(answer.reason)
        else:
            refusals += [p.reason for event in answer.events if isinstance(event, ModesChanged) for p in event.problems]
    assert {type(request) for _, request in room.log} == set(get_args(Request))
    assert {type(event) for event in room.events} == set(get_args(Event))
    assert set(refusals) == set(Reason) - {Reason.NOT_STORED, Reason.INTERNAL}, "those two are the journal's"


def test_the_story_is_the_same_in_every_process() -> None:
    """Hashes of strings differ from process to process, and with them the order of sets."""
    tell = "from tests.chat.story import story; print(*story().events, sep='\\n')"
    told = [
        subprocess.run(
            [sys.executable, "-c", tell],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert len(told[0].splitlines()) == len(story().events)


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


def test_wherever_a_rule_fails_the_chat_is_as_it_was() -> None:
    """An exception before any one instruction of any rule: the request is refused alone, and nothing has changed.

    In a thread: one that strikes as another is left behind stays the thread's "exception being handled" for good
    (CPython 3.11), and would be the context of those that later tests look at.
    """
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_fail_everywhere).result()


def _fail_everywhere() -> None:
    chat, untroubled = Chat(), Chat()
    for stamp, request in story().log:
        before = snapshot(chat)
        place = 0
        while (answer := _apply_or_fail(chat, stamp, request, place)) is None:
            assert snapshot(chat) == before, (request, place)
            check_chat(chat)
            place += 1
        assert place > 0, "it failed"
        expected = untroubled.apply(stamp, request)
        if isinstance(expected, Refusal):
            assert answer == expected
        else:
            assert isinstance(answer, Applied)
            assert [normal(event) for event in answer.events] == [normal(event) for event in expected.events]
        assert snapshot(chat) == snapshot(untroubled)
