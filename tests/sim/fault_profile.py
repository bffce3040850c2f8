"""The fault profile of a simulated run, drawn from its seed.

In a run with every fault no operation would get far. So each seed switches on some faults only,
each with a probability of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from pytest_osfutures.fakecloud import FakeCloud, Fault

#: A request may change the cloud so long after its sender gave up, what it makes may be missing
#: from lists for so long, and lists may be so old: together less than the settling time of 22 s.
LATE, HIDDEN, OLD = 10.0, 6.0, 2.0
SERVICES = ("compute", "block_storage")


@dataclass
class FaultProfile:
    """The probability of each fault of a request; times in seconds. The default has no faults."""

    lost_before: float = 0.0  # the connection breaks before the cloud has heard
    lost_after: float = 0.0  # ... after the cloud has done what was asked
    late: float = 0.0  # ... and the cloud does it some seconds later
    duplicated: float = 0.0  # a read's answer is delivered a second time, later
    slow: float = 0.0  # an answer takes seconds, and others overtake it
    hung: float = 0.0  # an answer never comes
    stale: float = 0.0  # a list shows the past
    hidden: float = 0.0  # what was made is missing from lists for seconds
    broken_before: float = 0.0  # 5xx, nothing was done
    broken_after: float = 0.0  # 5xx, but it was done
    busy: float = 0.0  # 429 with Retry-After
    expired: float = 0.0  # the token is worth nothing any more
    build_fails: float = 0.0
    silent: float = 0.0  # an action falls back without a word
    stuck: float = 0.0  # an action never ends
    stays: float = 0.0  # a deletion fails
    foreign_deletion: float = 0.0  # somebody else deletes something of ours, chance a step
    quota: int = 1000  # servers
    volume_quota: int = 1000
    skew: float = 0.0  # the cloud's date minus ours

    @classmethod
    def drawn(cls, random: Random) -> FaultProfile:
        """Draw the profile of one seed."""

        def some(most: float) -> float:
            return random.uniform(0.0, most) if random.random() < 0.4 else 0.0

        return cls(
            lost_before=some(0.1),
            lost_after=some(0.1),
            late=some(0.05),
            duplicated=some(0.2),
            slow=some(0.2),
            hung=some(0.03),
            stale=some(0.3),
            hidden=some(0.3),
            broken_before=some(0.1),
            broken_after=some(0.1),
            busy=some(0.1),
            expired=some(0.02),
            build_fails=some(0.2),
            silent=some(0.2),
            stuck=some(0.05),
            stays=some(0.05),
            foreign_deletion=some(0.003),
            quota=random.choice((1000, 1000, 1000, 20)),
            volume_quota=random.choice((1000, 1000, 1000, 12)),
            skew=random.choice((0.0, 0.0, -3600.0, 7.5, -2.3, 86400.0)),
        )

    def configure(self, cloud: FakeCloud) -> None:
        """Configure the faults that the fake cloud injects; the network injects the others."""
        cloud.settings.quotas.update(instances=self.quota, volumes=self.volume_quota)
        for _, rule in self._rules():
            if rule.probability > 0:
                cloud.faults.add(rule)

    def injected(self, cloud: FakeCloud) -> Counter[str]:
        """Return how often the fake cloud has injected each of its faults."""
        rules = iter(cloud.faults.all())
        mine = [(name, next(rules)) for name, rule in self._rules() if rule.probability > 0]
        found: Counter[str] = Counter()
        for name, rule in mine:
            found[name] += rule.fired
        return found

    def _rules(self) -> Iterator[tuple[str, Fault]]:
        """Return the rules of the faults that the fake cloud injects, with their names."""
        for service in SERVICES:
            yield from self._on_requests(service)
        failing = ("server.create", "volume.create", "snapshot.create", "volume.extend")
        for operation in failing:
            yield "build_fails", Fault("error", operation=operation, probability=self.build_fails)
        for operation in ("server.[!cd]*", "server.detach_volume", "volume.extend"):
            yield "silent", Fault("silent", operation=operation, probability=self.silent)
        for operation in ("server.[!d]*", "volume.[!d]*", "snapshot.create"):
            yield "stuck", Fault("stuck", operation=operation, probability=self.stuck)
        for effect in ("error", "silent"):
            yield "stays", Fault(effect, operation="*.delete", probability=self.stays / 2)

    def _on_requests(self, service: str) -> Iterator[tuple[str, Fault]]:
        yield (
            "stale",
            Fault(
                "stale",
                service,
                method="GET",
                path="/detail$",
                seconds=OLD,
                probability=self.stale,
            ),
        )
        yield (
            "hidden",
            Fault("slow", service, method="POST", seconds=HIDDEN, probability=self.hidden),
        )
        half = self.broken_before / 2
        for status in (503, 500):
            yield "broken_before", Fault("status", service, status=status, probability=half)
        half = self.broken_after / 2
        for status in (502, 504):
            rule = Fault("status", service, status=status, when="after", probability=half)
            yield "broken_after", rule
        yield "busy", Fault("status", service, status=429, retry_after=3, probability=self.busy)
        yield "expired", Fault("expire", service, probability=self.expired)
