"""The way of a request: service, token, microversion, route, faults, handler, answer."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from pytest_osfutures.fakecloud.kernel.call import Call, Caller
from pytest_osfutures.fakecloud.kernel.errors import ApiError
from pytest_osfutures.fakecloud.kernel.faults import Fault
from pytest_osfutures.fakecloud.kernel.service import Service
from pytest_osfutures.fakecloud.kernel.wire import Request, Response

if TYPE_CHECKING:
    from pytest_osfutures.fakecloud.cloud import FakeCloud

ANONYMOUS = Caller()


def service_of(services: tuple[Service, ...], path: str) -> Service | None:
    """The service whose prefix `path` begins with."""
    return next((s for s in services if (path + "/").startswith(s.prefix + "/")), None)


def answer(cloud: FakeCloud, service: Service, request: Request) -> Response:
    """Answer `request` as `service`, with the headers that each of its answers has."""
    request_id = cloud.new_request_id()
    response = _answer(cloud, service, request, request_id)
    for header in service.request_id_headers:
        response.headers.setdefault(header, request_id)
    for header, value in service.headers.items():
        response.headers.setdefault(header, value)
    if response.body is None:
        response.headers.setdefault("Content-Type", service.empty_type)
    elif not isinstance(response.body, bytes):
        response.headers.setdefault("Content-Type", "application/json")
    return response


def _answer(cloud: FakeCloud, service: Service, request: Request, request_id: str) -> Response:
    found = service.router.find(request.method, request.path[len(service.prefix) :])
    if found is not None and found[0].public:
        caller: Caller | None = ANONYMOUS
    else:
        caller = cloud.identity.caller_of(request.headers.get("x-auth-token", ""))
    if caller is None:
        return unauthorized(service, request)
    try:
        version = service.microversions.asked(request) if service.microversions else (0, 0)
    except ApiError as refused:
        return service.refusal(refused)
    if found is None:
        return Response(404, service.unknown_path)
    route, names = found
    if service.can_fail:
        cloud.counters[f"{request.method} {service.prefix}{route.path}"] += 1
    root = request.origin + service.prefix
    call = Call(cloud, request, caller, version, request_id, root)
    response = _under_faults(call, service, lambda: route.handler(call, **names))
    if service.microversions:
        for name, value in service.microversions.headers(version).items():
            response.headers.setdefault(name, value)
    return response


def _under_faults(call: Call, service: Service, work: Callable[[], Response]) -> Response:
    """Let the handler work as far as the fault rules let it."""
    request, faults = call.request, call.cloud.faults
    facts = (service.name, request.method, request.path, _action(request))
    rules = faults.on_request(*facts) if service.can_fail else []
    if _first(rules, "expire") and call.caller.token:
        call.cloud.identity.revoke(call.caller.token)
        response = unauthorized(service, request)
    elif (early := _instead(rules, service, request.method, "before")) is not None:
        response = early
    else:
        faults.lists_are_old_by = _seconds(rules, "stale")
        faults.hide_new_for = _seconds(rules, "slow")
        try:
            response = work()
        except ApiError as refused:
            response = service.refusal(refused)
        finally:
            faults.lists_are_old_by = faults.hide_new_for = 0.0
        response = _instead(rules, service, request.method, "after") or response
    response.delay += _seconds(rules, "delay")
    return response


def _first(rules: list[Fault], effect: str, when: str | None = None) -> Fault | None:
    return next((r for r in rules if r.effect == effect and when in (None, r.when)), None)


def _seconds(rules: list[Fault], effect: str) -> float:
    rule = _first(rules, effect)
    return (rule.seconds or 0.0) if rule else 0.0


def _instead(rules: list[Fault], service: Service, method: str, when: str) -> Response | None:
    """The answer that a rule puts in the place of the handler's own."""
    if when == "before" and method == "POST" and _first(rules, "quota"):
        said = "Quota exceeded (by a fault rule)"
        return service.refusal(ApiError(service.quota_status, said, headers=service.quota_headers))
    if rule := _first(rules, "status", when):
        headers = {} if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}
        said = rule.message or HTTPStatus(rule.status).phrase
        return service.refusal(ApiError(rule.status, said, headers=headers))
    if _first(rules, "cut", when):
        return Response(503, cut=True)
    return None


def _action(request: Request) -> str | None:
    """The key of an action's body: `os-stop` in `{"os-stop": null}`."""
    if request.method != "POST" or not request.path.rstrip("/").endswith("/action"):
        return None
    try:
        body = request.json()
    except ValueError:
        return None
    return next(iter(body), None) if isinstance(body, dict) else None


def unauthorized(service: Service, request: Request) -> Response:
    """401 as the middleware in front of every service says it."""
    uri = f'Keystone uri="{request.origin}/identity/v3"'
    return Response(401, service.unauthorized, {"WWW-Authenticate": uri})
