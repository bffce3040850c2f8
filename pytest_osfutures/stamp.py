"""Stamps: the marks on all resources that this package creates for a run.

A stamp is a part of the resource, from its create request on: so a lost response can be reconciled,
and orphans can be found from any machine. A resource without a stamp is never deleted.
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

#: Keys of a stamp in metadata: id of the run, id of the operation, seconds since 1970.
RUN = "osf_run"
OPERATION = "osf_op"
EXPIRES = "osf_expires"
#: Key of the id of the resource that the stamp is intended for. Nova and Cinder copy the properties
#: of an image to the images of servers and volumes that were made from it, this one included.
OF = "osf_of"
#: Key that Cinder adds to the metadata of a volume when it restores a backup to it.
#: https://opendev.org/openstack/cinder/src/branch/master/cinder/backup/manager.py
RESTORED = "src_backup_id"
#: Beginning of the `migration_status` of the volume that Cinder migrates to; only administrators
#: see it. https://opendev.org/openstack/cinder/src/branch/master/cinder/volume/manager.py
TARGET = "target:"
_TEXT = r"osf-(?P<run>[0-9a-f]{16})-(?P<operation>[0-9a-f]{16})-(?P<expires>[0-9]{1,18})"
_NAME = re.compile(rf"{_TEXT}(-|\Z)")
_DESCRIPTION = re.compile(rf"(.*\s)?{_TEXT}\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Stamp:
    """The owner of a resource, and the time after which anybody may delete the resource."""

    #: Id of the run, 16 hexadecimal digits.
    run: str
    #: Id of the operation, 16 hexadecimal digits.
    operation: str
    #: Seconds since 1970, by the cloud's time.
    expires: int

    def metadata(self, of: str | None = None) -> dict[str, str]:
        """Return the stamp as metadata.

        Args:
            of: Id of the resource that the stamp is intended for, or of an image's server.

        Example:
            >>> Stamp("00112233aabbccdd", "0011223344556677", 1800000000).metadata()["osf_expires"]
            '1800000000'
        """
        metadata = {RUN: self.run, OPERATION: self.operation, EXPIRES: str(self.expires)}
        return metadata if of is None else {**metadata, OF: of}

    @classmethod
    def of(cls, resource: Mapping[str, Any], described: bool = False) -> Stamp | None:
        """Return the stamp that was put on a resource; None without a stamp or with a copied one.

        Args:
            resource: Resource as the API shows it. The stamp is in the metadata, among the
                properties of an image, or in the name of a keypair.
            described: True to search the end of the description instead of the name.
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
        """Return the stamp in metadata or properties, which may be a copy; None without one."""
        run, operation = identifier(metadata.get(RUN)), identifier(metadata.get(OPERATION))
        expires = whole_number(metadata.get(EXPIRES))
        if run is None or operation is None or expires is None:
            return None
        return cls(run, operation, expires)

    def name(self, wish: str | None = None) -> str:
        """Return a name with the stamp, for resources that can carry a stamp nowhere else."""
        return f"{self._text}-{wish}" if wish else self._text

    def description(self, wish: str | None = None) -> str:
        """Return a description that ends with the stamp, for resources without metadata."""
        return f"{wish} {self._text}" if wish else self._text

    @property
    def _text(self) -> str:
        return f"osf-{self.run}-{self.operation}-{self.expires}"

    def is_on(self, resource: Mapping[str, Any]) -> bool:
        """Return True if `resource` carries a stamp of the same operation."""
        found = self.of(resource) or self.of(resource, described=True)
        return found is not None and found.operation == self.operation

    def put_on(self, request: Any, place: str, of: str | None = None) -> Any:
        """Return a copy of a request's document with the stamp.

        Args:
            request: JSON document of the request.
            place: Path of the metadata or the description, such as "server.metadata". "." stands
                for the properties of a new image, which gets an id here.
            of: Id of the resource that the stamp is intended for.
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
    """Name the resource from which Cinder copied a volume's metadata; empty if Cinder copied none.

    Cinder restores a backup with its metadata, and migrates a volume to a new one with the same
    metadata. A stamp that names the volume itself was put on later.
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
    """Return True for a volume whose metadata Cinder replaced by that of a backup."""
    metadata = resource.get("metadata")
    return "volume_type" in resource and isinstance(metadata, Mapping) and RESTORED in metadata


def new_id() -> str:
    """Return a new id of a run or an operation: 16 random hexadecimal digits."""
    return secrets.token_hex(8)
