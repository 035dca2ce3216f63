"""Composition root: the only place where services meet adapters."""
