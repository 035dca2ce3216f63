"""What packs need from outside: the books of SMKI, and governance to take a signed statement."""

from trustcell.smki.ports import Books, Store

__all__ = ["Books", "Store"]
