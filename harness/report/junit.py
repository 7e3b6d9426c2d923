"""``junit.xml``, as CI systems read it: a suite for each spec, a test case for each case."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree

from harness.model.expectation import Trouble
from harness.model.levels import LEVELS
from harness.model.result import ERROR, EXPECTED_FAILURE, FAIL, FLAKY, UNEXPECTED_PASS, UNSUPPORTED, Result
from harness.report.summary import by_level

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {FAIL: "failure", UNEXPECTED_PASS: "failure", ERROR: "error", UNSUPPORTED: "skipped", EXPECTED_FAILURE: "skipped"}


def _tag(result: Result) -> str:
    """What CI is told; empty for a pass. What a flaky case did when it failed is skipped, like every failure that was expected."""
    if result.outcome == FLAKY:
        return "skipped" if result.verdict == FAIL else ""
    return _TAGS.get(result.outcome, "")


def _text(value: str) -> str:
    """Text without what XML 1.0 cannot hold."""
    return _FORBIDDEN.sub("\ufffd", value)


def render(results: Iterable[Result], troubles: Sequence[Trouble] = ()) -> bytes:
    """The whole document, UTF-8. Expectations that fail the run are failures of a suite of their own."""
    root = ElementTree.Element("testsuites", name="parley")
    suites: dict[str, list[Result]] = {}
    for result in results:
        suites.setdefault("/".join(result.scenario.split("/")[:2]), []).append(result)
    for name, members in suites.items():
        tags = Counter(_tag(r) for r in members)
        suite = _suite(root, name, len(members), tags, sum(r.seconds for r in members))
        counts = [by_level(r) for r in members if r.findings]
        levels = {f"findings.{level}": sum(c[level] for c in counts) for level in LEVELS}
        _properties(suite, levels | {f"cases.{level}": sum(level in c for c in counts) for level in LEVELS})
        for result in members:
            _case(suite, name, result)
    if troubles:
        suite = _suite(root, "expectations", len(troubles), Counter(failure=len(troubles)), 0.0)
        for trouble in troubles:
            case = ElementTree.SubElement(suite, "testcase", classname="expectations", name=f"{trouble.where} {trouble.what}", time="0.000")
            ElementTree.SubElement(case, "failure", message=_text(f"{trouble.where}: {trouble.says}. {trouble.remedy}"))
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _suite(root: ElementTree.Element, name: str, tests: int, tags: Counter[str], seconds: float) -> ElementTree.Element:
    counts = {"failures": tags["failure"], "errors": tags["error"], "skipped": tags["skipped"]}
    numbers = {key: str(value) for key, value in {"tests": tests, **counts}.items()}
    return ElementTree.SubElement(root, "testsuite", {"name": name, **numbers, "time": f"{seconds:.3f}"})


def _properties(parent: ElementTree.Element, values: Mapping[str, object]) -> None:
    members = ElementTree.SubElement(parent, "properties")
    for name, value in values.items():
        ElementTree.SubElement(members, "property", name=name, value=_text(str(value)))


def _case(suite: ElementTree.Element, name: str, result: Result) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=name.replace("/", "."), name=result.id, time=f"{result.seconds:.3f}")
    properties: dict[str, object] = {f"findings.{level}": count for level, count in by_level(result).items()}
    if result.expected:
        properties |= {"expected": result.expected.kind, "expectation": result.expected.where}
    if properties:
        _properties(case, properties)
    tag = _tag(result)
    if tag:
        problem = ElementTree.SubElement(case, tag, message=_text(_message(result)))
        problem.text = _text(
            "\n".join(f"{f.side}: {f.says} [{f.requirement}]\n  expected: {f.expected}\n  observed: {f.observed}" for f in result.findings)
        )


def _message(result: Result) -> str:
    expected = result.expected
    if expected is None:
        return result.reason
    if result.outcome == UNEXPECTED_PASS:
        return f"it passes, and {expected.where} expects it to fail: {expected.reason}"
    if result.outcome == FAIL:
        return f"{result.reason} ({expected.where} expects another failure)"
    return f"expected, {expected.kind} ({expected.where}): {expected.reason}"
