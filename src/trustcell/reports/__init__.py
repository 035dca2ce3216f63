"""Questions answered from a snapshot of the DSP's books: every row cites its clause and opens its history."""

from trustcell.reports.rules.catalogue import REPORTS
from trustcell.reports.rules.definition import Report, Table

__all__ = ["REPORTS", "Report", "Table"]
