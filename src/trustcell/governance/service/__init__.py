"""Services of governance: one transaction a call."""
