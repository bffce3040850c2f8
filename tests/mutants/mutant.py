"""Mutants: changes of one line in the modules that decide about resources, and a sample of them."""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from tests.mutants.modules import TOP
from tests.mutants.operators import OPERATORS

#: Beginnings of lines that stay: tests/plugin proves what pytest shows of a traceback.
UNMUTATED = ("__tracebackhide__",)


@dataclass(frozen=True)
class Mutant:
    """One change: the n-th place in a module where an operator applies."""

    module: Path
    operator: str
    occurrence: int
    line: int
    #: The number of this mutant among those of the same operator on lines of the same text.
    repetition: int

    @cached_property
    def code(self) -> str:
        """The text of the module with the change."""
        original = self.module.read_text()
        return str(mutate_code(original, OPERATORS[self.operator], self.occurrence))

    @cached_property
    def diff(self) -> str:
        """The change as a diff without context."""
        before, after = self.module.read_text().splitlines(), self.code.splitlines()
        return "\n".join(list(difflib.unified_diff(before, after, lineterm="", n=0))[2:])

    @property
    def compiles(self) -> bool:
        """True if the change leaves a valid module: `if not x := y` is none."""
        try:
            compile(self.code, str(self.module), "exec", dont_inherit=True)
        except SyntaxError:
            return False
        return True

    @property
    def key(self) -> str:
        """A name that stays while the changed line stays, wherever in the module the line is."""
        text = self.module.read_text().splitlines()[self.line - 1].strip()
        return f"{self.module.relative_to(TOP)} {self.operator} {self.repetition} {text}"

    def function(self) -> tuple[int, int] | None:
        """Return the first and last line of the innermost function; None outside of functions."""
        leaf = _tree(self.module).get_leaf_for_position((self.line, 0), True)
        while leaf is not None and leaf.start_pos[0] < self.line:
            leaf = leaf.get_next_leaf()
        inner = leaf.search_ancestor("funcdef") if leaf is not None else None
        return None if inner is None else (inner.start_pos[0], inner.end_pos[0])

    def __str__(self) -> str:
        return f"{self.module.relative_to(TOP)}:{self.line} {self.operator}"


@cache
def _tree(module: Path) -> Any:
    return get_ast(module.read_text())


def mutants(module: Path) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    nodes = list(ast_nodes(_tree(module)))
    lines = module.read_text().splitlines()
    for name, operator in OPERATORS.items():
        seen: Counter[str] = Counter()
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, ((line, _), _) in enumerate(places):
            text = lines[line - 1].strip()
            if not text.startswith(UNMUTATED):
                yield Mutant(module, name, occurrence, line, seen[text])
            seen[text] += 1


def sample(found: Iterable[Mutant], size: int, seed: int) -> list[Mutant]:
    """Return the `size` mutants with the lowest hash of seed and key.

    A draw by number would be another sample after each change of any line; this one keeps the
    mutants of lines that have not changed.
    """

    def rank(mutant: Mutant) -> str:
        return hashlib.sha256(f"{seed} {mutant.key}".encode()).hexdigest()

    return list(islice((each for each in sorted(found, key=rank) if each.compiles), size))
