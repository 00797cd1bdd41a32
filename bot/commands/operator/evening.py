"""The evening, run when an operator says so."""

from __future__ import annotations

import logging

from telegram.error import TelegramError

from bot.commands.answering import Request, Services
from storage import ledger, market

logger = logging.getLogger(__name__)


async def evaluate(services: Services, request: Request) -> str | None:
    """Answer ``/evaluate``: run the evening as the schedule does, and say what came of it.

    It goes the one way there is: a run that is going on is waited for, and a session that is decided stays as it is.
    """
    if services.operation.evaluate is None:
        return services.messages.text("not_here")
    async with services.database.reading() as connection:
        before = await ledger.newest_session(connection)
        alerts = await ledger.count_alerts(connection)
    await request.reply(services.messages.text("evaluating"))
    # Minutes, the first time: what the operator asks meanwhile is to be answered.
    services.operation.begin(_evaluate(services, request, before, alerts))
    return None


async def _evaluate(services: Services, request: Request, before: object, alerts_before: int) -> None:
    operation = services.operation
    assert operation.evaluate is not None
    assert operation.follow is not None
    fault = await operation.evaluate()
    async with services.database.reading() as connection:
        newest, alerts = await ledger.newest_session(connection), await ledger.count_alerts(connection)
        market_row = await market.load_market(connection)
    context = {"newest": newest, "is_new": newest != before, "alerts": alerts - alerts_before, "fault": fault}
    try:
        await request.reply(services.messages.text("evaluated", agenda=market_row and market_row.agenda, **context))
    except TelegramError as error:
        # The evening has been all the same, and what follows it follows.
        logger.warning("nobody was told what came of the evening: %s", error)
    await operation.follow()
