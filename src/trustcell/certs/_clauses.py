"""The documents that profile findings cite (smki.md 0.1 tells which fact stands where)."""

from trustcell.vocab import Clause

GBCS_12 = Clause("GBCS section 12", "Great Britain Companion Specification, section 12")
ORGANISATION = Clause("SEC Appendix B Annex B", "Organisation Certificate Policy, certificate profiles")
PERIOD = Clause("SEC Appendix B 6.3.2", "Organisation Certificate Policy as amended by MP261")
DEVICE = Clause("SEC Appendix A", "Device Certificate Policy, certificate profiles")
REQUEST = Clause("SEC Appendix M Appendix F", "SMKI Interface Design Specification, content of requests")
IKI = Clause("SEC Appendix Q", "IKI Certificate Policy (letter recalled); the profile is what Appendix M tells of it")
REVOCATION = Clause("SEC Appendix B 4.9", "Organisation Certificate Policy; the format of lists is our reading")
SEEN = Clause("observed in ZAZ1 certificates", "the 456 public certificates of the ZAZ1 test environment")


def rfc5280(section: str) -> Clause:
    """A section of RFC 5280."""
    return Clause(f"RFC 5280 {section}", "RFC 5280")
