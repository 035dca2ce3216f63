"""Room duis."""
