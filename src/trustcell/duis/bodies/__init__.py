"""Room duis/bodies."""
