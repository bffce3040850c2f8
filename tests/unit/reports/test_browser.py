"""The timeline in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_osfutures.errors import Attempt
from pytest_osfutures.reports import PhaseSpan, Report, WaitSpan, write_report
from tests.unit.reports import browser
from tests.unit.reports.browser import Page
from tests.unit.reports.samples import (
    BEGAN,
    failure,
    large_report,
    operation,
    report,
    resource,
)
from tests.unit.reports.test_html import HOSTILE

pytestmark = pytest.mark.skipif(
    browser.browser() is None, reason="there is no Chromium: apt-get install chromium"
)
TEST = "test_web.py::test_web"
OWN = {"process": "100", "worker": ""}
#: Places of the timeline in pixels: height of a row and of the axis, width of the labels.
ROW, AXIS, LABELS = 22, 24, 280


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Return the page of one browser for all tests."""
    with browser.page(tmp_path_factory.mktemp("browser")) as found:
        yield found


def opened(page: Page, found: Report, tmp_path: Path) -> None:
    """Write a report and open it in a window of 1400 x 900 pixels."""
    path = tmp_path / "run.html"
    write_report(found, path)
    page.errors.clear()
    page.requests.clear()
    page.resize(1400, 900)
    page.open(path)
    assert page.requests == [path.as_uri()]


def small() -> Report:
    """Return a run with a wait, a server that is tried again, a fault, and a resource left."""
    tries = (Attempt(1, "id-0", 2.0, "No valid host was found."),)
    return report(
        PhaseSpan(test=TEST, phase="call", outcome="passed", began=BEGAN, ended=BEGAN + 20, **OWN),
        WaitSpan(test=TEST, phase="call", began=BEGAN, ended=BEGAN + 10, operations=(1,), **OWN),
        operation(1, accepted=BEGAN + 4, ended=BEGAN + 10, attempts=tries),
        operation(2, "server.delete", began=BEGAN + 18, undoes=1, seconds=1.0),
        failure(3, test="test_db.py::test_db", resource_name="db"),
        resources=(resource("id-9", "lost", test="test_db.py::test_db"),),
        ended=BEGAN + 20,
    )


def rows(page: Page) -> int:
    """Return the number of rows that the filter leaves."""
    return int(page.evaluate("document.getElementById('viewport').dataset.rows"))


def text_of(page: Page, ident: str) -> str:
    """Return the visible text of an element."""
    return str(page.evaluate(f"document.getElementById('{ident}').innerText"))


def focus(page: Page) -> None:
    """Give the timeline the focus, as the tabulator would."""
    page.evaluate("document.getElementById('viewport').focus()")


def place(page: Page) -> tuple[float, float]:
    """Return the place of the timeline in the window."""
    x, y = page.evaluate(
        "(({x, y}) => [x, y])(document.getElementById('viewport').getBoundingClientRect())"
    )
    return x, y


def hover(page: Page, row: int, x: float, lower: bool = False) -> str:
    """Move the pointer over a row, or its lower half, and return the text of the tooltip."""
    left, top = place(page)
    page.pointer("moved", left + x, top + AXIS + row * ROW + (16 if lower else 8))
    page.frame()
    return text_of(page, "tooltip")


def pixels(page: Page, row: int) -> set[str]:
    """Return the colours that a row's part of the timeline has."""
    return set(
        page.evaluate(
            "(() => { const rows = document.getElementById('rows');"
            "const c = document.createElement('canvas').getContext('2d', "
            "{ willReadFrequently: true });"
            "Object.assign(c.canvas, { width: rows.width, height: rows.height });"
            "c.drawImage(rows, 0, 0);"
            f"const d = c.getImageData({LABELS}, {AXIS + row * ROW + 10}, 1000, 1).data;"
            "const found = new Set();"
            "for (let i = 0; i < d.length; i += 4) found.add(d.slice(i, i + 3).join());"
            "return [...found]; })()"
        )
    )


def colour(page: Page, name: str) -> str:
    """Return a colour of the page's style as the canvas shows it."""
    found = page.evaluate(
        "(() => { const e = document.body.appendChild(document.createElement('i'));"
        f"e.style.color = 'var(--{name})'; const c = getComputedStyle(e).color; e.remove();"
        "return c; })()"
    )
    return str(found)[4:-1].replace(" ", "")


def test_tests_and_resources_are_drawn(page: Page, tmp_path: Path) -> None:
    opened(page, small(), tmp_path)
    assert rows(page) == 6  # the process, two tests, three resources
    assert text_of(page, "shown") == "1 test, 3 resources shown"
    assert {colour(page, "call"), colour(page, "page")} <= pixels(page, 1)
    parts = {colour(page, name) for name in ("build", "submit", "use", "delete")}
    assert parts <= pixels(page, 2)
    assert colour(page, "fault") in pixels(page, 4)
    assert page.errors == []


def test_hovering_tells_times_states_tries_error_and_request(page: Page, tmp_path: Path) -> None:
    opened(page, small(), tmp_path)
    build = hover(page, 2, LABELS + 400)
    for words in ("server.create", "accepted", "BUILD/spawning at 0.50 s", "ACTIVE", "req-1"):
        assert words in build
    assert "after 2.00 s: No valid host was found. (id-0)" in build
    assert "ObjectCreationError: No valid host was found." in hover(page, 4, LABELS + 200)
    assert "call: passed" in hover(page, 1, LABELS + 800, lower=True)
    assert "wait in call" in hover(page, 1, LABELS + 100, lower=True)
    assert "server web-1" in text_of(page, "tooltip")
    assert "in the ledger" in hover(page, 5, 40)
    assert page.errors == []


def test_the_keyboard_selects_zooms_and_pans(page: Page, tmp_path: Path) -> None:
    opened(page, small(), tmp_path)
    focus(page)
    before = pixels(page, 2)
    page.press("n")
    assert text_of(page, "said") == "server web-1, tried again"
    assert "No valid host was found. (id-0)" in text_of(page, "details")
    page.press("n")
    assert text_of(page, "said") == "server db, failed, tried again"
    page.press("n")
    assert text_of(page, "said") == "server lost, left"
    page.press("p", "Enter")
    assert text_of(page, "said") == "server db, failed, tried again"
    assert pixels(page, 2) != before
    page.press("Home", "Escape", "0")
    assert pixels(page, 2) == before
    page.press("+", "+", "+", "+", "+", "+", "+", "+", "+")
    assert pixels(page, 2) != before
    assert page.evaluate("document.getElementById('details').hidden")
    page.press("/")
    assert page.evaluate("document.activeElement.id") == "text"
    assert page.errors == []


def test_filters_narrow_the_rows(page: Page, tmp_path: Path) -> None:
    opened(page, small(), tmp_path)

    def set_filter(ident: str, change: str, event: str) -> int:
        page.evaluate(
            f"(() => {{ const e = document.getElementById('{ident}'); {change};"
            f"e.dispatchEvent(new Event('{event}')); }})()"
        )
        page.frame()
        return rows(page)

    assert set_filter("text", "e.value = 'WEB-1'", "input") == 3
    assert set_filter("text", "e.value = 'req-3'", "input") == 3
    assert set_filter("text", "e.value = 'nothing'", "input") == 0
    assert set_filter("text", "e.value = ''", "input") == 6
    assert set_filter("failed", "e.checked = true", "change") == 6
    assert set_filter("failed", "e.checked = false", "change") == 6
    assert set_filter("type", "e.value = 'server'", "change") == 6


def test_dragging_pans_and_the_wheel_zooms(page: Page, tmp_path: Path) -> None:
    opened(page, small(), tmp_path)
    hover(page, 2, LABELS + 400)
    x, y = place(page)
    before = page.evaluate("document.getElementById('rows').toDataURL()")
    page.pointer("wheel", x + 700, y + 60, deltaX=0, deltaY=-400, modifiers=2)
    page.frame()
    zoomed = page.evaluate("document.getElementById('rows').toDataURL()")
    page.pointer("pressed", x + 700, y + 60, button="left", clickCount=1)
    page.pointer("moved", x + 500, y + 60, button="left", buttons=1)
    page.pointer("released", x + 500, y + 60, button="left", clickCount=1)
    page.frame()
    panned = page.evaluate("document.getElementById('rows').toDataURL()")
    assert len({before, zoomed, panned}) == 3
    assert page.errors == []


def test_dark_and_light(page: Page, tmp_path: Path) -> None:
    opened(page, small(), tmp_path)
    light = colour(page, "page")
    assert light in pixels(page, 2)
    page.resize(1400, 900, dark=True)
    page.frame()
    dark = colour(page, "page")
    assert dark != light
    assert dark in pixels(page, 2)
    page.evaluate("document.getElementById('theme').click()")
    page.frame()
    assert light in pixels(page, 2)


def test_five_thousand_resources_draw_the_visible_rows_only(page: Page, tmp_path: Path) -> None:
    opened(page, large_report(10_000), tmp_path)
    assert rows(page) > 5000
    elements = "document.getElementsByTagName('*').length"
    before = page.evaluate(elements)
    focus(page)
    for key in ("End", "v", "Home", "0"):
        page.press(key)
        assert int(page.evaluate("document.getElementById('viewport').dataset.drawn")) < 50
    assert page.evaluate(elements) < before + 50
    assert page.errors == []


def test_hostile_texts_run_no_script(page: Page, tmp_path: Path) -> None:
    spans = [
        failure(
            number, text, test=text, resource_name=text, error=text, error_type=text,
            request_id=text, worker=text, resource_id=f"{text}{number}",
        )
        for number, text in enumerate(HOSTILE)
    ]  # fmt: skip
    opened(page, report(*spans), tmp_path)
    assert rows(page) == 3 * len(HOSTILE)
    focus(page)
    for _ in range(rows(page)):
        page.press("ArrowDown")
    for row in range(rows(page)):
        hover(page, row, LABELS + 200)
    assert page.evaluate("document.querySelectorAll('img, b').length") == 0
    assert page.errors == []
    assert len(page.requests) == 1


def test_without_javascript_the_tables_remain(page: Page, tmp_path: Path) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        path = tmp_path / "run.html"
        write_report(small(), path)
        page.call("Page.navigate", url=path.as_uri())
        page.wait_for("Page.loadEventFired")
        root = page.call("DOM.getDocument")["root"]["nodeId"]
        for selector, shown in (("#operations", True), ("#left", True), ("#timeline", False)):
            node = page.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
            styles = page.call("CSS.getComputedStyleForNode", nodeId=node)["computedStyle"]
            display = next(each["value"] for each in styles if each["name"] == "display")
            assert (display != "none") is shown
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)
