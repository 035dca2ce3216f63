"""One error tree: what was malformed, what was refused, what is not there just now."""

from collections.abc import Sequence

from trustcell.vocab.findings import Finding


class TrustcellError(Exception):
    """Base of every error that trustcell raises on purpose."""

    code: str = "trustcell_error"


class WireError(TrustcellError):
    """Octets or text from outside are not what the format asks for.

    ``offset`` counts octets from the start of the decoded input (``-1`` where the format has no useful offset),
    ``path`` names the field in dotted form, ``reason`` says what was expected. ``code`` is stable for machines.
    """

    def __init__(self, offset: int, path: str, reason: str, code: str = "wire_malformed") -> None:
        """Keep the place and the reason; the message joins them in one sentence."""
        super().__init__(offset, path, reason, code)
        self.offset = offset
        self.path = path
        self.reason = reason
        self.code = code

    def __str__(self) -> str:
        """One sentence: where, which field, what was expected."""
        where = f"offset {self.offset}, " if self.offset >= 0 else ""
        return f"{where}{self.path or 'message'}: {self.reason} [{self.code}]"

    def moved(self, by: int, prefix: str) -> "WireError":
        """The same error seen from an enclosing structure that starts ``by`` octets earlier."""
        path = f"{prefix}.{self.path}" if self.path else prefix
        return WireError(self.offset + by if self.offset >= 0 else -1, path, self.reason, self.code)


class Refused(TrustcellError):
    """A well-formed request that a rule does not allow; it changed nothing. Carries every finding."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        """At least one finding is needed: a refusal without a reason is a bug."""
        if not findings:
            raise ValueError("a refusal needs at least one finding")
        super().__init__(*findings)
        self.findings = tuple(findings)
        self.code = self.findings[0].code

    def __str__(self) -> str:
        """The findings, one sentence each."""
        return "; ".join(str(f) for f in self.findings)


class Unavailable(TrustcellError):
    """Something needed is missing or busy; trying again later or configuring it may help."""

    code = "unavailable"
