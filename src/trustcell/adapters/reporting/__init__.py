"""Snapshots of the DSP's books for reports: on DuckDB over Parquet, or in PostgreSQL."""

from trustcell.adapters.reporting.duck import DuckSnapshot
from trustcell.adapters.reporting.postgres import PostgresSnapshot
from trustcell.adapters.reporting.totals import RunningTotals

__all__ = ["DuckSnapshot", "PostgresSnapshot", "RunningTotals"]
