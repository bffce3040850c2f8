"""Conditions of declared resources whose key is a fixture, which has no value yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.ready.conditions import Condition

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


def is_fixture(value: object) -> bool:
    """Return True for a fixture of pytest, and for `factories.fixture(name)`."""
    return type(value).__module__.startswith(("_pytest.", "pytest_osfutures.plugin."))


@dataclass(frozen=True, repr=False)
class Pending(Condition):
    """A condition that is made when the values of its fixtures are there."""

    make: Callable[..., Condition]
    arguments: Mapping[str, Any]

    def with_arguments(self, arguments: Mapping[str, Any]) -> Condition:
        """Return the condition with other arguments, made if all of them are values."""
        if any(map(is_fixture, arguments.values())):
            return Pending(self.text, self.make, arguments)
        return self.make(**arguments)

    def refuse(self) -> InvalidArgument:
        """Return the error of a test that uses the condition itself."""
        return InvalidArgument(
            f"{self.text}: a fixture as key is for declared resources (factories.server); a test "
            "gives the fixture's value"
        )
