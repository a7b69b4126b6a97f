"""What can go wrong with certificates, in two families.

=========================  ===========================================================  ===========
class                      whose doing                                                  exit status
=========================  ===========================================================  ===========
``InvalidRequestError``    somebody asked for what can't be (a name, a number, a place)  2
``BrokenFilesError``       files are there, but not what they should be                  2
``AuthorityMissingError``  neither half of an authority is there                         2
``StorageError``           the system refused: disk full, permission, I/O error          1
=========================  ===========================================================  ===========

``str()`` of each is one sentence for the operator, without the full stop, and never holds a secret.
"""


class PKIError(Exception):
    """The base of all that this package raises on purpose."""


class InvalidRequestError(PKIError):
    """What was asked for can't be done: a bad host or account name, a bad number of days, a bad directory."""


class BrokenFilesError(PKIError):
    """A file is there and is not usable: half of a pair, a pair that does not match, expired, not PEM."""


class AuthorityMissingError(BrokenFilesError):
    """Neither the certificate nor the key of the authority is there."""


class StorageError(PKIError):
    """The system refused to read or write. The ``OSError`` is its ``__cause__``."""
