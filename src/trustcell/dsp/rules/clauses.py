"""Clauses that the rules of this room cite."""

from trustcell.vocab import Clause

PROCESSING = Clause("SEC Appendix AB", "Service Request Processing Document")
INVENTORY = Clause("SEC Appendix AC", "Inventory Enrolment and Decommissioning Procedures")
