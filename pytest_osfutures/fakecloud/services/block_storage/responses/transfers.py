"""Volume transfers, under both of their paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    Response,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models import transfers
from pytest_osfutures.fakecloud.services.block_storage.models.records import Transfer
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.listing import (
    in_order,
    page,
    visible,
    with_links,
)
from pytest_osfutures.fakecloud.services.block_storage.responses.views import (
    transfer_detail,
    transfer_summary,
)


def _list(
    call: BlockStorageCall, view: Callable[[BlockStorageCall, Transfer], dict[str, Any]]
) -> Response:
    rows = in_order(call, visible(call, call.model.transfers))
    found, links = page(call, rows, "Transfer")
    shown = [view(call, row) for row in found]
    return Response(200, with_links("transfers", shown, "transfers_links", links))


def index(call: BlockStorageCall) -> Response:
    """List transfers with few fields."""
    return _list(call, transfer_summary)


def detail(call: BlockStorageCall) -> Response:
    """List transfers with all fields."""
    return _list(call, transfer_detail)


def show(call: BlockStorageCall, transfer_id: str) -> Response:
    """Show one transfer."""
    transfer = call.model.transfer(transfer_id, call.context)
    return Response(200, {"transfer": transfer_detail(call, transfer)})


def create(call: BlockStorageCall) -> Response:
    """Offer a volume; only this response has the key for `accept`."""
    part, context, model = (
        validation.envelope(call, "transfer"),
        call.context,
        call.model,
    )
    validation.required("transfer", part, "volume_id")
    no_snapshots = call.version >= (3, 55) and validation.flag(part, "no_snapshots")
    volume = model.volume(str(part["volume_id"]), context)
    transfer = transfers.create(model, volume, validation.text(part, "name"), context, no_snapshots)
    return Response(202, {"transfer": transfer_detail(call, transfer, new=True)})


def accept(call: BlockStorageCall, transfer_id: str) -> Response:
    """Accept a volume with the key of the transfer."""
    part, model = validation.envelope(call, "accept"), call.model
    validation.required("accept", part, "auth_key")
    transfer = model.transfer(transfer_id)
    view = transfer_summary(call, transfer)
    transfers.accept(model, transfer, str(part["auth_key"]), call.context)
    return Response(202, {"transfer": view})


def delete(call: BlockStorageCall, transfer_id: str) -> Response:
    """Withdraw an offer."""
    model = call.model
    transfers.delete(model, model.transfer(transfer_id, call.context))
    return Response(202)
