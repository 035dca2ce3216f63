"""trustcell: the life of an organisation's credentials, from the certificate authority to the Trust Anchor Cell."""


def installed_version() -> str:
    """The version that is installed; looked up when asked for, because reading the metadata takes its time."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("trustcell")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0+unknown"


__all__ = ["installed_version"]
