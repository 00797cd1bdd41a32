"""The arrows between rooms: who may import whom. ``docs/decisions.md`` says why."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# From the lowest up: a room may import itself and whatever stands before it.
SIGNALS = (
    ("rules", "errors", "nine_decimals", "episode", "model", "sentences"),
    ("data",),
    ("conditions",),
    ("breakout",),
    ("liquidity", "cascade"),
    ("crypto", "supercycle"),
    ("evaluate", "transitions"),
    ("record",),
    ("as_json", "explain"),
)
LEVEL = {room: level for level, rooms in enumerate(SIGNALS) for room in rooms} | {"sources": 1}
# The same for the folders of bot; what they need of each other besides, bot/app.py builds and passes in.
BOT = (
    ("messages", "sandbox", "health"),
    ("charts", "web"),
    ("market",),
    ("delivery",),
    ("commands",),
    ("updates",),
    ("cli",),
)
BOT_LEVEL = {room: level for level, rooms in enumerate(BOT) for room in rooms}
MOST_FILES = 14


def imports(path: Path) -> Iterator[str]:
    """Yield every module of this repository that a file imports, imports inside functions included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room_of(module: str) -> str:
    """Return the room of a module of ``signals``: a folder, or a file beside the folders."""
    return module.split(".")[1]


def files(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("path", files("signals"), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_of_signals_imports_only_what_stands_below_it(path: Path) -> None:
    own = path.relative_to(ROOT / "signals").parts[0].removesuffix(".py")
    imported = {room_of(module) for module in imports(path) if module.startswith("signals.")} - {own}
    assert {room for room in imported if LEVEL[room] > LEVEL[own]} == set()


def test_every_folder_of_bot_has_its_place_among_the_others() -> None:
    folders = {path.name for path in (ROOT / "bot").iterdir() if (path / "__init__.py").exists()}
    assert folders == BOT_LEVEL.keys()


@pytest.mark.parametrize("folder", BOT_LEVEL)
def test_a_folder_of_bot_imports_only_what_stands_below_it(folder: str) -> None:
    imported = {room_of(module) for path in files(f"bot/{folder}") for module in imports(path) if module[:4] == "bot."}
    assert {room for room in imported & BOT_LEVEL.keys() if BOT_LEVEL[room] >= BOT_LEVEL[folder]} <= {folder}


def test_only_storage_speaks_to_the_database() -> None:
    # A transaction is handed through, and its errors are caught; what is asked stands in storage.
    allowed = ("sqlalchemy.exc.",)
    sql = ("sqlalchemy", "sqlite3", "aiosqlite", "asyncpg", "alembic")
    offending = [
        (str(path.relative_to(ROOT)), module)
        for folder in ("bot", "signals")
        for path in files(folder)
        for module in imports(path)
        if module.startswith(sql) and not module.startswith(allowed)
    ]
    assert offending == []


def test_only_the_sources_reach_the_network() -> None:
    network = ("httpx", "yfinance", "curl_cffi", "requests", "aiohttp", "socket", "urllib.request")
    offending = [
        (str(path.relative_to(ROOT)), module)
        for path in files("signals")
        if path.parent.name != "sources"
        for module in imports(path)
        if module.startswith(network)
    ]
    assert offending == []


def test_the_network_is_asked_for_by_no_other_room_of_signals() -> None:
    users = {
        path.relative_to(ROOT / "signals").parts[0]
        for path in files("signals")
        if any(module.startswith("signals.sources.") for module in imports(path))
    }
    assert users == {"sources"}


@pytest.mark.parametrize("folder", ["bot", "signals", "storage"])
def test_no_folder_has_more_files_side_by_side_than_one_reads_at_a_glance(folder: str) -> None:
    sizes = {
        str(path.relative_to(ROOT)): len([file for file in path.glob("*.py") if file.name != "__init__.py"])
        for path in [ROOT / folder, *(ROOT / folder).rglob("*/")]
        if path.is_dir() and path.name not in ("sources", "versions")
    }
    assert {path: count for path, count in sizes.items() if count > MOST_FILES} == {}


@pytest.mark.parametrize("folder", ["bot", "signals", "storage"])
def test_a_folder_says_in_one_line_what_it_is_for(folder: str) -> None:
    packages = list((ROOT / folder).rglob("__init__.py"))
    silent = [str(path.relative_to(ROOT)) for path in packages if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []
