"""What happened in a run: its spans, for the summary and for reports."""

from pytest_osfutures.reports.reasons import counted_reasons, counted_text, kind_of
from pytest_osfutures.reports.spans import (
    OperationSpan,
    PhaseSpan,
    Span,
    WaitSpan,
    parse_span,
    span_document,
)

__all__ = [
    "OperationSpan",
    "PhaseSpan",
    "Span",
    "WaitSpan",
    "counted_reasons",
    "counted_text",
    "kind_of",
    "parse_span",
    "span_document",
]
