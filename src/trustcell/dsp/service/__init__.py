"""The request manager over its ports."""
