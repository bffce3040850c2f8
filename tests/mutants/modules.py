"""The modules that are mutated: the engine, calls, verdicts, the ledger, the sweep, the reaper."""

from __future__ import annotations

from pathlib import Path

TOP = Path(__file__).parents[2]
PACKAGE = "pytest_osfutures"
#: Patterns of paths below the package, without `.py`.
MODULES = (
    "calls/*",
    "cleanup/*",
    "commands/known_runs",
    "commands/reap",
    "commands/reaper",
    "engine/*",
    "futures/*",
    "operations/judge",
    "operations/predicates",
    "operations/status_words",
    "ownership/*",
    "stamp",
    "transport/capture",
    "transport/client",
    "transport/cloud_time",
    "transport/responses",
)


def files(pattern: str) -> list[Path]:
    """Return the modules that a pattern means."""
    return sorted((TOP / PACKAGE).glob(f"{pattern}.py"))
