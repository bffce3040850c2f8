"""The HTML report: what a reader without JavaScript sees, and texts that try to be markup."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser

import pytest

from pytest_osfutures.reports import (
    ReportTemplateError,
    parse_report,
    render_html,
    report_of,
    report_text,
)
from pytest_osfutures.reports.html import embedded
from tests.unit.reports.samples import failure, large_report, operation, report, resource

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    "\"'><b>&amp;{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe\u2028\u2029\x00\x1b[31m\ud800",
    "]]>&lt;/script&gt;",
]


class Elements(HTMLParser):
    """The elements of a page, and the texts outside of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._inside = ""
        self.data = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = dict(attrs).get("id") or tag
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self._inside == "report-data":
            self.data += data
        elif self._inside not in ("script", "style"):
            self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def test_the_tables_need_no_javascript() -> None:
    page = Elements(render_html(report(failure(1), resources=(resource("id-9", "lost-one"),))))
    text = " ".join(" ".join(page.text).split())
    assert "server.create 1 - - - 1 1" in text
    assert "No valid host was found." in text
    assert "server 'lost-one' (id-9) of test_web.py::test_web: not deleted" in text
    assert "The timeline needs JavaScript." in text


def test_hostile_texts_stay_texts() -> None:
    plain = [tag for tag, _ in Elements(render_html(report(failure(1), resources=(
        resource(None, "x"),)))).found]  # fmt: skip
    for hostile in HOSTILE:
        spoilt = failure(
            1, hostile, test=hostile, resource_name=hostile, error=hostile, error_type=hostile,
            request_id=hostile, worker=hostile, resource_id=hostile,
        )  # fmt: skip
        rows = (resource(None, hostile, note=hostile, type=hostile),)
        page = Elements(render_html(report(spoilt, resources=rows, cloud=hostile)))
        assert [tag for tag, _ in page.found] == plain
        (found,) = parse_report(page.data).operations
        assert (found.test, found.resource_id) == (hostile, hostile)


def test_the_page_names_no_other_file_and_allows_its_own_script_alone() -> None:
    text = render_html(large_report(20))
    page = Elements(text)
    for tag, attributes in page.found:
        assert not {"src", "href", "srcset", "action", "onload", "style"} & set(attributes), tag
    assert not re.search(r"url\(|@import|https?://|fetch\(|XMLHttp|WebSocket", text)
    (policy,) = (each["content"] for _, each in page.found if "http-equiv" in each)
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy


def test_embedded_json_is_the_same_json() -> None:
    for hostile in HOSTILE:
        text = embedded({hostile: hostile})
        assert json.loads(text) == {hostile: hostile}
        assert not set("<>&") & set(text)


def test_an_operation_that_was_given_up_has_not_failed() -> None:
    given_up = operation(1, error_type="CancelledError")
    assert "Failed operations" not in render_html(report(given_up))
    assert "failed:" not in report_text(report(given_up))


def test_long_lists_are_cut_in_the_tables_and_complete_in_the_data() -> None:
    page = Elements(render_html(report(*(failure(number) for number in range(250)))))
    assert "and 50 more" in page.text
    assert "250 x server.create: No valid host was found." in page.text
    assert len(parse_report(page.data).operations) == 250


def test_an_empty_run_has_a_page() -> None:
    found = report_of(report().run, (), ())
    assert "No operation has ended." in " ".join(Elements(render_html(found)).text)


def test_times_outside_of_the_calendar_have_a_page() -> None:
    assert "lasted" in render_html(report(operation(1, began=1e300), began=-1e300))


def test_a_missing_jinja2_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ReportTemplateError, match=r"pip install 'pytest-osfutures\[report\]'"):
        render_html(report())
