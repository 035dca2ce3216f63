"""Services of packs: assemble, publish, verify, one transaction a call."""

from trustcell.packs.service.publishing import Packs, Published

__all__ = ["Packs", "Published"]
