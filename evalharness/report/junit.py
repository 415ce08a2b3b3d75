"""A gate's verdict as JUnit XML, as CI servers read it."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from evalharness.comparison.gate import Gate
from evalharness.comparison.rules import Outcome

# What XML 1.0 cannot hold.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(found: Gate) -> str:
    """Return a test suite with a test case for each rule.

    A regression is a failure; so is what is inconclusive, of that type: it must not look green. A
    gate that could not run is one test case with an error.
    """
    cases = [_case(each) for each in found.outcomes] or [_could_not_run(found)]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
    }
    suites = ET.Element("testsuites", {"name": "evalharness", **counts})
    suite = ET.SubElement(
        suites, "testsuite", {"name": "evalharness gate", "skipped": "0", **counts}
    )
    properties = ET.SubElement(suite, "properties")
    for name in ("verdict", "baseline", "candidate"):
        ET.SubElement(properties, "property", name=name, value=_plain(str(getattr(found, name))))
    suite.extend(cases)
    ET.indent(suites)
    body = ET.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _case(each: Outcome) -> ET.Element:
    name = f"{each.name}: {each.kind}"
    case = ET.Element("testcase", classname="evalharness.gate", name=_plain(name), time="0")
    if each.verdict != "pass":
        failure = ET.SubElement(case, "failure", type=each.verdict, message=_plain(each.message))
        failure.text = _plain(
            "\n".join(f"{w.id}: {w.baseline:.4f} -> {w.candidate:.4f}" for w in each.worst)
        )
    else:
        ET.SubElement(case, "system-out").text = _plain(each.message)
    return case


def _could_not_run(found: Gate) -> ET.Element:
    case = ET.Element("testcase", classname="evalharness.gate", name="gate", time="0")
    error = ET.SubElement(case, "error", type=found.verdict, message=_plain(found.reason))
    error.text = _plain(f"{Path(found.baseline)} against {Path(found.candidate)}")
    return case


def _plain(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
