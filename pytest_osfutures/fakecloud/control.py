"""The control API below `/_osf`: settings, clock, fault rules, counters and resources."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Call,
    Fault,
    Response,
    Runtime,
    Service,
    UrlRoute,
    parse_duration,
    parse_natural,
)

LATEST = 250_000_000_000.0  #: seconds since 1970, year 9892: a token must expire before year 9999


def show_settings(call: Call[Runtime]) -> Response:
    """Show all settings."""
    return Response(200, call.runtime.settings.as_dict())


def change_settings(call: Call[Runtime]) -> Response:
    """Change the settings that the body names; show all settings."""
    try:
        call.runtime.settings.change(call.json())
    except ValueError as error:
        raise ApiError(400, str(error)) from None
    return show_settings(call)


def show_clock(call: Call[Runtime]) -> Response:
    """Show the cloud's time and the time of the next scheduled event."""
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
    """Advance a manual clock by `seconds`."""
    clock, seconds = call.runtime.clock, call.json().get("seconds")
    if not isinstance(clock, ManualClock):
        raise ApiError(
            409, "the clock cannot be advanced: the cloud was not started with a manual clock"
        )
    if (step := parse_duration(seconds)) is None:
        raise ApiError(
            400,
            f"`seconds` must be a number from 0 to 315,360,000 (ten years), not {seconds!r:.100}",
        )
    if call.runtime.schedule.time() + step > LATEST:
        raise ApiError(
            400, "the clock cannot be advanced further: the services' dates end with year 9999"
        )
    clock.advance(step)
    call.runtime.schedule.catch_up()
    return show_clock(call)


def list_faults(call: Call[Runtime]) -> Response:
    """List all fault rules, with the number of times that each rule has fired."""
    return Response(200, {"faults": [fault.as_dict() for fault in call.runtime.faults.all()]})


def add_fault(call: Call[Runtime]) -> Response:
    """Add the fault rule that the body describes."""
    body: dict[str, Any] = call.json()
    try:
        fault = Fault(**body)
    except (TypeError, ValueError) as error:
        raise ApiError(400, str(error)) from None
    return Response(201, call.runtime.faults.add(fault).as_dict())


def remove_fault(call: Call[Runtime], fault_id: str) -> Response:
    """Remove one fault rule."""
    number = parse_natural(fault_id)
    if number is None or not call.runtime.faults.remove(number):
        raise ApiError(404, f"there is no fault rule {fault_id}")
    return Response(204)


def clear_faults(call: Call[Runtime]) -> Response:
    """Remove all fault rules."""
    call.runtime.faults.clear()
    return Response(204)


def show_counters(call: Call[Runtime]) -> Response:
    """Show the number of requests by method and route."""
    return Response(200, {"requests": dict(call.runtime.counters)})


def clear_counters(call: Call[Runtime]) -> Response:
    """Reset all request counters to zero."""
    call.runtime.counters.clear()
    return Response(204)


def list_alive(call: Call[Runtime]) -> Response:
    """List the resources that exist now."""
    return Response(200, {"resources": call.runtime.database.rows()})


def list_ever(call: Call[Runtime]) -> Response:
    """List the resources that exist or have existed."""
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
