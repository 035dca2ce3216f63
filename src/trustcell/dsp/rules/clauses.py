"""Clauses that the rules of this room cite."""

from datetime import date

from trustcell.vocab import Clause

PROCESSING = Clause("SEC Appendix AB", "Service Request Processing Document")
INVENTORY = Clause("SEC Appendix AC", "Inventory Enrolment and Decommissioning Procedures")
REQUIREMENT_2 = Clause("SECMP0128A requirement 2", "SECMP0128A, legal text of SEC Appendix AC", date(2023, 6, 29))
