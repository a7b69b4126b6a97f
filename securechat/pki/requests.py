"""Requests for a certificate (PKCS #10, RFC 2986): the way to one whose private key never leaves its machine.

A request proves that who made it has the key, and that is all that an authority takes from it: what the certificate
says is decided by whoever signs it (`securechat.pki.authority.Authority.sign_request`), never by who asks.
"""

from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from securechat.pki.certificate import MALFORMED
from securechat.pki.errors import InvalidRequestError
from securechat.pki.keys import PrivateKey, PublicKey, check_public_key
from securechat.pki.names import fold_account

MAX_REQUEST: Final = 16 * 1024
"""Bytes; one with the largest RSA key that is accepted has 3 KiB."""


def make_request(key: PrivateKey, account: str) -> x509.CertificateSigningRequest:
    """A request for a client certificate, with ``account`` as common name for people who look at it.

    Raises:
        InvalidRequestError: that is not an account name.
    """
    fold_account(account)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, account)])
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, algorithm)


def parse_request(der: bytes) -> x509.CertificateSigningRequest:
    """Read a request that somebody sent. Nothing in it is believed yet; see `requested_key`.

    Raises:
        InvalidRequestError: it is not one, or longer than `MAX_REQUEST`.
    """
    if len(der) > MAX_REQUEST:
        raise InvalidRequestError("the certificate request is too long")
    try:
        return x509.load_der_x509_csr(der)
    except MALFORMED as error:
        raise InvalidRequestError("that is not a certificate request (PKCS #10, DER)") from error


def requested_key(request: x509.CertificateSigningRequest) -> PublicKey:
    """The public key that the request is for, once it is shown that who made it has the private one.

    Raises:
        InvalidRequestError: the signature is wrong, or the key of a kind that is not certified.
    """
    try:
        # The kind comes first: the signature of a key of a million bits would take its time.
        key = check_public_key(request.public_key())
        if request.is_signature_valid:
            return key
    except (*MALFORMED, InvalidSignature) as error:
        raise InvalidRequestError("the certificate request is malformed") from error
    raise InvalidRequestError("the certificate request is not signed with its own key")
