"""Room gbcs."""
