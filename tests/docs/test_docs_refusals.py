"""The page of refusals says what the table of reasons says, and has a line for every hostile row it is about."""

import re
from pathlib import Path

from trustcell.dsp.rules.reasons import RESPONSE_CODE

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "refusals.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    (section,) = [part for part in PAGE.split("\n## ") if part.startswith(f"{heading}\n")]
    lines = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_every_reason_stands_beside_its_code() -> None:
    shown = {reason: code for code, text in rows("Response codes by reason") for reason in re.findall(r"`(\w+)`", text)}
    assert shown == dict(RESPONSE_CODE)


def test_every_hostile_row_has_its_outcome_and_tests_that_are_there(shared: Path) -> None:
    text = (shared / "hostile-inputs.md").read_text("utf-8").split("\n## 2.")[0]
    wanted = re.findall(r"^\| ([XSGNA]\d+) \|", text, re.MULTILINE)
    assert len(wanted) == 52
    found = rows("Rows of the hostile inputs")
    assert [row for row, _, _ in found] == wanted
    for _, outcome, tests in found:
        assert outcome
        files = re.findall(r"`(tests/[\w/]+\.py)`", tests)
        assert files
        for file in files:
            assert (ROOT / file).is_file(), file
