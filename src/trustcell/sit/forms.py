"""Results as JUnit XML for pipelines, and as a page with the evidence."""

from collections.abc import Sequence
from typing import Any

import jinja2
from lxml import etree

from trustcell.sit.rules.verdict import Result, StepResult, Verdict

_PAGES = jinja2.Environment(
    loader=jinja2.PackageLoader("trustcell.sit"), autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
)
_CONTROL = {code: "\ufffd" for code in range(32) if code not in (9, 10, 13)}


def as_value(system: str, results: Sequence[Result]) -> dict[str, Any]:
    """Plain values; evidence is in the page."""
    return {
        "system": system,
        "passed": _count(results, Verdict.PASSED),
        "failed": _count(results, Verdict.FAILED),
        "not_tried": _count(results, Verdict.NOT_TRIED),
        "scenarios": [
            {
                "name": each.scenario.name,
                "requirement": each.scenario.requirement,
                "clause": each.scenario.clause,
                "verdict": each.verdict.value,
                "seconds": each.seconds,
                "reason": each.reason,
                "steps": [
                    {"step": title_of(step), "verdict": step.verdict.value, "problems": list(step.problems)}
                    for step in each.steps
                ],
            }
            for each in results
        ],
    }


def as_junit(system: str, results: Sequence[Result]) -> bytes:
    """One test case a scenario; what was not tried is an error, because it shows nothing."""
    counts = {"tests": len(results), "failures": _count(results, Verdict.FAILED)}
    counts |= {"errors": _count(results, Verdict.NOT_TRIED), "skipped": 0}
    suite = etree.Element("testsuite", {name: str(value) for name, value in counts.items()}, name="trustcell sit")
    suite.set("time", f"{sum(each.seconds for each in results):.3f}")
    properties = etree.SubElement(suite, "properties")
    etree.SubElement(properties, "property", name="system", value=_clean(system))
    for each in results:
        case = etree.SubElement(
            suite, "testcase", classname=_clean(each.scenario.requirement), name=_clean(each.scenario.name),
            time=f"{each.seconds:.3f}",
        )  # fmt: skip
        text = "\n".join(_told(each))
        if each.verdict is Verdict.FAILED:
            etree.SubElement(case, "failure", message=_clean(text.partition("\n")[0])).text = _clean(text)
        elif each.verdict is Verdict.NOT_TRIED:
            etree.SubElement(case, "error", message=_clean(f"not tried: {each.reason}")).text = _clean(each.reason)
    return etree.tostring(suite, xml_declaration=True, encoding="utf-8", pretty_print=True)


def as_html(system: str, results: Sequence[Result]) -> bytes:
    """A page that stands alone, every text escaped."""
    page = _PAGES.get_template("sit.html.j2").render(
        system=system, results=results, title_of=title_of, value=as_value(system, results)
    )
    return page.encode()


def title_of(result: StepResult) -> str:
    """A step in words."""
    step = result.step
    to = f" to {step.to}" if step.to else ""
    counter = f" with counter {step.counter}" if step.counter is not None else ""
    return f"{step.who}: {step.do} on {step.device}{to}{counter}"


def _told(result: Result) -> list[str]:
    told = [f"{title_of(step)}: {problem}" for step in result.steps for problem in step.problems]
    return [*told, *([result.reason] if result.reason else [])]


def _count(results: Sequence[Result], verdict: Verdict) -> int:
    return sum(each.verdict is verdict for each in results)


def _clean(text: str) -> str:
    return text.translate(_CONTROL)
