"""What is shown of one long story: that it is the same in every process, and that it may break off anywhere."""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

from securechat.chat.events import Event, ModesChanged
from securechat.chat.machine import Chat
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import Request
from tests.chat.failing import fail_everywhere
from tests.chat.story import story

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


def test_wherever_a_rule_fails_the_chat_is_as_it_was() -> None:
    """An exception before an instruction of a rule: the request is refused alone, and nothing has changed."""
    fail_everywhere(story().log)
