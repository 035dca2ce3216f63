"""Every report there is; commands, API and console list them from here."""

from collections.abc import Mapping
from types import MappingProxyType

from trustcell.reports.rules.cells import CASCADE, EXPIRED, EXPIRY
from trustcell.reports.rules.definition import Report
from trustcell.reports.rules.post_commissioning import POST_COMMISSIONING
from trustcell.reports.rules.stuck import STUCK

REPORTS: Mapping[str, Report] = MappingProxyType(
    {report.name: report for report in (POST_COMMISSIONING, STUCK, EXPIRED, EXPIRY, CASCADE)}
)
