"""What may stand where in a line: the rules that keep one message from turning into another.

A parameter that is not the last is a *word*: not empty, no space, no colon in front (Modern IRC, "Parameters"). No
part of a line holds NUL, CR or LF. Whoever writes lines goes through here, so that text from one peer can't add a
parameter to, or a whole line behind, what another peer reads.
"""


class UnsendableError(ValueError):
    """We were asked to write something that IRC has no form for: our mistake, never the peer's.

    The message says what is wrong and never quotes the text, which may be a password.
    """


def is_word(text: str) -> bool:
    """Whether `text` can be a parameter that is not the last one."""
    return bool(text) and " " not in text and text[0] != ":"


def word(text: str) -> str:
    """`text` if it is a word, else `*`, the protocol's sign for "can't be repeated here".

    For answers that repeat what the peer sent: `WHOIS :a b` gets its 401 for `*`, not one parameter too many. (Standard
    Replies, "Message Format", has the same rule for `<command>`.)
    """
    return text if text and " " not in text and text[0] != ":" else "*"


def check_line(text: str) -> str:
    """`text`, if it has no NUL, CR or LF; else raise `UnsendableError`."""
    if "\n" in text or "\r" in text or "\0" in text:
        raise UnsendableError("a line can't hold NUL, CR or LF")
    return text


def encode(text: str) -> bytes:
    """`text` in UTF-8; raise `UnsendableError` for a lone surrogate, which UTF-8 has no form for."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass  # That exception carries the text, so ours is raised outside, where it is not chained to it.
    raise UnsendableError("a lone surrogate has no form in UTF-8")
