"""The mark that everything carries which this package creates on its own account.

It stands in the resource itself, from the create request on: so an ambiguous create can be
resolved, and leftovers can be found from any machine. What has no stamp is never touched.
"""

from __future__ import annotations

import copy
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RUN = "osf_run"
OPERATION = "osf_op"
EXPIRES = "osf_expires"
#: Nova hands an image's properties down to the images of servers made of it, this one as well; so
#: it tells which image the stamp was meant for.
OF = "osf_of"
_NAME = re.compile(r"osf-(?P<run>[0-9a-f]{16})-(?P<operation>[0-9a-f]{16})-(?P<expires>\d+)(-|\Z)")


@dataclass(frozen=True)
class Stamp:
    """Whose a resource is: the run, the operation, and when it may be deleted (epoch seconds)."""

    run: str
    operation: str
    expires: int

    def metadata(self, of: str | None = None) -> dict[str, str]:
        """The stamp as the resource carries it; `of` is the server that an image is made of."""
        mark = {RUN: self.run, OPERATION: self.operation, EXPIRES: str(self.expires)}
        return mark if of is None else {**mark, OF: of}

    @classmethod
    def of(cls, resource: Mapping[str, Any]) -> Stamp | None:
        """The stamp that a resource carries, as its API shows it; None if it carries none.

        It stands in the metadata, among an image's own properties, or in a keypair's name.
        """
        metadata = resource.get("metadata", resource)
        if not isinstance(metadata, Mapping):
            return None
        run, operation = metadata.get(RUN), metadata.get(OPERATION)
        expires = str(metadata.get(EXPIRES, ""))
        if isinstance(run, str) and isinstance(operation, str) and expires.isdigit():
            return cls(run, operation, int(expires))
        found = _NAME.match(str(resource.get("name", "")))
        if found is None or "fingerprint" not in resource:
            return None
        return cls(found["run"], found["operation"], int(found["expires"]))

    def name(self, wish: str | None = None) -> str:
        """A name that carries the stamp, for what can carry it nowhere else."""
        more = f"-{wish}" if wish else ""
        return f"osf-{self.run}-{self.operation}-{self.expires}{more}"

    def is_on(self, resource: Mapping[str, Any]) -> bool:
        """Whether `resource` was made by this very operation."""
        found = self.of(resource)
        return found is not None and found.operation == self.operation

    def put_on(self, request: Any, place: str, of: str | None = None) -> Any:
        """The request's document with the stamp at `place` (`server.metadata`)."""
        stamped = copy.deepcopy(request)
        target = stamped
        *way, last = place.split(".")
        for key in way:
            target = target[key]
        target[last] = {**(target.get(last) or {}), **self.metadata(of)}
        return stamped


def new_id() -> str:
    """A name for a run or an operation that nobody else has."""
    return secrets.token_hex(8)
