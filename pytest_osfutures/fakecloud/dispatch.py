"""From a request to its response: service, token, microversion, route, fault rules, handler."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Protocol

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Call,
    Caller,
    Fault,
    Handler,
    Latency,
    Request,
    Response,
    Runtime,
    Service,
)

ANONYMOUS = Caller()
NO_PROJECT = (
    "Policy doesn't allow this request to be performed: the token has no project for its scope."
)


class Tokens(Protocol):
    """Keystone, as the authentication middleware of the other services uses it."""

    def caller_of(self, token_id: str) -> Caller | None:
        """Return the user and project of a token; None if the token is not valid."""

    def revoke(self, token_id: str) -> None:
        """Make a token invalid."""


class Dispatcher:
    """Finds the service and the handler of a request, and applies fault rules and latency.

    Args:
        runtime: the shared state of the cloud.
        tokens: validates the header `X-Auth-Token`.
        services: each service with the model that its handlers get as `call.model`.
    """

    def __init__(
        self, runtime: Runtime, tokens: Tokens, services: Sequence[tuple[Service, Any]]
    ) -> None:
        self._runtime = runtime
        self._tokens = tokens
        self._services = services
        self._latency = Latency(runtime.settings)

    def answer(self, request: Request) -> Response:
        """Return the response to `request`, with its delay."""
        path = request.path + "/"
        service, model = next(
            (pair for pair in self._services if path.startswith(pair[0].prefix + "/")), (None, None)
        )
        if service is None:
            return Response(404, {"error": f"no service answers at {request.path}"})
        request_id = self._runtime.new_request_id()
        response = self._authenticated(service, model, request, request_id)
        _add_headers(response, service, request_id)
        if service.can_fail:
            response.delay += self._latency.of(request, response, self._runtime.schedule.now())
        return response

    def _authenticated(
        self, service: Service, model: Any, request: Request, request_id: str
    ) -> Response:
        """Validate token and microversion, then let the route's handler answer."""
        found = service.router.find(request.method, request.path[len(service.prefix) :])
        if found is not None and found[0].public:
            caller: Caller | None = ANONYMOUS
        else:
            caller = self._tokens.caller_of(request.headers.get("x-auth-token", ""))
        if caller is None or not _is_allowed(caller, service, request):
            return unauthorized(service, request)
        try:
            version = service.microversions.requested(request) if service.microversions else (0, 0)
        except ApiError as error:
            return service.error_response(error)
        if found is None:
            return Response(404, service.unknown_path)
        route, names = found
        if service.needs_project and not (caller.project_id or route.public or route.any_scope):
            return service.error_response(ApiError(403, NO_PROJECT))
        if service.can_fail:
            self._runtime.counters[f"{request.method} {service.prefix}{route.path}"] += 1
        root = request.origin + service.prefix
        call = Call(model, self._runtime, request, caller, version, request_id, root)
        response = self._handled(call, service, route.handler, names)
        if service.microversions:
            for name, value in service.microversions.headers(version).items():
                response.headers.setdefault(name, value)
        return response

    def _handled(
        self, call: Call[Any], service: Service, handler: Handler, names: dict[str, str]
    ) -> Response:
        """Call the handler, unless a fault rule answers before; apply the other fault rules."""
        request = call.request
        rules: list[Fault] = []
        if service.can_fail:
            action = _action(request)
            rules = self._runtime.faults.on_request(
                service.name, request.method, request.path, action
            )
        if _first(rules, "expire") and call.caller.token:
            self._tokens.revoke(call.caller.token)
            response = unauthorized(service, request)
        elif (early := _faulty_response(rules, service, request.method, "before")) is not None:
            response = early
        else:
            stale, hide_new = _seconds(rules, "stale"), _seconds(rules, "slow")
            with self._runtime.database.delayed_lists(stale, hide_new):
                try:
                    response = handler(call, **names)
                except ApiError as error:
                    response = service.error_response(error)
            response = _faulty_response(rules, service, request.method, "after") or response
        response.delay += _seconds(rules, "delay")
        return response


def _is_allowed(caller: Caller, service: Service, request: Request) -> bool:
    """Return False if the access rules of an application credential refuse the request.

    The rules hold for paths with and without the service's own prefix. Each credential may validate
    tokens.
    """
    limit, path = caller.access_limit, request.path
    if limit is None or (request.method == "GET" and path.endswith("/v3/auth/tokens")):
        return True
    return limit.allows(service.types, request.method, path, path.removeprefix(service.prefix))


def _add_headers(response: Response, service: Service, request_id: str) -> None:
    """Add the headers that each response of the service has."""
    for header in service.request_id_headers:
        response.headers.setdefault(header, request_id)
    for header, value in service.headers.items():
        response.headers.setdefault(header, value)
    if response.body is None:
        response.headers.setdefault("Content-Type", service.empty_type)
    elif not isinstance(response.body, bytes):
        response.headers.setdefault("Content-Type", "application/json")


def _first(rules: list[Fault], effect: str, when: str | None = None) -> Fault | None:
    return next((r for r in rules if r.effect == effect and when in (None, r.when)), None)


def _seconds(rules: list[Fault], effect: str) -> float:
    rule = _first(rules, effect)
    return (rule.seconds or 0.0) if rule else 0.0


def _faulty_response(
    rules: list[Fault], service: Service, method: str, when: str
) -> Response | None:
    """Return the response of a fault rule that replaces the handler's response, or None."""
    if when == "before" and method == "POST" and _first(rules, "quota"):
        message = "Quota exceeded (by a fault rule)"
        return service.error_response(
            ApiError(service.quota_status, message, headers=service.quota_headers)
        )
    if rule := _first(rules, "status", when):
        headers = {} if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}
        message = rule.message or HTTPStatus(rule.status).phrase
        return service.error_response(ApiError(rule.status, message, headers=headers))
    if _first(rules, "cut", when):
        return Response(503, cut=True)
    return None


def _action(request: Request) -> str | None:
    """Return the key of an action's body: `os-stop` in `{"os-stop": null}`."""
    if request.method != "POST" or not request.path.rstrip("/").endswith("/action"):
        return None
    try:
        body = request.json()
    except ValueError:
        return None
    return next(iter(body), None) if isinstance(body, dict) else None


def unauthorized(service: Service, request: Request) -> Response:
    """Return the 401 of keystonemiddleware, which protects each service."""
    uri = f'Keystone uri="{request.origin}/identity/v3"'
    return Response(401, service.unauthorized, {"WWW-Authenticate": uri})
