"""The report: one HTML page from finished runs."""

from evalharness.report.page.building import write_report

__all__ = ["write_report"]
