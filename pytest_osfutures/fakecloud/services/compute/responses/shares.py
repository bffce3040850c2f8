"""Manila shares of servers, since 2.97. This cloud has no Manila, so there are none."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models.work import check
from pytest_osfutures.fakecloud.services.compute.responses import validation
from pytest_osfutures.fakecloud.services.compute.responses.servers import find

NO_MANILA = (
    "Unexpected API Error. Please contact the administrator\n"
    "<class 'keystoneauth1.exceptions.catalog.EndpointNotFound'>"
)


def _since_2_97(call: ComputeCall) -> None:
    if call.version < (2, 97):
        raise ApiError(404, "The resource could not be found.")


def list_shares(call: ComputeCall, server_id: str) -> Response:
    """List the shares: none."""
    _since_2_97(call)
    find(call, server_id)
    return Response(200, {"shares": []})


def attach_share(call: ComputeCall, server_id: str) -> Response:
    """Raise the ApiError of a Nova that finds no Manila in the catalog."""
    _since_2_97(call)
    server = find(call, server_id)
    validation.required("share", validation.envelope(call, "share"), "share_id")
    check(server, "create share", call.context, ("stopped",))
    raise ApiError(500, NO_MANILA)


def no_share(call: ComputeCall, server_id: str, share_id: str) -> Response:
    """Raise ApiError(404): no share exists."""
    _since_2_97(call)
    find(call, server_id)
    raise ApiError(404, f"Share {share_id} could not be found.")
