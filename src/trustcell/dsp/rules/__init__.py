"""Room dsp/rules."""
