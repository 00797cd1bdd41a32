"""Every error this program defines, drawn once.

Those of other rooms stay where they are raised::

    Exception
    ├─ RetryUpdateError                bot.errors                 an update cannot be stored or handled for now
    │  └─ AdminCheckError              bot.errors                 Telegram does not say who is an admin
    ├─ AlreadyHandledError             bot.errors                 an update had its effect before
    ├─ BotApiError                     bot.sandbox.telegram       what the sandbox answers instead of a result
    ├─ NoAnswerError                   signals.sources.patience   a source does not give a series
    │  └─ PassingError                 signals.sources.patience   … and may give it a moment later
    ├─ TelegramError                   python-telegram-bot        whatever Telegram or the way to it refuses
    │  └─ UnansweredError              bot.delivery.replies       a command is not answered
    │     └─ TooFastError              bot.delivery.replies       … and its chat is to hear that it asks too fast
    ├─ RuntimeError
    │  ├─ BusyError                    bot.sandbox.panel          the demonstration does something else already
    │  ├─ DatabaseInUseError           storage.database         ● another process holds the database
    │  ├─ DatabaseUnavailableError     storage.unavailable      ● the database cannot be used
    │  │  └─ DatabaseAwayError         storage.unavailable      ● … for now: its server is away, its disk full
    │  ├─ MarketProcessError           bot.market.process         the child that fetches and evaluates failed
    │  ├─ OtherMarketError             storage.market           ● the database is of another market
    │  └─ PingError                 bot.health.ping            the address of PING_URL did not take it
    └─ ValueError
       ├─ BackupError                  storage.keeping.backup   ● a backup cannot be made or used
       ├─ ChainError                   storage.chain.verify       the live record is not what its chain says
       ├─ DatabaseURLError             storage.database           becomes a SettingsError
       ├─ EntityError                  bot.sandbox.entities       a text is not what Telegram accepts as HTML
       ├─ HistoryError                 signals.errors           ● the archive cannot be evaluated as it is
       │  ├─ NoHistoryError            signals.errors           ● … because it is empty
       │  └─ NotASessionError          signals.errors           ● … because that day has no session
       ├─ MoveError                    storage.keeping.move     ● a database cannot be moved to another
       ├─ QuietHoursError              storage.outbox.quiet_hours a chat's quiet hours cannot be used
       └─ SettingsError                bot.settings             ● a setting is missing or malformed

``●``: the operator can correct it, so it ends the program with one line and exit code 78, or 75 where starting again
may help (``bot.lifetime``).
"""

from __future__ import annotations


class RetryUpdateError(Exception):
    """An update could not be stored or handled for now, and had no effect; the text names the reason."""


class AdminCheckError(RetryUpdateError):
    """Telegram could not be asked who is an admin."""


class AlreadyHandledError(Exception):
    """An update had its effect before, in this process or another; this time it has none."""
