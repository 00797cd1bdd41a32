"""The bot itself: ``python -m bot run`` turns into this, so that what only a command line needs weighs nothing."""

from __future__ import annotations

import gc
import sys

from telegram.error import InvalidToken

from bot.app import build
from bot.clock import SystemClock
from bot.lifetime import one_line_errors, operator_error, run_until_stopped
from bot.logs import set_up_logging
from bot.settings import Settings, SettingsError, load_settings


async def serve(settings: Settings, *, as_worker: bool = False) -> None:
    """Run the bot, or a further worker of it, until cancelled.

    Raises
    ------
    bot.settings.SettingsError
        When Telegram does not accept the token.
    """
    async with build(settings, SystemClock()) as app:
        try:
            await (app.work() if as_worker else app.run())
        except InvalidToken:
            # Its own text repeats the token.
            sentence = "TELEGRAM_BOT_TOKEN is not accepted by Telegram: ask BotFather for the current one"
            raise SettingsError(sentence) from None
        except Exception as error:
            if operator_error(error) is None:
                await app.leave_word(error)
            raise


def main() -> None:
    """Run the bot with the settings of the environment."""
    with one_line_errors(may_wait=True):
        # What was imported stays: looking at it again and again for garbage costs a sixth of all sending.
        gc.collect()
        gc.freeze()
        settings = load_settings()
        set_up_logging(*settings.secrets, form=settings.log_format)
        run_until_stopped(serve(settings, as_worker=sys.argv[1:] == ["worker"]))


if __name__ == "__main__":
    main()
