"""The command line: ``trustcell gbcs|duis|cert|story``. Exit code 0 done, 1 refused or invalid, 2 wrong use."""

import sys

from trustcell.cli.root import app


def main() -> None:
    """Run the command line; what is refused ends with one sentence on standard error and exit code 1."""
    sys.exit(app())


__all__ = ["app", "main"]
