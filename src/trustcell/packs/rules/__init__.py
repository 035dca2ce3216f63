"""rules of packs."""
