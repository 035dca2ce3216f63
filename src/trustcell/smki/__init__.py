"""The authority: certificates profiled, requested, checked clause by clause, issued, revoked, found again (MP261)."""
