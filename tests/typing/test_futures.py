"""The types that mypy infers for the results of futures."""

from __future__ import annotations

from pathlib import Path

import pytest

api = pytest.importorskip("mypy.api", reason="the dependency group `types` is not installed")

USER = """
from concurrent.futures import Future
import pytest_osfutures as osf

a: osf.OperationFuture[int]
b: osf.OperationFuture[str]
c: Future[bytes]
many: list[osf.OperationFuture[int]]
plain: int

def following(number: int) -> osf.OperationFuture[str]:
    return b

reveal_type(osf.gather(a))
reveal_type(osf.gather(a, b))
reveal_type(osf.gather(a, b, c, a, b, timeout=5))
reveal_type(osf.gather(*many))
reveal_type(osf.gather(many))
reveal_type(a.result())
reveal_type(a.next(str))
reveal_type(a.next(following))
osf.gather(plain)
"""
REVEALED = """
tuple[int]
tuple[int, str]
tuple[int, str, bytes, int, str]
list[int]
list[int]
int
pytest_osfutures.futures.future.OperationFuture[str, object]
pytest_osfutures.futures.future.OperationFuture[str, object]
"""


def test_mypy_infers_results_of_gather_and_next(tmp_path: Path) -> None:
    user = tmp_path / "user.py"
    user.write_text(USER)
    output, errors, _ = api.run(["--strict", "--no-error-summary", str(user)])
    assert not errors
    revealed = [line.split('"')[1] for line in output.splitlines() if "Revealed type" in line]
    assert [text.replace("builtins.", "") for text in revealed] == REVEALED.split("\n")[1:-1]
    (error,) = [line for line in output.splitlines() if ": error: " in line]
    assert 'No overload variant of "gather" matches argument type "int"' in error
