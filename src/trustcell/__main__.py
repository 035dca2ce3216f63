"""``python -m trustcell``."""

from trustcell.cli import main

main()
