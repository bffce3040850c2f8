"""The course of a run: its spans, for the summary and for reports."""

from pytest_osfutures.reports.comparison import (
    THRESHOLD,
    Comparison,
    OperationStatistics,
    compare,
    percentile,
    statistics_of,
)
from pytest_osfutures.reports.documents import DocumentError
from pytest_osfutures.reports.files import check_format, report_json, write_report, write_text
from pytest_osfutures.reports.html import ReportTemplateError, render_html
from pytest_osfutures.reports.reasons import counted_reasons, counted_text, kind_of
from pytest_osfutures.reports.report import (
    Report,
    ResourceRow,
    RunInfo,
    parse_report,
    report_document,
    report_of,
)
from pytest_osfutures.reports.spans import (
    OperationSpan,
    PhaseSpan,
    Span,
    WaitSpan,
    latest,
    parse_span,
    span_document,
)
from pytest_osfutures.reports.summary import summary_lines
from pytest_osfutures.reports.tables import comparison_document, comparison_text, table
from pytest_osfutures.reports.text import report_text
from pytest_osfutures.reports.waiting import Waiting, merged, waiting_text

__all__ = [
    "THRESHOLD",
    "Comparison",
    "DocumentError",
    "OperationSpan",
    "OperationStatistics",
    "PhaseSpan",
    "Report",
    "ReportTemplateError",
    "ResourceRow",
    "RunInfo",
    "Span",
    "WaitSpan",
    "Waiting",
    "check_format",
    "compare",
    "comparison_document",
    "comparison_text",
    "counted_reasons",
    "counted_text",
    "kind_of",
    "latest",
    "merged",
    "parse_report",
    "parse_span",
    "percentile",
    "render_html",
    "report_document",
    "report_json",
    "report_of",
    "report_text",
    "span_document",
    "statistics_of",
    "summary_lines",
    "table",
    "waiting_text",
    "write_report",
    "write_text",
]
