"""The certificates of a chat: make authorities, issue for servers and users, inspect.

`Authority` makes and keeps the two authorities and issues; `CertificateInfo` says what a certificate says;
`make_development_certs` does everything for one's own machine. Nothing in here opens a connection.
"""

from securechat.pki.authority import AUTHORITY_DAYS, DEFAULT_DAYS, Authority, Issued, Purpose
from securechat.pki.certificate import CertificateInfo
from securechat.pki.dev import CertificateFile, DevelopmentCertificates, Outcome, make_development_certs
from securechat.pki.errors import AuthorityMissingError, BrokenFilesError, InvalidRequestError, PKIError, StorageError
from securechat.pki.names import account_file_name, account_uri, fold_account, parse_host

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
    "StorageError",
    "account_file_name",
    "account_uri",
    "fold_account",
    "make_development_certs",
    "parse_host",
]
