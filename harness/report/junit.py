"""``junit.xml``, as CI systems read it: a suite for each spec, a test case for each case."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree

from harness.model.result import ERROR, FAIL, UNSUPPORTED, Result

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {FAIL: "failure", ERROR: "error", UNSUPPORTED: "skipped"}


def _text(value: str) -> str:
    """Text without what XML 1.0 cannot hold."""
    return _FORBIDDEN.sub("\ufffd", value)


def render(results: Iterable[Result]) -> bytes:
    """The whole document, UTF-8."""
    root = ElementTree.Element("testsuites", name="parley")
    suites: dict[str, list[Result]] = {}
    for result in results:
        suites.setdefault("/".join(result.scenario.split("/")[:2]), []).append(result)
    for name, members in suites.items():
        counts = {tag: str(sum(r.verdict == verdict for r in members)) for verdict, tag in _TAGS.items()}
        seconds = sum(r.seconds for r in members)
        suite = ElementTree.SubElement(
            root, "testsuite", name=name, tests=str(len(members)), failures=counts["failure"], errors=counts["error"],
            skipped=counts["skipped"], time=f"{seconds:.3f}",
        )  # fmt: skip
        for result in members:
            _case(suite, name, result)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _case(suite: ElementTree.Element, name: str, result: Result) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=name.replace("/", "."), name=result.id, time=f"{result.seconds:.3f}")
    tag = _TAGS.get(result.verdict)
    if tag:
        problem = ElementTree.SubElement(case, tag, message=_text(result.reason))
        problem.text = _text(
            "\n".join(f"{f.side}: {f.says} [{f.requirement}]\n  expected: {f.expected}\n  observed: {f.observed}" for f in result.findings)
        )
