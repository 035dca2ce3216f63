"""The post-commissioning report over 30 million devices: DuckDB over the Parquet files of a snapshot, two threads."""

import atexit
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from benchmarks.harness import Case, Ratio
from trustcell.adapters.reporting import DuckSnapshot, RunningTotals
from trustcell.reports.rules.fleet import BROKER, CELLS, DEVICE_COLUMNS, FIRST_PARTY, PARTY_BITS, AsOf
from trustcell.reports.rules.post_commissioning import POST_COMMISSIONING

ROUNDS = 3
DEVICES = int(os.environ.get("TRUSTCELL_BENCH_FLEET", "30000000"))
_DAY = 24 * 3600 * 1_000_000
TODAY = AsOf(1_732_492_800_000_000)
YESTERDAY = AsOf(TODAY.moment - _DAY)
_MOST_KIB = 3 << 19
"""1.5 GiB."""
_MEASURED: dict[str, str] = {}
_READ = (
    "device_type", "smets", "region", "commissioned", "supplier", "operator_due", "operator_now", "due_ds", "due_ka",
    "available_due", "available_now", "operator_at_install", "operator_ds", "operator_ka",
)  # fmt: skip
"""The columns that the totals read."""

RATIOS = (
    Ratio("post-commissioning report, 30 million devices / a scan of its columns", "report", "scan", 6.0, False),
    Ratio("T12: the same", "report", "scan", 3.0, False, must=False),
    Ratio("refreshed after a day (1 % changed) / the full report", "refresh", "report", 1 / 3, False),
    Ratio("T13: the same", "refresh", "report", 0.1, False, must=False),
)


def cases(shared: Path) -> list[Case]:
    """The fleet is made by DuckDB from the number of each device. Nothing of ``shared``."""
    folder = Path(tempfile.mkdtemp(prefix="trustcell-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_fleet(folder, DEVICES)
    day = DuckSnapshot(folder, YESTERDAY)
    moments = {"before": YESTERDAY, "after": TODAY}
    listed = [day.over(f"read_parquet('{folder / name}.parquet')", at) for name, at in moments.items()]
    _peaks(folder)
    scan = f"SELECT {', '.join(f'max({name})' for name in _READ)} FROM {{device}}"
    totals, kept = RunningTotals(POST_COMMISSIONING), RunningTotals(POST_COMMISSIONING)
    kept.count(day)
    _check(folder, day, listed)
    return [
        Case("scan", lambda: day.ask(scan, {}), 1),
        Case("report", lambda: totals.count(day), 1),
        Case("refresh", lambda: kept.refresh(*listed), 1),
    ]


def notes() -> Iterator[str]:
    """Peak memory of a process of its own that runs one of them."""
    for name, told in _MEASURED.items():
        yield f"{name}: {told}"


def make_fleet(folder: Path, size: int) -> None:
    """Devices, and what 1 % of them were and are after a day, with those whose seven days end in it."""
    operator, broker = f"(i % 9 + {FIRST_PARTY})", f"({BROKER} << {PARTY_BITS} | 1)"
    own, other = f"({operator} << {PARTY_BITS} | 1)", f"((i + 1) % 9 + {FIRST_PARTY} << {PARTY_BITS} | 1)"

    def held(salt: int) -> str:
        draw = f"(hash(i * 7 + {salt}) % 100)"
        return (
            f"CASE WHEN {draw} < 55 THEN {own} WHEN {draw} < 92 THEN {broker} WHEN {draw} < 98 THEN {other} ELSE 0 END"
        )

    values = dict.fromkeys(DEVICE_COLUMNS, "0") | {
        "eui": "i", "device_type": "CASE WHEN i % 5 < 2 THEN 1 WHEN i % 5 < 4 THEN 3 ELSE 0 END",
        "smets": "CASE WHEN i % 11 = 0 THEN 1 ELSE 2 END", "region": "1 + i % 3",
        "commissioned": f"{TODAY.moment} - (hash(i) % (3000 * 1440))::BIGINT * 60000000", "supplier": "20 + i % 40",
        "operator_due": operator, "operator_now": operator, "due_ds": held(1), "due_ka": held(1),
        "available_due": "i % 4 <> 0", "available_now": "i % 4 <> 0", "operator_at_install": "i % 97 = 0",
        "highest": "NULL", "operator_ds": held(2), "operator_ka": held(2),
        **dict.fromkeys((name for name in CELLS if not name.startswith("operator")), broker),
    }  # fmt: skip
    made = ", ".join(f"({text})::{DEVICE_COLUMNS[name]} AS {name}" for name, text in values.items())
    changed = {name: name for name in DEVICE_COLUMNS} | {"operator_ds": broker, "operator_ka": broker}
    after = ", ".join(f"({text})::{DEVICE_COLUMNS[name]} AS {name}" for name, text in changed.items())
    due = f"commissioned + {TODAY.due_after}"
    falls_due = f"{due} > {YESTERDAY.moment} AND {due} <= {TODAY.moment}"
    wanted = f"FROM read_parquet('{folder}/device.parquet') WHERE eui % 100 = 37 OR ({falls_due})"
    with duckdb.connect(config={"memory_limit": "1GB", "threads": 2, "temp_directory": str(folder / "tmp")}) as made_by:
        run: Callable[[str], object] = made_by.execute
        run(f"COPY (SELECT {made} FROM range({size}) t(i)) TO '{folder}/device.parquet' (FORMAT parquet)")
        run(f"COPY (SELECT * {wanted}) TO '{folder}/before.parquet' (FORMAT parquet)")
        run(f"COPY (SELECT {after} {wanted}) TO '{folder}/after.parquet' (FORMAT parquet)")


def _check(folder: Path, day: DuckSnapshot, listed: list[DuckSnapshot]) -> None:
    """Yesterday's totals with the changes are those of the fleet as it is today, to the last digit."""
    kept, full = RunningTotals(POST_COMMISSIONING), RunningTotals(POST_COMMISSIONING)
    kept.count(day)
    kept.refresh(*listed)
    new = f"FROM read_parquet('{folder}/after.parquet')"
    same = f"SELECT * FROM read_parquet('{folder}/device.parquet') WHERE eui NOT IN (SELECT eui {new})"
    today = day.over(f"({same} UNION ALL {new})", TODAY)
    full.count(today)
    assert kept.rows() == full.rows()


def _peaks(folder: Path) -> None:
    for name in ("scan", "report"):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.reports", name, str(folder)], capture_output=True, text=True, check=True
        )
        if int(done.stdout) > _MOST_KIB:
            raise MemoryError(f"{name} took {done.stdout.strip()} KiB")
        _MEASURED[f"{name}, peak memory of a process of its own"] = f"{int(done.stdout) / 1024:.0f} MiB"


def main(name: str, folder: Path) -> None:
    """Run one of them and print the peak memory of this process in KiB."""
    with DuckSnapshot(folder, YESTERDAY) as day:
        if name == "report":
            RunningTotals(POST_COMMISSIONING).count(day)
        else:
            day.ask(f"SELECT {', '.join(f'max({each})' for each in _READ)} FROM {{device}}", {})
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
