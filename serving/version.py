"""Which Millrace this is."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """The installed version of Millrace."""
    try:
        return version("millrace")
    except PackageNotFoundError:
        return "0+unknown"
