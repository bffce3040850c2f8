"""The HTML report: one file with data, style and script, which loads nothing from a network."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.parsing import printable
from pytest_osfutures.reports.report import Report, redacted, report_document
from pytest_osfutures.reports.summary import facts_of
from pytest_osfutures.reports.tables import (
    date_text,
    failed_operations,
    operations_table,
    reasons_of,
    resource_text,
    resources_left,
    run_text,
    title_of,
)

TEMPLATES = Path(__file__).with_name("templates")
SCRIPTS = ("model.js", "canvas.js", "page.js")
#: Lines of a list in the part that needs no JavaScript.
MOST_LINES = 200


class ReportTemplateError(OSFuturesError):
    """jinja2, which the HTML report needs, is not installed."""


def check_template_engine() -> None:
    """Raise ReportTemplateError if jinja2 is missing."""
    try:
        import jinja2
    except ImportError:
        raise ReportTemplateError(
            "an HTML report needs jinja2, which is not installed: "
            "pip install 'pytest-osfutures[report]', or give a file that ends in .json"
        ) from None
    del jinja2


def render_html(report: Report) -> str:
    """Return the HTML page of a report. Secrets are hidden, and all texts are escaped.

    Raises:
        ReportTemplateError: jinja2 is not installed.
    """
    check_template_engine()
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    templates.filters["printable"] = printable
    script = "".join((TEMPLATES / name).read_text() for name in SCRIPTS)
    style = (TEMPLATES / "report.css").read_text()
    report = redacted(report)
    failed, left = failed_operations(report), resources_left(report)
    return templates.get_template("report.html.jinja").render(
        title=run_text(report),
        facts="; ".join(facts_of(report)) if report.operations else "",
        script=script,
        style=style,
        script_hash=_hash(script),
        style_hash=_hash(style),
        data=embedded(report_document(report)),
        operations=operations_table(report),
        failed=[(title_of(each), each) for each in failed[:MOST_LINES]],
        reasons=reasons_of(failed) if len(failed) > 1 else [],
        more_failed=len(failed) - MOST_LINES,
        left=[resource_text(each) for each in left[:MOST_LINES]],
        more_left=len(left) - MOST_LINES,
        began=date_text(report.moments[0]) if report.moments else "-",
    )


def embedded(document: Any) -> str:
    """Return JSON that can stand in a `script` element of HTML.

    No text of the document can end the element or begin a comment in it:
    https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements

    Example:
        >>> embedded("</script><!--")
        '"\\\\u003c/script\\\\u003e\\\\u003c!--"'
    """
    text = json.dumps(document, separators=(",", ":"))
    for each in "<>&":
        text = text.replace(each, f"\\u{ord(each):04x}")
    return text


def _hash(text: str) -> str:
    """Return the hash by which a Content-Security-Policy allows an inline script or style.

    https://www.w3.org/TR/CSP3/#grammardef-hash-source
    """
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
