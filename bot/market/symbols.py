"""Whether a symbol exists, asked of the source in a process of its own while somebody waits for the answer."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime

from bot.market.process import Market, MarketProcessError
from bot.market.protocol import FindSymbol, SymbolFound

logger = logging.getLogger(__name__)

_LONGEST_ANSWER = 20.0


@dataclass(frozen=True, slots=True)
class SymbolFinder:
    """Asks for one symbol at a time; its process ends with each answer, so that the bot is as small as before."""

    process: Market
    market_data: str
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, symbol: str, now: datetime) -> SymbolFound | None:
        """Return what the source says of a symbol; ``None`` where it does not answer in the time that people wait."""
        try:
            async with asyncio.timeout(_LONGEST_ANSWER), self._asking:
                try:
                    replies = [reply async for reply in self.process.ask(FindSymbol(self.market_data, symbol, now))]
                finally:
                    await self.process.close()
        except (TimeoutError, MarketProcessError) as error:
            logger.warning("the symbol %s could not be looked up: %s", symbol, str(error) or "no answer in time")
            return None
        return next((reply for reply in replies if isinstance(reply, SymbolFound)), None)
