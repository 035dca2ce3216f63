"""Pure decisions of the DSP: what to build, what to believe, what to remember, which counter to use."""
