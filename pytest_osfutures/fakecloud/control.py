"""The control API under `/_osf`: settings, clock, faults, counters, and everything that exists."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud.kernel.call import Call
from pytest_osfutures.fakecloud.kernel.errors import ApiError
from pytest_osfutures.fakecloud.kernel.faults import Fault
from pytest_osfutures.fakecloud.kernel.numbers import duration, natural
from pytest_osfutures.fakecloud.kernel.runtime import Runtime
from pytest_osfutures.fakecloud.kernel.service import Service
from pytest_osfutures.fakecloud.kernel.wire import Response, UrlRoute

LATEST = 250_000_000_000.0  # seconds since 1970: in the year 9892, so that tokens end before 9999


def show_settings(call: Call[Runtime]) -> Response:
    """All settings."""
    return Response(200, call.runtime.settings.as_dict())


def change_settings(call: Call[Runtime]) -> Response:
    """Change what the body names, and show all."""
    try:
        call.runtime.settings.change(call.json())
    except ValueError as error:
        raise ApiError(400, str(error)) from None
    return show_settings(call)


def show_clock(call: Call[Runtime]) -> Response:
    """What time it is in the cloud, and when something happens next."""
    schedule, clock = call.runtime.schedule, call.runtime.clock
    return Response(
        200,
        {
            "now": schedule.now(),
            "time": schedule.time(),
            "next_due": schedule.next_due(),
            "manual": isinstance(clock, ManualClock),
        },
    )


def advance_clock(call: Call[Runtime]) -> Response:
    """Move a manual clock forward by `seconds`."""
    clock, seconds = call.runtime.clock, call.json().get("seconds")
    if not isinstance(clock, ManualClock):
        raise ApiError(409, "this cloud's clock runs by itself")
    if (step := duration(seconds)) is None:
        raise ApiError(400, f"`seconds` is a number from 0 to ten years, not {seconds!r:.100}")
    if call.runtime.schedule.time() + step > LATEST:
        raise ApiError(400, "the clock cannot go on: the services' dates end with the year 9999")
    clock.advance(step)
    call.runtime.schedule.catch_up()
    return show_clock(call)


def list_faults(call: Call[Runtime]) -> Response:
    """All fault rules, with how often each has fired."""
    return Response(200, {"faults": [fault.as_dict() for fault in call.runtime.faults.all()]})


def add_fault(call: Call[Runtime]) -> Response:
    """Add the rule in the body."""
    body: dict[str, Any] = call.json()
    try:
        fault = Fault(**body)
    except (TypeError, ValueError) as error:
        raise ApiError(400, str(error)) from None
    return Response(201, call.runtime.faults.add(fault).as_dict())


def remove_fault(call: Call[Runtime], fault_id: str) -> Response:
    """Take one rule away."""
    number = natural(fault_id)
    if number is None or not call.runtime.faults.remove(number):
        raise ApiError(404, f"there is no fault rule {fault_id}")
    return Response(204)


def clear_faults(call: Call[Runtime]) -> Response:
    """Take all rules away."""
    call.runtime.faults.clear()
    return Response(204)


def show_counters(call: Call[Runtime]) -> Response:
    """How many requests each route has had."""
    return Response(200, {"requests": dict(call.runtime.counters)})


def clear_counters(call: Call[Runtime]) -> Response:
    """Count from zero again."""
    call.runtime.counters.clear()
    return Response(204)


def list_alive(call: Call[Runtime]) -> Response:
    """Everything that exists now."""
    return Response(200, {"resources": call.runtime.database.rows()})


def list_ever(call: Call[Runtime]) -> Response:
    """Everything that ever existed."""
    return Response(200, {"resources": call.runtime.database.rows(deleted=True)})


SERVICE = Service(
    name="control",
    prefix="/_osf",
    can_fail=False,
    routes=[
        UrlRoute("GET", "/settings", show_settings, public=True),
        UrlRoute("PATCH", "/settings", change_settings, public=True),
        UrlRoute("GET", "/clock", show_clock, public=True),
        UrlRoute("POST", "/clock", advance_clock, public=True),
        UrlRoute("GET", "/faults", list_faults, public=True),
        UrlRoute("POST", "/faults", add_fault, public=True),
        UrlRoute("DELETE", "/faults", clear_faults, public=True),
        UrlRoute("DELETE", "/faults/{fault_id}", remove_fault, public=True),
        UrlRoute("GET", "/counters", show_counters, public=True),
        UrlRoute("DELETE", "/counters", clear_counters, public=True),
        UrlRoute("GET", "/resources", list_alive, public=True),
        UrlRoute("GET", "/history", list_ever, public=True),
    ],
)
