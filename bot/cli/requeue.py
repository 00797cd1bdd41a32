"""Send a stopped alert after all."""

from __future__ import annotations

from bot.settings import Settings, SettingsError
from storage.database import Database
from storage.migrate import migrate
from storage.outbox import queue


async def requeue(settings: Settings, alert_id: int) -> str:
    """Queue what is left of a stopped alert again and return a sentence that says how much that is.

    Raises
    ------
    bot.settings.SettingsError
        When there is no such alert.
    """
    async with Database(settings.database_url) as database:
        await migrate(database)
        async with database.transaction() as connection:
            count = await queue.requeue(connection, alert_id)
    if count is None:
        raise SettingsError(f"ALERT is {alert_id}, and there is no alert with that number")
    return f"{count} deliveries of alert {alert_id} are queued again; the running or the next bot sends them"
