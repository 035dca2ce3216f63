"""trustcell: the life of an organisation's credentials, from the certificate authority to the Trust Anchor Cell."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("trustcell")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
