"""DSP ports."""
