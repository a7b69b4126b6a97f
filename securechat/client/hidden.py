"""Asking for a password at a terminal on which a chat goes on: nothing of it is shown, and nothing is kept of it.

The prompt is one of its own, with a history, a clipboard and an undo list that end with it: what was typed into it
can't be fetched back into the line for the chat.
"""

from prompt_toolkit import PromptSession
from prompt_toolkit.clipboard import InMemoryClipboard
from prompt_toolkit.history import DummyHistory
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.output import DummyOutput
from prompt_toolkit.utils import is_dumb_terminal


class NeverMind(Exception):  # noqa: N818 - it says what happened
    """Somebody would rather not say (Ctrl-C or Ctrl-D)."""


class _Nothing(Processor):
    """What is typed is not there to be seen, not even how much it is."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:  # noqa: ARG002
        return Transformation([], source_to_display=lambda _: 0, display_to_source=lambda _: 0)


def shows_nothing() -> bool:
    """Whether `hidden_prompt` can't show its question here, so that it has to be shown as a line before."""
    return is_dumb_terminal()


def hidden_prompt() -> PromptSession[str]:
    """A prompt for one line that nobody sees, and that raises `NeverMind`."""
    return PromptSession(
        # With an output of its own, on a terminal that can do nothing (TERM=dumb), it would show what is typed.
        output=DummyOutput() if shows_nothing() else None,
        is_password=True,
        input_processors=[_Nothing()],
        history=DummyHistory(),
        clipboard=InMemoryClipboard(),
        erase_when_done=True,
        interrupt_exception=NeverMind,
        eof_exception=NeverMind,
    )
