"""Waiting for a resource that is busy with something else."""

from __future__ import annotations

import re
from collections.abc import Callable

from pytest_osfutures.calls.submit import ClientContext, recognise
from pytest_osfutures.engine import Completion, Watch
from pytest_osfutures.transport import Exchange, microversion_of

#: How Cinder, and Nova about Cinder's volumes, refuse what another status would allow.
_WRONG_STATUS = re.compile(r"status must be|current status|currently in '", re.IGNORECASE)


def is_busy(sent: Exchange) -> bool:
    """Whether the cloud refused the request because of what the resource is doing now."""
    return sent.status == 409 or (
        sent.status == 400 and _WRONG_STATUS.search(str(sent.response)) is not None
    )


def when_free(
    context: ClientContext,
    sent: Exchange | None,
    patience: float | None,
    then: Callable[[Completion], None],
) -> Watch | None:
    """Call `then` in the loop when nothing is under way any more on what `sent` is about.

    Or after `patience` seconds (None: the operation's usual deadline). The watch that waits is
    returned; None if the request was refused for another reason, or nothing is known that could be
    waited for.
    """
    recognised = recognise(context, sent) if sent is not None and is_busy(sent) else None
    if sent is None or recognised is None:
        return None
    operation, names, _ = recognised
    names = operation.identify(names, sent.request, None)
    waiting = operation.until_free(names)
    if waiting is None:
        return None
    service = operation.route.service
    watch = Watch(
        operation=waiting,
        names=dict(names),
        reader=context.api_client,
        accepted_at=context.engine.clock.now(),
        tout=operation.tout if patience is None else patience,
        on_end=then,
        versions={service: microversion_of(service, sent.request_headers)},
    )
    context.engine.watch(watch)
    return watch
