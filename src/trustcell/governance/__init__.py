"""Who may do what, and what was decided: parties, people, approvals, evidence, and the audit chain."""
