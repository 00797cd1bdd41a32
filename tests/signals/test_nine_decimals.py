"""Every comparison with a threshold is to nine decimals, and stands in one place."""

from __future__ import annotations

import ast
import dataclasses
import math
from collections.abc import Iterator
from operator import ge, gt, le, lt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import signals
from signals import rules
from signals.nine_decimals import Sign, meets

ROOT = Path(signals.__file__).parent
ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
# What compares as the signs do, by another name.
BY_NAME = {"lt", "le", "gt", "ge", "between", "less", "less_equal", "greater", "greater_equal"}
LARGEST_COUNT = 10


def float_fields() -> set[str]:
    """Return the names of the thresholds: the fields of the rules that are no counts."""
    tables = [each for each in vars(rules).values() if isinstance(each, type) and dataclasses.is_dataclass(each)]
    return {field.name for table in tables for field in dataclasses.fields(table) if "float" in str(field.type)}


THRESHOLDS = float_fields()


def decimals(tree: ast.Module) -> set[str]:
    """Return the names that a module gives to decimals."""
    assigned = [node for node in tree.body if isinstance(node, ast.Assign) and _is_decimal(node.value)]
    return {target.id for node in assigned for target in node.targets if isinstance(target, ast.Name)}


def _is_decimal(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, float)


def is_threshold(side: ast.expr, named: set[str]) -> bool:
    """Return whether a side of a comparison is a threshold or computed from one; not what is only passed to a call."""
    match side:
        case ast.Constant(value=int(number)):
            return number > LARGEST_COUNT
        case ast.Constant(value=float()):
            return True
        case ast.Attribute(attr=name):
            return name in THRESHOLDS
        case ast.Name(id=name):
            return name in named
        case ast.UnaryOp(operand=inner):
            return is_threshold(inner, named)
        case ast.BinOp(left=left, right=right):
            # An offset, as in ``end - 1``, makes no threshold.
            return any(is_threshold(each, named) for each in (left, right) if not _is_whole(each))
    return False


def _is_whole(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, int)


def faults(source: str, named: bool = True) -> Iterator[int]:
    """Yield the lines of a module on which a threshold is compared without ``meets``."""
    tree = ast.parse(source)
    names = decimals(tree) if named else set()
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, ops=signs, comparators=others) if any(isinstance(s, ORDERED) for s in signs):
                if any(is_threshold(side, names) for side in (left, *others)):
                    yield node.lineno
            case ast.Call(func=ast.Attribute(attr=name)) if name in BY_NAME:
                yield node.lineno


MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "thresholds.py")


def test_the_rules_have_thresholds_to_look_for() -> None:
    assert {"depth", "turned", "calm_rank", "least_coverage", "grid_buffers"} <= THRESHOLDS
    assert not {"primary", "sessions", "milder", "days"} & THRESHOLDS


@pytest.mark.parametrize(
    "line",
    [
        "x = close < RULES.depth * level",
        "x = RULES.turned >= rank",
        "x = 0 <= share < 0.3",
        "x = closes > 2_600",
        "x = closes.gt(level)",
        "x = np.less_equal(rank, limit)",
        "LIMIT = 0.5\nx = share > LIMIT",
    ],
)
def test_a_comparison_with_a_threshold_is_found(line: str) -> None:
    assert list(faults(line)) == [len(line.splitlines())]


@pytest.mark.parametrize(
    "line", ["x = len(row) > 1", "x = since >= RULES.sessions", "x = day <= last", "x = share == 0.3"]
)
def test_a_count_and_a_day_are_none(line: str) -> None:
    assert list(faults(line)) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_threshold_is_compared_elsewhere(path: Path) -> None:
    # The decimals that a source has a name for are seconds of waiting.
    assert list(faults(path.read_text(), named=path.parent.name != "sources")) == []


PLAIN = {Sign.ABOVE: gt, Sign.AT_LEAST: ge, Sign.BELOW: lt, Sign.AT_MOST: le}
figures = st.decimals(min_value=-1_000, max_value=1_000, places=6).map(float)


@pytest.mark.parametrize(("number", "threshold"), [(0.1 + 0.2, 0.3), (3.31 - 3.41, -0.1), (1 - 0.97, 0.03)])
def test_what_binary_fractions_leave_over_is_no_difference(number: float, threshold: float) -> None:
    assert number != threshold
    assert meets(number, Sign.AT_LEAST, threshold)
    assert meets(number, Sign.AT_MOST, threshold)
    assert not meets(number, Sign.ABOVE, threshold)
    assert not meets(number, Sign.BELOW, threshold)


@given(a=figures, b=figures, noise=st.floats(-4e-10, 4e-10), sign=st.sampled_from(Sign))
def test_noise_below_nine_decimals_changes_nothing(a: float, b: float, noise: float, sign: Sign) -> None:
    assert meets(a + noise, sign, b) == meets(a, sign, b + noise) == PLAIN[sign](a, b)


@given(
    values=st.lists(figures | st.just(math.nan), min_size=1, max_size=5), threshold=figures, sign=st.sampled_from(Sign)
)
def test_numbers_arrays_and_series_are_compared_alike(values: list[float], threshold: float, sign: Sign) -> None:
    one_by_one = [bool(meets(value, sign, threshold)) for value in values]
    assert list(meets(np.array(values), sign, threshold)) == one_by_one
    assert list(meets(pd.Series(values), sign, threshold)) == one_by_one
    assert list(meets(np.array(values), sign, np.full(len(values), threshold))) == one_by_one


@pytest.mark.parametrize("sign", Sign)
def test_the_unknown_is_on_no_side(sign: Sign) -> None:
    assert not meets(math.nan, sign, 0.3)
    assert not meets(np.array([math.nan]), sign, 0.3).any()
    assert not meets(pd.Series([math.nan]), sign, 0.3).any()
