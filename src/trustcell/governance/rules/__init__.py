"""Pure rules of governance; other rules import from here, services from ``trustcell.governance``."""
