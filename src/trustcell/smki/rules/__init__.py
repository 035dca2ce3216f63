"""rules of smki."""
