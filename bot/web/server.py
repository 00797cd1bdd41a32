"""A server that nobody outside can fill: so many connections, so long a header."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.settings import SettingsError

# Telegram opens 40; a proxy before us may keep some more.
_MOST_CONNECTIONS = 200
# So long, in seconds, a connection may be open without a whole header.
_HEADER_SECONDS = 20.0
# So long what follows a refusal is still read, so that who is refused can read that.
_LINGER = 1.0
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Server(web.Server):
    """Keeps so many connections at most: for one more, the oldest is closed of those that are not ``busy``."""

    def __init__(self, handle: Any, busy: set[Any], **options: Any) -> None:
        super().__init__(handle, **options)
        self._busy = busy

    def __call__(self) -> web.RequestHandler:
        taken = [connection for connection in self.connections if connection.transport is not None]
        if len(taken) >= _MOST_CONNECTIONS:
            idle = next((connection for connection in taken if connection not in self._busy), None)
            if idle is not None:
                idle.force_close()
        return super().__call__()


async def listening(handle: Handler, listen: str, setting: str, busy: set[Any]) -> web.ServerRunner:
    """Start to listen at an address and port; ``cleanup`` of what is returned ends that, after those in hand.

    Parameters
    ----------
    setting
        The name of the setting that gave the address.
    busy
        The connections, as ``request.protocol``, that are not closed for others.

    Raises
    ------
    bot.settings.SettingsError
        When nothing can listen there.
    """
    host, _, port = listen.rpartition(":")
    times: dict[str, Any] = {"keepalive_timeout": _HEADER_SECONDS, "lingering_time": _LINGER}
    # Who calls us compresses nothing, and what is not as it says would be a fault of the library.
    server = _Server(handle, busy, access_log=None, auto_decompress=False, **times)
    runner = web.ServerRunner(server, shutdown_timeout=10.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host.strip("[]"), int(port)).start()
    except OSError as error:
        await runner.cleanup()
        raise SettingsError(f"{setting} is {listen}: {error.strerror}") from None
    return runner
