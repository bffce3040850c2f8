"""Evidence: the facts that explain the failure of a test, asked of the cloud, and as text."""

from pytest_osfutures.evidence.gathering import RESOURCES, SECONDS, gather
from pytest_osfutures.evidence.model import (
    ActionEvidence,
    OperationEvidence,
    ResourceEvidence,
    Target,
    TestEvidence,
)
from pytest_osfutures.evidence.text import ERROR, details_of, facts_of, lines_of, text_of

__all__ = [
    "ERROR",
    "RESOURCES",
    "SECONDS",
    "ActionEvidence",
    "OperationEvidence",
    "ResourceEvidence",
    "Target",
    "TestEvidence",
    "details_of",
    "facts_of",
    "gather",
    "lines_of",
    "text_of",
]
