"""Key files, as commands on messages read them."""

from trustcell.adapters.keyfiles import KeyFile, read_key_file

__all__ = ["KeyFile", "read_key_file"]
