"""Load: repeat any work at a rate or with a concurrency, measure it, and judge the measurement."""

from pytest_osfutures.load.criteria import Criterion
from pytest_osfutures.load.measurement import Measurement, OperationMeasurement, Sample
from pytest_osfutures.load.runner import Load, LoadArguments, measure

__all__ = [
    "Criterion",
    "Load",
    "LoadArguments",
    "Measurement",
    "OperationMeasurement",
    "Sample",
    "measure",
]
