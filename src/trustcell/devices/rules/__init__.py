"""Room devices/rules."""
