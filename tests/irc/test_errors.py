"""Each mistake of a peer, and the answer that its specification names."""

import pytest

from securechat.irc import errors
from securechat.irc.errors import ProtocolError


def all_errors(base: type[ProtocolError] = ProtocolError) -> set[type[ProtocolError]]:
    """The whole tree below `base`."""
    return {base}.union(*map(all_errors, base.__subclasses__()))


EXAMPLES: list[tuple[ProtocolError, list[str]]] = [
    (errors.LineTooLongError(), ["417 al :Input line was too long"]),
    (errors.TagsTooLongError(), ["417 al :Input line was too long"]),
    (errors.NullByteError(), ["400 al * :A message can't hold a NUL byte"]),
    (
        errors.InvalidUTF8Error("USER"),
        ["FAIL USER INVALID_UTF8 :Message rejected, your software must use UTF-8 on this network"],
    ),
    (errors.MalformedMessageError("a b"), ["421 al * :Unknown command"]),
    (errors.NotEnoughParametersError("JOIN"), ["461 al JOIN :Not enough parameters"]),
    (errors.InvalidCapCommandError("FOO"), ["410 al FOO :Invalid CAP command"]),
    (errors.MultilineInvalidError(), ["FAIL BATCH MULTILINE_INVALID :Invalid multiline batch"]),
    (errors.MultilineInvalidError("Why not"), ["FAIL BATCH MULTILINE_INVALID :Why not"]),
    (
        errors.MultilineTargetError("#foo", "#" + "x" * 200),
        [f"FAIL BATCH MULTILINE_INVALID_TARGET #foo #{'x' * 99} :Invalid multiline target"],
    ),
    (errors.MultilineTooLongError(7), ["FAIL BATCH MULTILINE_MAX_BYTES 7 :Multiline batch max-bytes exceeded"]),
    (errors.MultilineTooManyLinesError(7), ["FAIL BATCH MULTILINE_MAX_LINES 7 :Multiline batch max-lines exceeded"]),
    (
        errors.MalformedPieceError(),
        ["FAIL * INVALID_PARAMS :That is no Base64 in pieces of 400 characters, the last one shorter"],
    ),
    (errors.PiecesTooLongError(16384), ["FAIL * LIMIT_REACHED :That is too long: it can have 16,384 bytes at most"]),
    (errors.SaslFailedError(), ["904 al :SASL authentication failed"]),
    (
        errors.UnknownMechanismError(["PLAIN", "EXTERNAL"]),
        ["908 al PLAIN,EXTERNAL :are available SASL mechanisms", "904 al :SASL authentication failed"],
    ),
    (errors.SaslTooLongError(), ["905 al :SASL message too long"]),
    (errors.SaslAbortedError(), ["906 al :SASL authentication aborted"]),
    (errors.SaslAlreadyError(), ["907 al :You have already authenticated using SASL"]),
]


@pytest.mark.parametrize(("error", "lines"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_answers(error: ProtocolError, lines: list[str]) -> None:
    assert [answer.render("al") for answer in error.answers] == lines
    assert str(error)


def test_no_error_is_forgotten() -> None:
    assert {type(error) for error, _ in EXAMPLES} == all_errors() - {
        ProtocolError,
        errors.MultilineError,
        errors.PieceError,
        errors.SaslError,
    }
    for kind in all_errors():
        assert kind.__name__ in (errors.__doc__ or "")


def test_what_the_peer_sent_is_not_in_the_log() -> None:
    for error in (errors.MalformedMessageError("hunter2"), errors.InvalidCapCommandError("hunter2")):
        assert "hunter2" not in repr(error) + str(error)
