"""The report: one HTML page from finished runs."""

from evalharness.report.page.building import REPORT, write_report

__all__ = ["REPORT", "write_report"]
