"""SEC Appendix M, Appendix F: what a CSR must say, whoever sends it (checks C1 to C3)."""

from collections.abc import Iterator

from trustcell.smki.rules.clauses import CSR_CONTENT
from trustcell.smki.rules.facts import Application, Facts
from trustcell.vocab import Finding

_CONTENT = ("csr_subject", "csr_key_usage", "csr_extension", "csr_attribute", "csr_hardware")
_LONGEST_COMMON_NAME = 64


def key_and_signature(application: Application, _: Facts) -> Iterator[Finding]:
    """C1: a P-256 key, its point uncompressed and on the curve, and a signature that proves its possession."""
    yield from (each for each in application.form if not each.code.startswith(_CONTENT))


def subject(application: Application, _: Facts) -> Iterator[Finding]:
    """C2: OU and uniqueIdentifier, a CN that a certificate may have, nothing else."""
    csr = application.csr
    if csr.is_for_device:
        message = "it is empty, as only that of a Device Certificate is"
        yield CSR_CONTENT.breach("csr_subject_of_device", "subject", message, "OU and uniqueIdentifier")
        return
    yield from (each for each in application.form if each.code.startswith("csr_subject"))
    name = csr.subject.common_name
    if name is not None and (not name.strip() or name != name.strip() or not name.isprintable()):
        message = "the CN is empty, padded or has characters that cannot be printed"
        yield CSR_CONTENT.breach("csr_subject_common_name", "subject", message, "a CN of printable text, or none")
    elif name is not None and len(name.encode()) > _LONGEST_COMMON_NAME:
        message = f"the CN has {len(name.encode())} octets"
        yield CSR_CONTENT.breach("csr_subject_common_name", "subject", message, f"{_LONGEST_COMMON_NAME} at most")


def extensions(application: Application, _: Facts) -> Iterator[Finding]:
    """C3: keyUsage alone, critical, exactly one of digitalSignature and keyAgreement."""
    yield from (each for each in application.form if each.code.startswith(_CONTENT[1:4]))
