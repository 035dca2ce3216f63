"""Manufacturing packs: which certificates fill the cells of a new device."""
