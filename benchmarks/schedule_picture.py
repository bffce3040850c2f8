"""A picture of a run's schedule: the tests, and the servers below them, over time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, TOP = 900.0, 60.0, 16.0, 44.0
#: Heights of a row of tests, and of a row of servers.
TEST, SERVER = 14.0, 5.0
COLOURS = {
    "test": "#1f6f8b",
    "waiting": "#c8dfe6",
    "build": "#f2b134",
    "ready": "#7fb069",
    "delete": "#c44536",
}
LABELS = {
    "test": "test",
    "waiting": "test waits",
    "build": "server is built",
    "ready": "server is ready or in use",
    "delete": "server is deleted",
}
#: Widest pause in seconds after which a row of servers is free for the next server.
GAP = 0.1

Bar = tuple[float, float, str]


def picture(report: Mapping[str, Any]) -> str:
    """Return the schedule of a report of `--os-report=FILE.json` as SVG."""
    tests, servers = _tests(report), _servers(report)
    start = min(bar[0] for row in tests for bar in row)
    end = max(bar[1] for row in [*tests, *servers] for bar in row)
    scale = (WIDTH - LEFT - RIGHT) / (end - start)
    height = TOP + len(tests) * TEST + 16 + len(servers) * SERVER + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" '
        f'width="{WIDTH:.0f}" height="{height:.0f}" font-family="sans-serif" font-size="11">',
        "<title>The schedule of tests and servers</title>",
        f'<rect width="{WIDTH:.0f}" height="{height:.0f}" fill="white"/>',
        *_legend(),
    ]
    y = TOP
    for title, rows, size in (("tests", tests, TEST), ("servers", servers, SERVER)):
        parts.append(f'<text x="8" y="{y + 11:.1f}">{title}</text>')
        for row in rows:
            parts += [_bar(bar, y, size, start, scale) for bar in row]
            y += size
        y += 16
    parts += _axis(y - 8, end - start, scale)
    return "\n".join([*parts, "</svg>", ""])


def _bar(bar: Bar, y: float, size: float, start: float, scale: float) -> str:
    began, ended, colour = bar
    x, width = LEFT + (began - start) * scale, max(0.5, (ended - began) * scale - 0.4)
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{size - 1:.1f}" '
        f'fill="{COLOURS[colour]}"/>'
    )


def _legend() -> Iterator[str]:
    x = LEFT
    for name, label in LABELS.items():
        yield f'<rect x="{x:.0f}" y="12" width="12" height="12" fill="{COLOURS[name]}"/>'
        yield f'<text x="{x + 17:.0f}" y="22">{escape(label)}</text>'
        x += 40 + 6.2 * len(label)


def _axis(y: float, seconds: float, scale: float) -> Iterator[str]:
    step = next(each for each in (1, 2, 5, 10, 20, 50, 100, 200) if seconds / each < 15)
    for second in range(0, int(seconds) + 1, step):
        x = LEFT + second * scale
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8:.0f}" y2="{y:.1f}" stroke="#0002"/>'
        yield f'<text x="{x:.1f}" y="{y + 14:.1f}" text-anchor="middle">{second} s</text>'


def _tests(report: Mapping[str, Any]) -> list[list[Bar]]:
    """Return the bars of the tests, one row for each worker."""
    rows: dict[str, list[Bar]] = {}
    for each in report["phases"]:
        rows.setdefault(each["worker"], []).append((each["began"], each["ended"], "test"))
    for each in report["waits"]:
        if each["phase"]:
            rows.setdefault(each["worker"], []).append((each["began"], each["ended"], "waiting"))
    return [row for _, row in sorted(rows.items())]


def _servers(report: Mapping[str, Any]) -> list[list[Bar]]:
    """Return the bars of the servers; a row has one server after another, as in a quota."""
    deletions = {
        (each["process"], each["undoes"]): each
        for each in report["operations"]
        if each["undoes"] is not None
    }
    lives = []
    for each in report["operations"]:
        if each["operation"] != "server.create" or each["accepted"] is None:
            continue
        ready = each["ended"] or each["accepted"]
        deletion = deletions.get((each["process"], each["number"]))
        bars: list[Bar] = [(each["accepted"], ready, "build")]
        if deletion is not None:
            end = deletion["ended"] or deletion["began"]
            bars += [(ready, deletion["began"], "ready"), (deletion["began"], end, "delete")]
        lives.append(bars)
    return _packed(sorted(lives, key=lambda bars: bars[0][0]))


def _packed(lives: Iterable[list[Bar]]) -> list[list[Bar]]:
    """Return rows with lives that do not overlap; each life goes to the first row with room."""
    rows: list[list[Bar]] = []
    for life in lives:
        row = next((row for row in rows if row[-1][1] <= life[0][0] + GAP), None)
        if row is None:
            rows.append(life)
        else:
            row += life
    return rows
