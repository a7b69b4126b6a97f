"""An encrypted, peer-authenticated, self-hosted chat that speaks IRC."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("securechat")
except PackageNotFoundError:  # scripts/gen_certs.py also runs from a checkout that nobody installed
    __version__ = "0+unknown"
