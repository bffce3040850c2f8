"""The files of reports: the suffix names the format."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pytest_osfutures.reports.html import check_template_engine, render_html
from pytest_osfutures.reports.report import Report, report_document
from pytest_osfutures.reports.tables import statistics_documents


def check_format(path: Path) -> None:
    """Check that the format of a report's file can be written.

    Raises:
        ReportTemplateError: the file is HTML, and jinja2 is not installed.
    """
    if path.suffix.lower() == ".html":
        check_template_engine()


def write_report(report: Report, path: Path) -> None:
    """Write a report to a file that ends in .html or .json; a reader never sees half a file.

    Raises:
        OSError: the file cannot be written.
        ReportTemplateError: jinja2 is not installed.
    """
    html = path.suffix.lower() == ".html"
    write_text(path, render_html(report) if html else report_json(report))


def report_json(report: Report) -> str:
    """Return a report as JSON, with statistics that are derived from the operations."""
    document = report_document(report)
    document["statistics"] = statistics_documents(report)
    return json.dumps(document, indent=1) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a text to a file in one step. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
