"""What goes wrong in one simulated run: drawn from the seed, for each run another mixture.

A run with every fault at once would hide most mistakes: nothing gets far. So each seed switches on
some of them only, each with a strength of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from pytest_osfutures.fakecloud import FakeCloud, Fault

#: A request may change the cloud so long after its sender gave up: less than the settling time.
LATE = 10.0


@dataclass
class Weather:
    """Probabilities, each of one request; times in seconds. All 0 is a sunny day."""

    lost_before: float = 0.0  # the connection breaks before the cloud has heard
    lost_after: float = 0.0  # ... after the cloud has done what was asked
    late: float = 0.0  # ... and the cloud does it some seconds later
    twice: float = 0.0  # a read's answer is delivered a second time, later
    slow: float = 0.0  # an answer takes seconds
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
    third_party: float = 0.0  # somebody else deletes a server of ours, chance a step
    quota: int = 1000  # servers
    skew: float = 0.0  # the cloud's date minus ours

    @classmethod
    def drawn(cls, random: Random) -> Weather:
        """The mixture of one seed."""

        def some(most: float) -> float:
            return random.uniform(0.0, most) if random.random() < 0.4 else 0.0

        return cls(
            lost_before=some(0.1),
            lost_after=some(0.1),
            late=some(0.05),
            twice=some(0.2),
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
            third_party=some(0.003),
            quota=random.choice((1000, 1000, 1000, 25)),
            skew=random.choice((0.0, 0.0, -3600.0, 7.5, -2.3, 86400.0)),
        )

    def settle_on(self, cloud: FakeCloud) -> None:
        """Tell the fake cloud its part of it; the network does the rest."""
        cloud.settings.quotas["instances"] = self.quota
        rules = [
            Fault("stale", method="GET", path="/detail$", seconds=2.0, probability=self.stale),
            Fault("slow", method="POST", seconds=6.0, probability=self.hidden),
            Fault("status", status=503, probability=self.broken_before / 2),
            Fault("status", status=500, probability=self.broken_before / 2),
            Fault("status", status=502, when="after", probability=self.broken_after / 2),
            Fault("status", status=504, when="after", probability=self.broken_after / 2),
            Fault("status", status=429, retry_after=3, probability=self.busy),
            Fault("expire", probability=self.expired),
            Fault("error", operation="server.create", probability=self.build_fails),
            Fault("silent", operation="server.[!cd]*", probability=self.silent),
            Fault("stuck", operation="server.[!d]*", probability=self.stuck),
        ]
        for rule in rules:
            if rule.probability > 0:
                if rule.effect not in ("error", "silent", "stuck"):
                    rule.service = "compute"
                cloud.faults.add(rule)
