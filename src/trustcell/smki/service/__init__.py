"""service of smki."""
