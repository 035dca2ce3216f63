"""Clauses that reports cite."""

from datetime import date

from trustcell.vocab import Clause

IEDP_5_3 = Clause("SEC Appendix AC 5.3", "SEC Appendix AC, Inventory, Enrolment and Decommissioning Procedures")
MP128A_1 = Clause("SECMP0128A requirement 1", "SECMP0128A, legal text of SEC Appendix AC", date(2023, 6, 29))
MP128A_2 = Clause("SECMP0128A requirement 2", "SECMP0128A, legal text of SEC Appendix AC", date(2023, 6, 29))
MP128A_3 = Clause("SECMP0128A requirement 3", "SECMP0128A, post-commissioning report", date(2023, 6, 29))
MP128A_4 = Clause("SECMP0128A requirement 4", "SECMP0128A, originator counters of the DSP", date(2023, 6, 29))
SECMP183 = Clause("SECMP0183", "SECMP0183, certificate-based post-commissioning report")
MP261_4 = Clause("MP261 section 4", "MP261, expired certificates on devices", date(2024, 2, 29))
L10 = Clause("SEC L10", "SEC Section L, the SMKI Recovery Procedure")
