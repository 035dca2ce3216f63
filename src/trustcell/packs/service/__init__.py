"""service of packs."""
