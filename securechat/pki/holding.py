"""A directory of certificates in the hands of one process, and as it was left by the one before.

Everything that changes such a directory is done inside of `hold`. All files are replaced whole, but an authority is two
files, and there is no way to replace both at once: so the key of an authority that is being replaced stays, in
``ca.key.replaced``, until the new pair is there. What a crash leaves behind, the next one who comes puts right.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from securechat.pki.authority import Purpose
from securechat.pki.certificate import parse_certificates, spki_fingerprint
from securechat.pki.errors import BrokenFilesError
from securechat.pki.files import lock_directory, read_if_there, remove, write_private
from securechat.pki.keys import parse_own_key


def replaced_key_path(directory: Path) -> Path:
    """Where the key of the old authority of servers is while a new one takes its place, mode 0600."""
    path = Purpose.SERVERS.key_path(directory)
    return path.with_name(f"{path.name}.replaced")


@contextmanager
def hold(directory: Path) -> Iterator[None]:
    """Hold ``directory`` against other processes, and end a replacement of the authority that was cut off in it.

    Raises:
        InvalidRequestError: it is no directory, or not ours to change.
        StorageError: the system refused.
    """
    with lock_directory(directory):
        _end_replacement(directory)
        yield


def _end_replacement(directory: Path) -> None:
    """The certificate says which of the two keys is the authority's; the other one goes."""
    left = replaced_key_path(directory)
    old = read_if_there(left)
    if old is None:
        return
    path = Purpose.SERVERS.certificate_path(directory)
    try:
        certificate = parse_certificates(read_if_there(path) or b"", path)[0]
        belongs = spki_fingerprint(parse_own_key(old, left).public_key()) == spki_fingerprint(certificate.public_key())
    except BrokenFilesError:
        return  # not what we left; whoever wants the authority is told what is wrong with it
    if belongs:
        write_private(Purpose.SERVERS.key_path(directory), old)
    remove(left)
