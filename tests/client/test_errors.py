"""Each thing that can go wrong has one exit status, and the list says all of them."""

import ast
import inspect

import pytest

from securechat.cli.connect import connect
from securechat.client import errors
from securechat.client.errors import EXIT_STATUSES, ClientError, exit_status
from securechat.tls import errors as tls


def test_every_error_of_the_client_has_its_own_status() -> None:
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, ClientError)]
    kinds = [kind for kind in kinds if kind.__base__ is ClientError and kind is not errors.InputOutputError]
    statuses = [exit_status(kind()) for kind in kinds]
    assert len(kinds) == 11
    assert len(set(statuses)) == len(kinds)
    assert not {0, 1} & set(statuses)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (tls.WrongHostName(), 4),
        (tls.UnknownAuthority(), 5),
        (tls.CertificateExpired(), 6),
        (tls.CertificateRevoked(), 6),
        (tls.ClientCertificateRefused(), 7),
        (tls.HandshakeFailed(), 8),
        (tls.ServerUnverified(), 8),
        (tls.CertificateFileError(), 2),
        (errors.InputOutputError(), 1),
        (errors.NameRefusedError(), 14),
        (errors.ServerProofError(), 15),
        (KeyboardInterrupt(), 130),
        (RuntimeError(), 1),
    ],
)
def test_statuses_of_others(error: BaseException, status: int) -> None:
    assert exit_status(error) == status


def test_the_list_is_one_list() -> None:
    statuses = [entry.status for entry in EXIT_STATUSES]
    assert len(set(statuses)) == len(statuses)
    assert all(0 <= status < 256 for status in statuses)


def test_the_help_has_all_of_them() -> None:
    for entry in EXIT_STATUSES:
        assert f"{entry.status:>3}  {entry.meaning}" in (connect.__doc__ or "")


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    source = ast.parse(inspect.getsource(errors))
    classes = [node.name for node in source.body if isinstance(node, ast.ClassDef) and node.name != "ExitStatus"]
    assert errors.__doc__ is not None
    told = [word for word in errors.__doc__.replace("├──", "").replace("└──", "").split() if word in classes]
    assert told == classes
