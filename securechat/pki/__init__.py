"""The certificates of a chat: make authorities, issue for servers and users, inspect.

`Authority` makes and keeps the two authorities and issues, also for a request (`make_request`); `CertificateInfo` says
what a certificate says; `RevocationList` which are not good any more; `follow` finds the way to the authority that took
another's place; `record` keeps a copy of what was issued. `make_development_certs` does everything for one's own
machine. Nothing in here opens a connection.
"""

from securechat.pki.authority import AUTHORITY_DAYS, DEFAULT_DAYS, Authority, Issued, Purpose
from securechat.pki.certificate import CertificateInfo
from securechat.pki.dev import DevelopmentCertificates, make_development_certs
from securechat.pki.errors import AuthorityMissingError, BrokenFilesError, InvalidRequestError, PKIError, StorageError
from securechat.pki.issued import record
from securechat.pki.issuing import CertificateFile, Outcome
from securechat.pki.keys import key_pem, new_key
from securechat.pki.names import account_file_name, account_uri, fold_account, parse_host
from securechat.pki.requests import make_request, parse_request
from securechat.pki.revocation import RevocationList, revocation_path
from securechat.pki.succession import follow, history_path, load_history

__all__ = [
    "AUTHORITY_DAYS",
    "DEFAULT_DAYS",
    "Authority",
    "AuthorityMissingError",
    "BrokenFilesError",
    "CertificateFile",
    "CertificateInfo",
    "DevelopmentCertificates",
    "InvalidRequestError",
    "Issued",
    "Outcome",
    "PKIError",
    "Purpose",
    "RevocationList",
    "StorageError",
    "account_file_name",
    "account_uri",
    "fold_account",
    "follow",
    "history_path",
    "key_pem",
    "load_history",
    "make_development_certs",
    "make_request",
    "new_key",
    "parse_host",
    "parse_request",
    "record",
    "revocation_path",
]
