"""An encrypted, peer-authenticated, self-hosted chat that speaks IRC."""

from importlib.metadata import version

__version__ = version("securechat")
