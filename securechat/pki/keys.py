"""Private keys as files have them, and which public keys an authority of ours vouches for."""

from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from securechat.pki.errors import BrokenFilesError, InvalidRequestError

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
"""The kinds that every TLS 1.3 library in use verifies (RFC 8446 section 9.1, and Ed25519)."""
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
"""The private halves of these."""

_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384"}
_RSA_BITS: Final = range(2048, 8192 + 1)  # more costs the one who verifies it, and proves no more
_LEAST_EXPONENT: Final = 65537  # below it, some libraries refuse the key


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh private key, P-256: what everybody can verify, browsers too."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: PrivateKey) -> bytes:
    """A private key as PEM (PKCS #8, not encrypted). A secret: write it with `securechat.pki.files.write_private`."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def describe_key(key: object) -> str:
    """What kind of public key it is, for people, such as ``P-256`` or ``RSA 2048``."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVES.get(key.curve.name, key.curve.name)
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return type(key).__name__.removesuffix("PublicKey")


def check_public_key(key: object) -> PublicKey:
    """Return ``key`` if an authority should certify it, or anybody spend time on its signatures.

    That is P-256, P-384, Ed25519, or RSA of 2048 to 8192 bits with an exponent of at least 65537.

    Raises:
        InvalidRequestError: it is of another kind.
    """
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS and key.public_numbers().e >= _LEAST_EXPONENT:
        return key
    raise InvalidRequestError(f"a key of the kind {describe_key(key)} can't be used: make one for P-256")


def parse_private_key(data: bytes, path: Path) -> PrivateKeyTypes:
    """The private key in PEM text, of whatever kind; certificates beside it are passed over.

    Raises:
        BrokenFilesError: none, an encrypted or a damaged one; ``path`` is named in the sentence.
    """
    try:
        return load_pem_private_key(data, password=None)
    except TypeError as error:
        raise BrokenFilesError(f"{path} is encrypted, and there is nobody to ask for its password") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BrokenFilesError(f"{path} holds no private key that can be read") from error


def parse_own_key(data: bytes, path: Path) -> ec.EllipticCurvePrivateKey:
    """The same for a key that securechat made: P-256, or `BrokenFilesError`."""
    key = parse_private_key(data, path)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BrokenFilesError(f"{path} is not a P-256 key")
    return key
