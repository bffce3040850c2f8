"""The exception with which a handler answers an error status."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """A request is answered with an error status; each service has its own format of the body.

    `kind` names the error in the body where the status does not decide the name: the outer key in
    Nova and Cinder, the `type` in Neutron.
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
