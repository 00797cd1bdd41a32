"""The archive keeps every vintage with the time it was first and last seen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from signals.data.series import FIELDS
from signals.data.vintages import COLUMNS, instants, settle
from storage import observations
from storage.database import Database
from storage.observations import Archived, SourceCheck
from storage.schema import observation

EVENING = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)
LATER = EVENING + timedelta(days=1)
FRIDAY, MONDAY = date(2020, 11, 13), date(2020, 11, 16)


def bar(on: date, value: float) -> tuple[Any, ...]:
    return (on, value, *[None] * (len(FIELDS) - 1))


async def add(database: Database, *bars: tuple[Any, ...], at: datetime = EVENING, restated: bool = False) -> int:
    async with database.transaction() as connection:
        return await observations.archive(connection, "IWM", bars, at, restated=restated)


class Vintage:
    """One row by the names of its columns; what was not seen again was last seen when it was first."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.__dict__.update(zip(COLUMNS, row, strict=True))
        self.observed_on = date.fromisoformat(str(row[0]))
        self.first_seen_at, self.last_seen_at = instants([row[1], row[2] or row[1]])

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


async def rows(database: Database, known_at: datetime = LATER) -> list[Vintage]:
    async with database.transaction() as connection:
        found = await observations.load_vintages(connection, known_at, ["IWM"])
        return [Vintage(row) for row in zip(*found.get("IWM", ()), strict=True)]


async def test_the_columns_are_in_the_order_the_panel_reads(database: Database) -> None:
    assert [column.name for column in observation.c] == ["series", *COLUMNS]
    assert [column.name for column in observations.FIELD_COLUMNS] == list(FIELDS)


async def test_what_is_new_is_added(database: Database) -> None:
    assert await add(database, bar(FRIDAY, 173.0), bar(MONDAY, 177.0)) == 2
    assert [(row.observed_on, row.value) for row in await rows(database)] == [(FRIDAY, 173.0), (MONDAY, 177.0)]


async def test_what_is_seen_again_unchanged_is_only_marked(database: Database) -> None:
    await add(database, bar(FRIDAY, 173.0))
    assert await add(database, bar(FRIDAY, 173.0), at=LATER) == 0
    (row,) = await rows(database)
    assert (row.first_seen_at, row.last_seen_at) == (EVENING, LATER)


async def test_a_revision_is_a_new_row(database: Database) -> None:
    await add(database, bar(FRIDAY, 173.0))
    assert await add(database, bar(FRIDAY, 174.0), at=LATER) == 1
    assert [(row.value, row.first_seen_at) for row in await rows(database)] == [(173.0, EVENING), (174.0, LATER)]


async def test_going_back_to_an_earlier_value_is_a_revision_too(database: Database) -> None:
    await add(database, bar(FRIDAY, 173.0))
    await add(database, bar(FRIDAY, 174.0), at=EVENING + timedelta(hours=1))
    assert await add(database, bar(FRIDAY, 173.0), at=LATER) == 1
    assert len(await rows(database)) == 3


async def test_a_restated_history_is_added_whole(database: Database) -> None:
    await add(database, bar(FRIDAY, 173.0))
    assert await add(database, bar(FRIDAY, 173.0), bar(MONDAY, 88.0), at=LATER, restated=True) == 2


async def test_nothing_to_add_is_no_error(database: Database) -> None:
    assert await add(database) == 0


async def test_what_was_not_seen_yet_is_not_known(database: Database) -> None:
    await add(database, bar(FRIDAY, 173.0))
    await add(database, bar(FRIDAY, 174.0), at=LATER)
    assert [row.value for row in await rows(database, known_at=EVENING)] == [173.0]


@pytest.mark.parametrize("field", FIELDS)
async def test_a_series_is_brief_only_without_any_other_figure_than_values_and_adjusted_closes(
    database: Database, field: str
) -> None:
    one = (MONDAY, *(177.0 if name == field else None for name in FIELDS))
    await add(database, bar(FRIDAY, 173.0), one)
    async with database.transaction() as connection:
        found = await observations.archived(connection, ["IWM", "SPY"])
        assert found == {"IWM": Archived(2, is_brief=field in ("value", "adj_close"))}
        whole = await observations.load_vintages(connection, LATER, ["IWM"])
        brief = [key for key, one in found.items() if one.is_brief]
        assert await observations.load_vintages(connection, LATER, ["IWM"], brief=brief) == whole


async def test_what_a_restatement_supersedes_is_not_counted(database: Database) -> None:
    await add(database, bar(FRIDAY, 173.0), bar(MONDAY, 177.0))
    await add(database, bar(FRIDAY, 86.5), at=LATER, restated=True)
    async with database.transaction() as connection:
        assert await observations.count(connection, ["IWM", "SPY"]) == 1
        assert await observations.count(connection, ["SPY"]) == 0
        assert await observations.archived(connection, ["IWM", "SPY"]) == {"IWM": Archived(1, is_brief=True)}


async def test_the_newest_date_of_every_series_is_known(database: Database) -> None:
    await add(database, bar(FRIDAY, 173.0), bar(MONDAY, 177.0))
    async with database.transaction() as connection:
        await observations.archive(connection, "SPY", [bar(FRIDAY, 358.0)], EVENING)
        assert await observations.spans(connection, ("IWM", "SPY", "XLC")) == {
            "IWM": (FRIDAY, MONDAY),
            "SPY": (FRIDAY, FRIDAY),
        }


async def test_the_panel_reads_what_is_archived(database: Database) -> None:
    await add(database, bar(FRIDAY, 173.0))
    await add(database, bar(FRIDAY, 174.0), bar(MONDAY, 177.0), at=LATER)
    async with database.transaction() as connection:
        settled = settle(await observations.load_vintages(connection, LATER, ["IWM"]))["IWM"]["value"]
    assert list(settled) == [173.0, 177.0]
    async with database.transaction() as connection:
        stored = (await connection.execute(select(observation.c.value))).scalars().all()
    assert sorted(stored) == [173.0, 174.0, 177.0]


async def test_what_was_wrong_with_an_answer_is_kept_until_the_next_one(database: Database) -> None:
    async with database.transaction() as connection:
        await observations.note_checks(connection, [SourceCheck("IWM", "no answer")], EVENING)
        await observations.note_checks(connection, [SourceCheck("XLC", "no such file", absent=True)], EVENING)
        await observations.note_checks(connection, [SourceCheck("IWM", "")], LATER)
        checks = await observations.load_checks(connection)
    assert checks == {"IWM": SourceCheck("IWM", ""), "XLC": SourceCheck("XLC", "no such file", absent=True)}


async def test_a_long_sentence_is_cut_to_what_the_column_holds(database: Database) -> None:
    async with database.transaction() as connection:
        await observations.note_checks(connection, [SourceCheck("IWM", "x" * 900)], EVENING)
        assert len((await observations.load_checks(connection))["IWM"].reason) == 500


async def test_an_answer_counts_when_it_was_last_given_and_only_with_something_recent(database: Database) -> None:
    await add(database, bar(FRIDAY, 173.0))
    await add(database, bar(FRIDAY, 173.0), at=LATER)
    async with database.reading() as connection:
        assert await observations.answered_at(connection, ["IWM", "SPY"], FRIDAY) == {"IWM": LATER}
        assert await observations.answered_at(connection, ["IWM", "SPY"], MONDAY) == {}
        assert await observations.answered_at(connection, ["SPY"], FRIDAY) == {}
