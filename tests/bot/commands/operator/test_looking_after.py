"""What an operator is told of how the bot does, and how delivery is paused: scripted conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.app import App, build
from bot.clock import SteppedClock
from bot.health import checks, watching
from bot.health.faults import Fault as Wrong
from bot.market.protocol import Evaluate, NextDue, Reply, Verdicts
from bot.market.protocol import Request as MarketRequest
from bot.messages.render import Messages
from bot.sandbox.entities import utf16_length
from bot.sandbox.server import Fault, Sandbox
from bot.settings import Settings
from signals.as_json import encode
from signals.model import Freshness, SourceVerdict
from storage import ledger, observations
from storage.ledger import ChangeRow, VerdictRow
from storage.market import Agenda
from storage.observations import SourceCheck
from storage.outbox.states import State
from storage.schema import compressed
from tests.bot.commands.conftest import GROUP, ME, Hear, Say
from tests.bot.commands.operator.conftest import OTHER
from tests.bot.conftest import Record
from tests.bot.delivery.test_delivery import tally
from tests.bot.messages.whole import SESSION, whole
from tests.bot.running import EVENING, attempt, confirmed, store_verdict

DUE = EVENING + timedelta(days=3)


class TestHealth:
    async def test_before_the_first_evening_nothing_is_known_and_nothing_failed(self, say: Say) -> None:
        lines = (await say("/health")).splitlines()
        assert lines[0] == "Health"
        assert "Newest verdict: none" in lines
        assert "Queue: empty" in lines
        assert "Errors in the last day: none" in lines
        assert any(line.startswith("Last poll: ") for line in lines)

    async def test_it_shows_how_old_the_data_of_each_source_are_and_what_is_not_in_order(
        self, app: App, say: Say, record: Record
    ) -> None:
        sources = (
            SourceVerdict("^RUT", Freshness.OK, SESSION, ""),
            SourceVerdict("IWM", Freshness.LATE, SESSION - timedelta(days=1), "newest bar is late"),
            SourceVerdict("WALCL", Freshness.OK, SESSION - timedelta(days=6), ""),
            SourceVerdict("DTS_NET_WITHDRAWALS", Freshness.NEVER_HAD, None, "no observation yet"),
            SourceVerdict("OF_AN_OLDER_VERSION", Freshness.STALE, SESSION, "gone"),
        )
        await record(whole(sources=sources), agenda=Agenda(DUE.date(), DUE, SESSION, None))
        asked = [SourceCheck("^RUT", ""), SourceCheck("IWM", "Yahoo did not answer")]
        async with app.database.transaction() as connection:
            await observations.note_checks(connection, asked, EVENING - timedelta(minutes=20))
        lines = (await say("/health")).replace("\u00a0", " ").splitlines()
        assert "Newest verdict: Tue 17 Nov 2020, decided 17 Nov 2020 22:30 UTC" in lines
        assert "Next: Mon 16 Nov 2020, due 16 Nov 2020 22:30 UTC." in lines
        assert "yahoo: 1 of 2 series in order, newest 17 Nov 2020, asked 20 min ago" in lines
        assert "fred: 1 of 1 series in order, newest 11 Nov 2020" in lines
        assert "Not in order: IWM late" in lines

    async def test_it_shows_what_waits_and_for_how_long_and_what_was_told(
        self, app: App, say: Say, record: Record
    ) -> None:
        await say("/subscribe", OTHER)
        await say("/alerts everything", OTHER)
        await record(attempt(), "attempt")
        await app.sender._enqueue_some()
        for number in range(3):
            await app.alarm.begins(Wrong.REFUSED, f"<the disk> & {number}")
        lines = (await say("/health")).replace("\u00a0", " ").splitlines()
        assert any(line.startswith("Queue: 1 queued, the oldest for ") for line in lines)
        assert [line.partition(": ")[2] for line in lines if line.startswith("Told ")] == [
            "<the disk> & 1",
            "<the disk> & 2",
        ]
        assert lines[-1] == "and 1 more"

    async def test_it_names_the_checks_that_fail(self, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
        assert not any(line.startswith("Failing checks") for line in (await say("/health")).splitlines())
        monkeypatch.setattr(checks, "LEAST_FREE", 2**60)
        monkeypatch.setattr(watching, "_SAME_FOR", 0.0)
        assert "Failing checks: disk" in (await say("/health")).splitlines()

    async def test_in_a_group_its_operator_is_answered_too(self, say: Say) -> None:
        assert (await say("/health", GROUP, ME)).startswith("Health")
        assert (await say("/stats", GROUP, ME)).startswith("Chats")

    async def test_a_bad_evening_still_fits_one_screen(self, app: App, say: Say, record: Record) -> None:
        wrong = tuple(replace(s, verdict=Freshness.INVALID, reason="x" * 500) for s in whole().sources)
        waiting = Agenda(DUE.date(), DUE, SESSION, "y" * 900)
        await record(whole(sources=wrong), agenda=waiting)
        for number in range(5):
            await app.alarm.begins(Wrong.REFUSED, f"{number} " + "z" * 900)
        await say("/pause")
        assert utf16_length(await say("/health")) <= 1_300


class TestStats:
    async def test_it_counts_chats_by_kind_and_what_was_done_since_midnight(
        self, app: App, say: Say, record: Record, sandbox: Sandbox
    ) -> None:
        for chat_id, person in ((ME, ME), (OTHER, OTHER), (GROUP, 11)):
            await say("/alerts everything", chat_id, person)
        for chat_id, person in ((OTHER, OTHER), (GROUP, 11)):
            await say("/subscribe", chat_id, person)
        await record(attempt(), "attempt")
        await app.sender.drain()
        lines = (await say("/stats")).splitlines()
        assert "private: 2 seen, 1 subscribed, 0 gone" in lines
        assert "supergroup: 1 seen, 1 subscribed, 0 gone" in lines
        assert "Subscribers: 2" in lines
        assert "Since midnight, 13 Nov 2020" in lines
        assert "Deliveries: 2 sent, 0 gone, 0 unknown, 0 superseded, 0 stopped" in lines
        assert "Answered: 5 commands, presses and other updates" in lines

    async def test_an_empty_bot_has_none(self, say: Say) -> None:
        assert "none yet" in (await say("/stats")).splitlines()


class TestPause:
    async def test_alerts_wait_and_go_out_when_it_ends(
        self, app: App, say: Say, record: Record, sandbox: Sandbox
    ) -> None:
        await say("/subscribe", OTHER)
        await say("/alerts everything", OTHER)
        assert (await say("/pause")).startswith("Delivery is paused. 0 deliveries wait.")
        await record(attempt(), "attempt")
        before = len(sandbox.sent(OTHER))
        await app.sender.drain()
        assert len(sandbox.sent(OTHER)) == before
        assert "delivery paused since 13 Nov 2020" in await say("/health")
        assert (await say("/pause")).startswith("Delivery has been paused since 13 Nov 2020")
        assert await say("/resume") == "Delivery goes on. 1 delivery waits."
        await app.sender.drain()
        assert len(sandbox.sent(OTHER)) == before + 1
        assert await say("/resume", GROUP, ME) == "Delivery was not paused. 0 deliveries wait."

    async def test_it_survives_a_restart(self, settings: Settings, sandbox: Sandbox) -> None:
        sandbox.world.write(OTHER, "/subscribe")
        sandbox.world.write(ME, "/pause")
        async with build(settings, SteppedClock(EVENING)) as app:
            await app.connect()
            await app.poller.once()
            await store_verdict(app, confirmed(), "confirmed")
        before = len(sandbox.sent(OTHER))
        async with build(settings, SteppedClock(EVENING)) as again:
            await again.sender.drain()
            assert await tally(again) == {State.QUEUED: 1}
        assert len(sandbox.sent(OTHER)) == before

    async def test_what_is_out_of_date_by_its_end_does_not_go_out(
        self, app: App, say: Say, record: Record, sandbox: Sandbox
    ) -> None:
        for chat_id in (OTHER, ME):
            await say("/subscribe", chat_id)
            await say("/alerts everything", chat_id)
        await say("/pause")
        await record(attempt(), "attempt")
        await app.sender.drain()
        await record(confirmed(), "confirmed")
        await app.sender.drain()
        await say("/unsubscribe", OTHER)
        await say("/resume")
        before = len(sandbox.sent(OTHER))
        await app.sender.drain()
        assert await tally(app) == {State.SENT: 1, State.SUPERSEDED: 2, State.GONE: 1}
        assert len(sandbox.sent(OTHER)) == before
        assert "breakout confirmed" in sandbox.sent(ME)[-1]


class Scripted:
    """A market of which each evening is known beforehand; it counts how often it is asked for one."""

    def __init__(self, *rows: VerdictRow, waiting: str | None = None) -> None:
        self.rows, self.waiting, self.asked = rows, waiting, 0

    async def ask(self, request: MarketRequest) -> AsyncIterator[Reply]:
        replies: Sequence[Reply] = ()
        if isinstance(request, Evaluate):
            self.asked += 1
            agenda = Agenda(DUE.date(), DUE, EVENING.date(), self.waiting)
            replies = (*([Verdicts(False, list(self.rows))] if self.rows else []), NextDue(agenda))
            self.rows = ()
        for reply in replies:
            yield reply

    async def close(self) -> None:
        """Nothing was started."""


def decided(*changes: ChangeRow) -> VerdictRow:
    session = EVENING.date()
    return VerdictRow(session, EVENING, "3", compressed(encode(whole(session=session))), changes)


CONFIRMED = ChangeRow("breakout.confirmed", "breakout:2020-11-11", EVENING.date())


class TestEvaluate:
    @pytest.fixture
    def market(self) -> Scripted:
        return Scripted(decided(CONFIRMED))

    @pytest.fixture
    async def app(self, settings: Settings, market: Scripted) -> AsyncIterator[App]:
        async with build(settings, SteppedClock(EVENING), market) as app:
            await app.connect()
            yield app

    async def test_it_says_at_once_that_it_runs_and_then_what_came_of_it(
        self, app: App, say: Say, sandbox: Sandbox
    ) -> None:
        assert await say("/evaluate") == "The evening runs now; what comes of it follows here."
        await app.operation.finished()
        assert sandbox.sent(ME)[-1].replace("\u00a0", " ").splitlines() == [
            "Decided through Fri 13 Nov 2020. 1 alert came of it.",
            "Next: Mon 16 Nov 2020, due 16 Nov 2020 22:30 UTC.",
        ]

    async def test_where_nothing_is_due_it_says_so_and_for_what_a_session_waits(
        self, app: App, say: Say, sandbox: Sandbox, market: Scripted
    ) -> None:
        market.rows, market.waiting = (), "IWM: <newest> bar is late"
        await say("/evaluate")
        await app.operation.finished()
        assert sandbox.sent(ME)[-1].splitlines() == [
            "Nothing is decided yet.",
            "Mon 16 Nov 2020 waits: IWM: <newest> bar is late",
        ]

    async def test_twice_at_once_and_beside_the_schedule_it_decides_once(
        self, app: App, say: Say, hear: Hear, sandbox: Sandbox, market: Scripted
    ) -> None:
        for _ in range(2):
            sandbox.world.write(ME, "/evaluate")
        await hear()
        await app.run_evening()
        await app.operation.finished()
        assert market.asked == 3
        async with app.database.reading() as connection:
            assert await ledger.count_alerts(connection) == 1

    async def test_what_goes_wrong_is_said(
        self, app: App, say: Say, sandbox: Sandbox, market: Scripted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        market.rows = (decided(CONFIRMED, CONFIRMED),)
        await say("/evaluate")
        await app.operation.finished()
        said = sandbox.sent(ME)[-1]
        assert said.startswith("The evening failed. The evening's evaluation failed:")

    async def test_what_follows_it_follows_though_the_answer_is_lost(
        self, app: App, say: Say, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        followed = []

        async def follow() -> None:
            followed.append(True)

        app.operation.follow = follow
        await say("/evaluate")
        sandbox.faults += [("sendMessage", Fault.RESET_BEFORE)] * 3
        await app.operation.finished()
        assert followed == [True]
        assert "nobody was told what came of the evening" in caplog.text

    async def test_in_a_group_it_is_answered_there(self, app: App, say: Say, sandbox: Sandbox) -> None:
        await say("/evaluate", GROUP, ME)
        await app.operation.finished()
        assert sandbox.sent(GROUP)[-1].startswith("Decided through Fri 13 Nov 2020.")

    async def test_a_worker_leaves_it_to_the_main_process(self, app: App, say: Say, market: Scripted) -> None:
        app.operation.evaluate = None
        assert await say("/evaluate") == Messages().text("not_here")
        assert market.asked == 0
