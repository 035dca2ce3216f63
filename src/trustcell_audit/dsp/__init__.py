"""The check of a DSP's books by the invariants I1 to I12, read past the program that keeps them."""

from trustcell_audit.dsp.check import Evidence, check_dsp
from trustcell_audit.dsp.refusals import digest_of_books

__all__ = ["Evidence", "check_dsp", "digest_of_books"]
