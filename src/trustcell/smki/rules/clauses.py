"""The clauses that the rules of issuing cite."""

from datetime import date

from trustcell.vocab import Clause

MP261 = date(2024, 2, 29)
MP128A = date(2023, 6, 29)

L11_4_A = Clause("SEC L11.4(a)", "SEC Section L: Device and DCA Certificates")
L11_4_B = Clause("SEC L11.4(b)", "SEC Section L: Organisation and OCA Certificates")
L11_4_C = Clause("SEC L11.4(c)", "SEC Section L: IKI and ICA Certificates")
L11_4A = Clause("SEC L11.4A", "SEC Section L, as amended by MP261", MP261)
L11_4B_A = Clause("SEC L11.4B(a)", "SEC Section L, as amended by MP261", MP261)
L11_4B_B = Clause("SEC L11.4B(b)", "SEC Section L, as amended by MP261", MP261)
L3 = Clause("SEC L3", "SEC Section L: Authorised and Eligible Subscribers; smki.md 1.4 has what is recalled of it")
L11_5 = Clause("SEC L11.5", "SEC Section L: acceptance and rejection of a certificate by its subscriber")

PERIOD = Clause("SEC Appendix B 6.3.2(A)(i)", "Organisation Certificate Policy")
PERIOD_END = Clause("SEC Appendix B 6.3.2(B)", "Organisation Certificate Policy")
KEY_PERIOD = Clause("SEC Appendix B 6.3.2(C)", "Organisation Certificate Policy")
LEAVING = Clause("SEC Appendix B 4.9.1(A)(iii)", "Organisation Certificate Policy, as amended by SECMP0128A", MP128A)
COMPROMISE = Clause("SEC Appendix B 4.9.1(A)(i)", "Organisation Certificate Policy: a key that is compromised")
PROFILE = Clause("SEC Appendix B Annex B", "Organisation Certificate Policy, certificate profiles")

CSR_CONTENT = Clause("SEC Appendix M Appendix F", "SMKI Interface Design Specification, content of requests")
CSR_STATES = Clause("SEC Appendix M 2.3.1", "SMKI Interface Design Specification, processing of a request")
DUTIES = Clause("separation of duties", "our reading of smki.md 8: who asks, who approves and who issues differ")
CLOCK = Clause("clock", "our rule: no decision is dated before the last one")
