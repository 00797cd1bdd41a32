"""The tree in ``bot/errors.py`` names every error of the program, where it is defined and what it is."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from bot import errors, lifetime

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^ *[│├└─ ]*(\w+Error) +([a-z_]+(?:\.[a-z_]+)+) *(●?) ", re.MULTILINE)
_CLASS = re.compile(r"^class (\w+Error)\(", re.MULTILINE)
DRAWN = {name: (module, bool(mark)) for name, module, mark in _ROW.findall(errors.__doc__ or "")}


def test_every_error_is_drawn_where_it_is_defined() -> None:
    defined = {
        name: ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for folder in ("bot", "signals", "storage")
        for path in (ROOT / folder).rglob("*.py")
        for name in _CLASS.findall(path.read_text())
    }
    assert {name: module for name, (module, _) in DRAWN.items()} == defined


def test_the_errors_that_end_the_program_with_one_line_are_marked() -> None:
    marked = {getattr(import_module(module), name) for name, (module, mark) in DRAWN.items() if mark}
    assert {error for error in marked if issubclass(error, lifetime._OPERATOR_ERRORS)} == marked
    assert set(lifetime._OPERATOR_ERRORS) <= marked
