"""Something happens in the middle: at any one instruction of the chat's code, by choice and not by chance."""

import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any


def interrupted(
    call: Callable[[], object], place: int, action: Callable[[], object], traced: Callable[[CodeType], bool]
) -> bool:
    """Call, and do ``action`` before the instruction number ``place`` that runs in code that is ``traced``.

    Returns whether the call came so far. What ``action`` raises is raised at that instruction.
    """
    left = place

    def step(frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
        nonlocal left
        if event == "opcode":
            left -= 1
            if left == -1:
                action()
        return step

    def enter(frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
        if left < 0 or not traced(frame.f_code):
            return None
        frame.f_trace = step  # which CPython 3.13 wants to see before it is asked for instructions
        frame.f_trace_opcodes = True
        return step

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        call()
    finally:
        sys.settrace(before)
    return left < 0
