"""The mark that everything carries which this package creates on its own account.

It stands in the resource itself, from the create request on: so an ambiguous create can be
resolved, and leftovers can be found from any machine. What has no stamp is never touched.
"""

from __future__ import annotations

import copy
import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_osfutures.parsing import identifier, printable, whole_number

RUN = "osf_run"
OPERATION = "osf_op"
EXPIRES = "osf_expires"
#: Nova and Cinder hand an image's properties down to the images of servers and volumes made of it,
#: this one as well; so it tells which image the stamp was meant for.
OF = "osf_of"
#: Cinder puts it into the metadata of a volume when it writes that of a backup over it.
RESTORED = "src_backup_id"
#: To where Cinder migrates a volume, its `migration_status` begins with this, for administrators.
TARGET = "target:"
_TEXT = r"osf-(?P<run>[0-9a-f]{16})-(?P<operation>[0-9a-f]{16})-(?P<expires>[0-9]{1,18})"
_NAME = re.compile(rf"{_TEXT}(-|\Z)")
_DESCRIPTION = re.compile(rf"(.*\s)?{_TEXT}\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
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
    def of(cls, resource: Mapping[str, Any], described: bool = False) -> Stamp | None:
        """The stamp that a resource carries, as its API shows it; None if it carries none.

        It stands in the metadata, among an image's own properties, in a keypair's name, or at the
        end of a description: only where `described` says that nothing else could carry it. A stamp
        that a volume got from another one is not its own.
        """
        metadata = resource.get("metadata", resource)
        if isinstance(metadata, Mapping):
            if copied_from(resource):
                return None
            if (own := cls.in_metadata(metadata)) is not None:
                return own
        found = None
        if described:
            found = _DESCRIPTION.match(str(resource.get("description") or ""))
        elif "fingerprint" in resource:
            found = _NAME.match(str(resource.get("name", "")))
        if found is None:
            return None
        return cls(found["run"], found["operation"], int(found["expires"]))

    @classmethod
    def in_metadata(cls, metadata: Mapping[str, Any]) -> Stamp | None:
        """The stamp among metadata or properties, whosever it is."""
        run, operation = identifier(metadata.get(RUN)), identifier(metadata.get(OPERATION))
        expires = whole_number(metadata.get(EXPIRES))
        if run is None or operation is None or expires is None:
            return None
        return cls(run, operation, expires)

    def name(self, wish: str | None = None) -> str:
        """A name that carries the stamp, for what can carry it nowhere else."""
        return f"{self._text}-{wish}" if wish else self._text

    def description(self, wish: str | None = None) -> str:
        """A description that ends with the stamp, for what has no metadata."""
        return f"{wish} {self._text}" if wish else self._text

    @property
    def _text(self) -> str:
        return f"osf-{self.run}-{self.operation}-{self.expires}"

    def is_on(self, resource: Mapping[str, Any]) -> bool:
        """Whether `resource` was made by this very operation."""
        found = self.of(resource) or self.of(resource, described=True)
        return found is not None and found.operation == self.operation

    def put_on(self, request: Any, place: str, of: str | None = None) -> Any:
        """The request's document with the stamp at `place` (`server.metadata`).

        At the end of a `description`; at "." among the properties of a new image, which gets its
        id here, so that the stamp can say that it is meant for this one.
        """
        stamped = copy.deepcopy(request)
        if place == ".":
            ident = stamped.setdefault("id", str(uuid.uuid4()))
            return {**stamped, **self.metadata(ident)}
        target = stamped
        *way, last = place.split(".")
        for key in way:
            target = target[key]
        if last == "description":
            target[last] = self.description(target.get(last))
        else:
            target[last] = {**(target.get(last) or {}), **self.metadata(of)}
        return stamped


def copied_from(resource: Mapping[str, Any]) -> str:
    """The resource from which a volume got its metadata; empty if it has metadata of its own.

    Cinder writes those of a backup, or makes a volume with those of another one that it migrates.
    A stamp that names the very volume was put on later.
    """
    if "volume_type" not in resource or not isinstance(resource.get("metadata"), Mapping):
        return ""
    target = str(resource.get("migration_status"))
    if target.startswith(TARGET):
        return f"volume {printable(target.removeprefix(TARGET))}"
    if is_restored(resource) and resource["metadata"].get(OF) != resource.get("id"):
        return f"backup {printable(resource['metadata'][RESTORED])}"
    return ""


def is_restored(resource: Mapping[str, Any]) -> bool:
    """Whether it is a volume whose metadata Cinder has replaced by that of a backup."""
    metadata = resource.get("metadata")
    return "volume_type" in resource and isinstance(metadata, Mapping) and RESTORED in metadata


def new_id() -> str:
    """A name for a run or an operation that nobody else has."""
    return secrets.token_hex(8)
