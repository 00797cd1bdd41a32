"""What people ask of the past: the last changes, and how things stood on an evening."""

from __future__ import annotations

from datetime import date, timedelta

from bot.app import App
from storage import market
from storage.ledger import ChangeRow
from tests.bot.commands.conftest import Say, store
from tests.bot.messages.whole import SESSION


def _change(kind: str, on: date, before: str = "", after: str = "", what: str = "") -> ChangeRow:
    return ChangeRow(kind, f"{what or kind.partition('.')[0]}:{on}", on, before, after)


class TestHistory:
    async def test_history_before_anything_changed_says_so(self, app: App, say: Say) -> None:
        await store(app, (SESSION, []))
        assert await say("/history") == "Nothing has changed yet"

    async def test_the_newest_change_comes_first_in_words_with_its_date(self, app: App, say: Say) -> None:
        earlier, later = date(2020, 11, 13), date(2020, 11, 17)
        regime = _change("liquidity.regime", later, "neutral", "easing")
        await store(app, (earlier, [_change("breakout.attempt", earlier)]), (later, [regime]))
        assert (await say("/history")).splitlines() == [
            "The last 2 changes",
            "17 Nov 2020: US liquidity turned easing (was neutral)",
            "13 Nov 2020: Russell 2000 breakout attempt of 13 Nov 2020",
        ]

    async def test_a_change_found_in_the_history_is_marked_as_never_sent(self, app: App, say: Say) -> None:
        await store(app, (SESSION, [_change("stage.up", SESSION, "1", "2")]), backfilled=True)
        answer = await say("/history")
        assert answer.endswith("17 Nov 2020: Cascade stage 1 → 2 of 4\nAll from history, not sent live.")
        assert answer.splitlines()[0] == "The last change"

    async def test_the_state_of_the_data_is_the_operators(self, app: App, say: Say) -> None:
        await store(app, (SESSION, [ChangeRow("data.problem", f"data:IWC:{SESSION}", SESSION, "late", "stale")]))
        assert await say("/history") == "Nothing has changed yet"

    async def test_ten_unless_asked_for_more_and_all_thirty_fit_a_message(self, app: App, say: Say) -> None:
        days = [date(2020, 1, 1) + timedelta(days=i) for i in range(35)]
        await store(app, *((d, [_change("breakout.warning", d)]) for d in days), backfilled=True)
        for asked, count in (("", 10), (" 1", 1), (" 30", 30)):
            assert (await say(f"/history{asked}")).count("warning") == count

    async def test_anything_else_gets_one_line_with_a_valid_example(self, say: Say) -> None:
        for asked in ("0", "31", "-1", "ten", "1 2", "2.5", "9" * 4000, "١٢"):
            assert await say(f"/history {asked}") == "/history takes a number from 1 to 30. For example /history 20"


class TestAsOf:
    async def test_asof_is_the_stored_verdict_of_that_evening(self, app: App, say: Say) -> None:
        await store(app, (date(2020, 11, 13), []), (SESSION, []))
        lines = (await say("/asof 2020-11-13")).splitlines()
        assert lines[0].startswith("As of that evening, decided ")
        assert lines[2] == "Breakout confirmed · stage 2 of 4"
        assert lines[3].startswith("Fri 13 Nov 2020 · ")

    async def test_a_day_without_a_session_uses_the_one_before_and_says_so(self, app: App, say: Say) -> None:
        await store(app, (date(2020, 11, 13), []), (SESSION, []))
        answer = await say("/asof 2020-11-15")
        assert answer.startswith("Sun 15 Nov 2020 was not a session: this is the one before.")
        assert "Fri 13 Nov 2020 · " in answer

    async def test_a_day_to_come_says_so_in_one_line(self, app: App, say: Say) -> None:
        await store(app, (SESSION, []))
        answer = "2999-01-01 is yet to come: the newest session is 2020-11-17. For example /asof 2020-11-17"
        assert await say("/asof 2999-01-01") == answer

    async def test_asof_before_the_first_verdict_says_which_is_the_first(self, app: App, say: Say) -> None:
        await store(app, (SESSION, []))
        answer = "There is nothing that early: the first session is 2020-11-17. For example /asof 2020-11-17"
        assert await say("/asof 1929-10-29") == answer

    async def test_a_verdict_of_the_history_says_that_it_was_computed_later(self, app: App, say: Say) -> None:
        await store(app, (SESSION, []), backfilled=True)
        async with app.database.transaction() as connection:
            await market.begin_backfill(connection, SESSION)
        assert "computed later from the history" in await say(f"/asof {SESSION}")

    async def test_anything_else_gets_one_line_with_a_valid_example(self, app: App, say: Say) -> None:
        await store(app, (SESSION, []))
        for asked in ("", "yesterday", "17.11.2020", "2020-13-01", "2020-11-17 22:30", "<i>"):
            answer = await say(f"/asof {asked}")
            assert answer == "/asof takes a date as year-month-day. For example /asof 2020-11-17"
