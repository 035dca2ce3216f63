"""Room dsp."""
