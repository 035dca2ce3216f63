"""The clauses that governance cites."""

from datetime import date

from trustcell.vocab import Clause

_MP261 = date(2024, 2, 29)

KEY_REUSE = Clause("SEC L11.4B(a)", "SEC Section L, as amended by MP261", _MP261)
LISTED_ROLES = Clause("SEC L11.4B(b)", "SEC Section L, as amended by MP261", _MP261)
REPEATED_KEY = Clause("SEC L11.4A", "SEC Section L, as amended by MP261", _MP261)
VALIDITY = Clause("SEC Appendix B 6.3.2(A)(i)", "Organisation Certificate Policy")
RECOVERY = Clause("SEC L10", "SEC Section L: SMKI Recovery Procedure")
DOCUMENT_SET = Clause("SEC L9", "SEC Section L: SMKI Document Set, certification practice statements")
LEAVING = Clause(
    "SEC Appendix B 4.9.1(A)(iii)", "Organisation Certificate Policy, as amended by SECMP0128A", date(2023, 6, 29)
)
REGISTRATION = Clause("SEC Appendix D", "SMKI RAPP: who is a subscriber, and who may act for it (smki.md 3.1)")
CREDENTIALS = Clause("SEC Appendix N", "SMKI Code of Connection: people act with IKI credentials of their own")
DUTIES = Clause("separation of duties", "our reading of smki.md 8: who asks, who approves and who issues differ")
RECORD = Clause("approval record", "our reading of smki.md 8: what an approval has to show")
STATEMENTS = Clause("signed statements", "our rule: everything governance knows was stated and signed by a person")
CLOCK = Clause("clock", "our rule: no decision is dated before the last one")
