"""Date formats of the services. The cloud itself counts seconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_seconds(when: float | None) -> str | None:
    """Return a date as `2026-11-23T07:10:28Z`, the format of Nova's `created` and of Glance."""
    return None if when is None else f"{datetime.fromtimestamp(int(when), UTC):%Y-%m-%dT%H:%M:%S}Z"


def iso_microseconds(when: float | None, whole: bool = True) -> str | None:
    """Return a date as `2026-11-23T07:10:28.000000`; the fraction is 0 if `whole`."""
    if when is None:
        return None
    moment = datetime.fromtimestamp(int(when) if whole else when, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}"


def parse_date(text: str) -> float:
    """Return the seconds since 1970 of an ISO 8601 date, in UTC by default. Raises ValueError."""
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()
