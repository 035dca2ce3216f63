"""DSP service."""
