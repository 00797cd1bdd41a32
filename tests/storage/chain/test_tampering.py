"""Whatever is done to a live row, the chain names it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from storage.chain.rows import SOURCES
from storage.chain.verify import ChainError, verify
from storage.database import Database
from storage.schema import compressed
from tests.storage.chain.evenings import ROWS, live_evenings

Statement = tuple[str, tuple[Any, ...]]
# The rows of the chain: table, key column, key.
LIVE = [
    ("verdict", "session", "2020-11-16"),
    ("transition", "id", 2),
    ("verdict", "session", "2020-11-17"),
    ("transition", "id", 3),
    ("outcome", "id", 1),
    ("outcome", "id", 2),
    ("post", "id", 1),
    ("verdict", "session", "2020-11-18"),
]
COLUMNS = {source.table.name: [column.name for column in source.columns] for source in SOURCES.values()}
ANYTHING = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.binary(max_size=12),
    st.dates().map(str),
    st.datetimes().map(str),
    st.binary(max_size=12).map(compressed),
)


class Record:
    """A live record of two evenings that is tampered with by hand, and put right again."""

    def __init__(self, path: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.database = Database(f"sqlite+aiosqlite:///{path}")
        self.loop.run_until_complete(self.database.__aenter__())
        self.loop.run_until_complete(live_evenings(self.database))

    def close(self) -> None:
        self.loop.run_until_complete(self.database.__aexit__())
        self.loop.close()

    def after(self, *statements: Statement) -> str | None:
        """Return what is wrong after some statements, which are then taken back."""
        return self.loop.run_until_complete(self._after(statements))

    def value(self, read: Statement, *statements: Statement) -> Any:
        """Return what one reads after the others, which are then taken back; ``None`` for no row."""
        return self.loop.run_until_complete(self._value(read, statements))

    async def _value(self, read: Statement, statements: Sequence[Statement]) -> Any:
        async with self.database.transaction() as connection:
            for sql, values in statements:
                await connection.exec_driver_sql(sql, values)
            found = (await connection.exec_driver_sql(*read)).scalar_one_or_none()
            await connection.rollback()
        return found

    async def _after(self, statements: Sequence[Statement]) -> str | None:
        async with self.database.transaction() as connection:
            # No key is in his way.
            await connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            try:
                for sql, values in statements:
                    await connection.exec_driver_sql(sql, values)
                await verify(connection)
            except ChainError as error:
                return str(error)
            finally:
                await connection.rollback()
        return None


@pytest.fixture(scope="module")
def evenings(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Record]:
    path = tmp_path_factory.mktemp("evenings") / "cascade.db"
    shutil.copy(migrated, path)
    record = Record(path)
    yield record
    record.close()


def row_number(text: str | None) -> int:
    assert text is not None
    assert text.startswith("row "), text
    return int(text.split()[1])


@settings(max_examples=100, deadline=None)
@given(number=st.integers(0, ROWS - 1), column=st.integers(0, 11), value=ANYTHING)
def test_a_change_of_any_value_is_named(evenings: Record, number: int, column: int, value: Any) -> None:
    table, key, wanted = LIVE[number]
    name = COLUMNS[table][column % len(COLUMNS[table])]
    read = (f'SELECT "{name}" FROM {table} WHERE {key} = ?', (wanted,))
    change = (f'UPDATE {table} SET "{name}" = ? WHERE {key} = ?', (value, wanted))
    try:
        # What the column makes of a value may be what is there: a number of a text, for example.
        assume(evenings.value(read) != evenings.value(read, change))
        found = evenings.after(change)
    except DBAPIError:
        # What the schema itself refuses.
        assume(False)
    assert row_number(found) == number + 1


@pytest.mark.parametrize("number", range(ROWS))
def test_a_deleted_row_is_named(evenings: Record, number: int) -> None:
    table, key, wanted = LIVE[number]
    found = evenings.after((f"DELETE FROM {table} WHERE {key} = ?", (wanted,)))
    assert row_number(found) == number + 1
    assert "was deleted" in str(found)


@pytest.mark.parametrize("number", range(ROWS - 1))
def test_a_row_deleted_with_its_link_is_missed(evenings: Record, number: int) -> None:
    table, key, wanted = LIVE[number]
    deleted = (f"DELETE FROM {table} WHERE {key} = ?", (wanted,))
    found = evenings.after(deleted, ("DELETE FROM chain WHERE number = ?", (number + 1,)))
    assert found == f"row {number + 1} of the chain is missing"


def swapped(table: str, key: str, one: int, other: int) -> list[Statement]:
    statement = f"UPDATE {table} SET {key} = ? WHERE {key} = ?"
    return [(statement, change) for change in ((-1, one), (one, other), (other, -1))]


@settings(max_examples=40, deadline=None)
@given(pair=st.sets(st.integers(1, ROWS), min_size=2, max_size=2))
def test_two_rows_that_changed_places_in_the_chain_are_named(evenings: Record, pair: set[int]) -> None:
    assert row_number(evenings.after(*swapped("chain", "number", *pair))) == min(pair)


@pytest.mark.parametrize(("table", "one", "other"), [("transition", 2, 3), ("outcome", 1, 2)])
def test_two_rows_that_changed_their_contents_are_named(evenings: Record, table: str, one: int, other: int) -> None:
    first = min(number for number, row in enumerate(LIVE, 1) if row[0] == table)
    assert row_number(evenings.after(*swapped(table, "id", one, other))) == first


@settings(max_examples=40, deadline=None)
@given(
    number=st.integers(1, ROWS),
    column=st.sampled_from(["kind", "key", "written", "hash"]),
    value=st.text("0a", max_size=64),
)
def test_a_change_of_the_chain_itself_is_named(evenings: Record, number: int, column: str, value: str) -> None:
    found = evenings.after((f"UPDATE chain SET {column} = ? WHERE number = ?", (value, number)))
    assert row_number(found) == number


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE verdict SET backfilled = 0", "the verdict of 2020-11-13 was inserted"),
        ("INSERT INTO outcome SELECT 3, 1, asset, 60, entry_on, 1, exit_on, 1, 1, 1, recorded_at, NULL FROM outcome LIMIT 1", "outcome 3 was inserted"),
        ("INSERT INTO transition SELECT 9, session, 'x', 'y', session, '', '', NULL FROM verdict WHERE NOT backfilled LIMIT 1", "transition 9 was inserted"),
        ("UPDATE verdict SET backfilled = 1 WHERE session = '2020-11-17'", "row 3 of the chain, the verdict of 2020-11-17, was deleted, or is not of the live record"),
    ],
)  # fmt: skip
def test_what_was_made_live_or_history_is_named(evenings: Record, statement: str, named: str) -> None:
    assert str(evenings.after((statement, ()))).startswith(named)


def test_left_alone_it_fits(evenings: Record) -> None:
    assert evenings.after() is None
