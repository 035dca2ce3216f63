"""A small program of its own that checks audit chains and evidence bundles; it shares no code with trustcell."""
