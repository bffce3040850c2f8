"""How a handler says no."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """A request that is answered with an error; the service gives the body its own shape.

    `kind` is the name that the body carries where the status alone does not decide it: the outer
    key in Nova and Cinder, the `type` in Neutron.
    """

    def __init__(
        self,
        status: int,
        message: str,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.headers = dict(headers or {})
