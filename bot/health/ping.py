"""Tell an address of the operator's that the evening went well: where nothing comes, whoever watches it is woken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import aiohttp

_TIMEOUT = aiohttp.ClientTimeout(total=10.0)


class PingError(RuntimeError):
    """The address of PING_URL did not take it; the text names no address."""


@dataclass(slots=True)
class Ping:
    """Calls ``url`` once for each session; ``None``: never. The address is a secret: whoever knows it can call it."""

    url: str | None
    _told: date | None = None

    async def of(self, session: date) -> None:
        """Tell that a session was decided, with good data.

        Raises
        ------
        PingError
            When it was not taken; the next call tries again.
        """
        if self.url is None or session == self._told:
            return
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True, cookie_jar=aiohttp.DummyCookieJar()) as client,
                # A redirect would take the secret elsewhere.
                client.get(self.url, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Some of these texts hold the address.
            raise PingError(type(error).__name__) from None
        if not 200 <= status < 300:
            raise PingError(f"HTTP {status}")
        self._told = session
