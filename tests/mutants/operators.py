"""The mutation operators: a selection of cosmic-ray's, and three that cosmic-ray lacks.

A dropped operand, a dropped statement and a swapped `min` and `max` are mistakes that people make
and that no changed comparison stands for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cosmic_ray.ast import get_ast
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator

Position = tuple[tuple[int, int], tuple[int, int]]

#: Names of cosmic-ray's operators whose mutants a test can kill: without those that change the
#: `|` of annotations, replace equality by identity, or change a tuning constant by one.
NAMES = (
    *(
        f"core/ReplaceComparisonOperator_{pair}"
        for pair in (
            "Eq_NotEq",
            "NotEq_Eq",
            "Lt_LtE",
            "Lt_GtE",
            "LtE_Lt",
            "LtE_Gt",
            "Gt_GtE",
            "Gt_LtE",
            "GtE_Gt",
            "GtE_Lt",
            "Is_IsNot",
            "IsNot_Is",
        )
    ),
    *(f"core/ReplaceBinaryOperator_{pair}" for pair in ("Add_Sub", "Sub_Add", "Mul_Div")),
    "core/ReplaceUnaryOperator_Delete_Not",
    "core/AddNot",
    "core/ReplaceTrueWithFalse",
    "core/ReplaceFalseWithTrue",
    "core/ReplaceAndWithOr",
    "core/ReplaceOrWithAnd",
    "core/ReplaceBreakWithContinue",
    "core/ReplaceContinueWithBreak",
    "core/ExceptionReplacer",
    "core/ZeroIterationForLoop",
)


class DropOperand(Operator):  # type: ignore[misc]  # cosmic-ray has no types
    """Drop one operand of an `and` or an `or`."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield the position of each operand."""
        if node.type in ("and_test", "or_test"):
            for operand in node.children[::2]:
                yield operand.start_pos, operand.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return the expression without the operand `index`."""
        rest = [child for number, child in enumerate(node.children[::2]) if number != index]
        code = f" {node.children[1].value} ".join(child.get_code().strip() for child in rest)
        return get_ast(node.get_first_leaf().prefix + code)

    @classmethod
    def examples(cls) -> tuple[()]:
        """Return no examples: only cosmic-ray's own tests read them."""
        return ()


class DropStatement(Operator):  # type: ignore[misc]
    """Drop a statement of a function: a call, or an assignment to an attribute or a key."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield the position of the statement."""
        if node.type == "simple_stmt" and _is_effect(node.children[0]):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return `pass` for the statement."""
        del index
        return get_ast(f"{node.get_first_leaf().prefix}pass\n")

    @classmethod
    def examples(cls) -> tuple[()]:
        """Return no examples: only cosmic-ray's own tests read them."""
        return ()


def _is_effect(statement: Any) -> bool:
    if statement.search_ancestor("funcdef") is None:
        return False
    if statement.type == "atom_expr":
        return "_log." not in statement.get_code()  # the texts of logs are not tested
    if statement.type != "expr_stmt":
        return False
    target, sign = statement.children[0], statement.children[1]
    return target.type == "atom_expr" or getattr(sign, "value", "") == "+="


class SwapExtremes(Operator):  # type: ignore[misc]
    """Replace `min` by `max` and `max` by `min`."""

    OTHER = {"min": "max", "max": "min"}  # noqa: RUF012  # cosmic-ray's operators are plain classes

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield the position of the name if the name is called."""
        following = node.get_next_leaf() if node.type == "name" else None
        if following is not None and node.value in self.OTHER and following.value == "(":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return the node with the other name."""
        del index
        node.value = self.OTHER[node.value]
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """Return no examples: only cosmic-ray's own tests read them."""
        return ()


def _without_status_300(name: str) -> Operator:
    """Leave out `< 300` and `>= 300` with one more or one less.

    A service answers 300 to a request for the list of its versions alone, and no caller of these
    comparisons sends one.
    """

    class Narrowed(get_operator(name)):  # type: ignore[misc]  # a class that is made at run time
        """The operator without comparisons to a status of 300."""

        def mutation_positions(self, node: Any) -> Iterator[Position]:
            """Positions of the operator, unless the comparison is one to 300."""
            if node.type == "comparison" and node.children[-1].get_code().strip() != "300":
                yield from super().mutation_positions(node)

    return Narrowed()


#: The operators that move the bound of a comparison by one.
BOUNDS = tuple(
    f"core/ReplaceComparisonOperator_{pair}" for pair in ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt")
)
OPERATORS: dict[str, Operator] = {
    **{name.partition("/")[2]: get_operator(name)() for name in NAMES},
    **{name.partition("/")[2]: _without_status_300(name) for name in BOUNDS},
    **{each.__name__: each() for each in (DropOperand, DropStatement, SwapExtremes)},
}
