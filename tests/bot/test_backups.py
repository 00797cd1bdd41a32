"""Backups of a bot at work: made after an evening, and restored to one that delivers what the first still owed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.app import App, build
from bot.clock import SteppedClock
from bot.sandbox.server import Sandbox
from storage import chats
from storage.database import Database, parse_url
from storage.keeping.backup import back_up, restore
from storage.outbox.states import State
from storage.schema import transition
from tests.bot.conftest import Record, Running
from tests.bot.running import EVENING, attempt, settings_for, store_verdict
from tests.storage.outbox.alerts import states

CHATS = range(1, 51)


async def subscribe(app: App, sandbox: Sandbox) -> None:
    for number in CHATS:
        sandbox.world.add_private_chat(number, started=True)
    async with app.database.transaction() as connection:
        for number in CHATS:
            await chats.subscribe(connection, number, "private", EVENING)


def delivered(sandbox: Sandbox) -> list[int]:
    return [number for number in CHATS for _ in sandbox.sent(number)]


async def until_delivered(sandbox: Sandbox, *numbers: int) -> None:
    async with asyncio.timeout(60):
        while not {*numbers} <= {*delivered(sandbox)}:
            await sandbox.called.wait()


async def test_a_backup_made_under_load_is_restored_to_a_bot_that_delivers_the_rest(
    app: App, sandbox: Sandbox, record: Record, running: Running, tmp_path: Path
) -> None:
    await subscribe(app, sandbox)
    await record(attempt(), "attempt")
    async with running(app):
        app.sender.wake()
        await until_delivered(sandbox, *CHATS[:10])
        made = await asyncio.to_thread(back_up, app.database.url, tmp_path / "backup.db")
        url = f"sqlite+aiosqlite:///{tmp_path}/restored.db"
        await asyncio.to_thread(restore, parse_url(url), made.path)
        async with Database(url) as restored:
            owed = await states(restored)
        await until_delivered(sandbox, *(chat_id for chat_id, state in owed.items() if state is State.SENDING))
    # From here on the first bot and its database are gone.
    before = len(delivered(sandbox))
    async with build(settings_for(sandbox, url, messages_per_second=1000), SteppedClock(EVENING)) as again:
        await again.connect()
        await again.sender.recover()
        await again.sender.drain()
        ended = await states(again.database)
    assert set(delivered(sandbox)) == set(CHATS) == set(ended)
    assert set(ended.values()) <= {State.SENT, State.UNKNOWN}
    # What was on its way is not known to have arrived; what was sent only after the backup is sent once more.
    gone = sum(state in (State.SENT, State.SENDING) for state in owed.values())
    assert len(delivered(sandbox)) - before == len(CHATS) - gone


async def test_a_copy_comes_into_its_folder_once_after_a_decision(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    settings = settings_for(sandbox, database_url, backup_dir=str(tmp_path / "kept"))
    async with build(settings, SteppedClock(EVENING + timedelta(minutes=5))) as app:
        await store_verdict(app, attempt())
        await app.back_up()
        (copy,) = (tmp_path / "kept").iterdir()
        await app.back_up()
        assert [*(tmp_path / "kept").iterdir()] == [copy]


async def test_a_live_record_that_somebody_changed_is_told_to_the_operators_and_copied_all_the_same(
    sandbox: Sandbox, database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(sandbox, database_url, backup_dir=str(tmp_path / "kept"))
    async with build(settings, SteppedClock(EVENING)) as app:
        await store_verdict(app, attempt(), "attempt")
        async with app.database.transaction() as connection:
            await connection.execute(update(transition).values(kind="breakout.confirmed"))
        await app.back_up()
    assert "Somebody changed the live record: row 2 of the chain, transition 1, was changed" in caplog.text
    assert len([*(tmp_path / "kept").iterdir()]) == 1


async def test_a_folder_that_cannot_be_written_is_told_to_the_operators(
    sandbox: Sandbox, database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kept").write_text("no folder")
    settings = settings_for(sandbox, database_url, backup_dir=str(tmp_path / "kept"))
    async with build(settings, SteppedClock(EVENING)) as app:
        await app.follow_up()
    assert "No backup could be made: " in caplog.text
