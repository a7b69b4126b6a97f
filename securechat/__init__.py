"""An encrypted, peer-authenticated, self-hosted chat that speaks IRC."""

__version__ = "0.1.0"
"""pyproject.toml takes it from here: to ask for the metadata of what is installed costs each start some 25 ms."""
