"""Who may ask the sandbox: programs on this machine, and of web pages its own alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

_HERE = ("127.0.0.1", "localhost")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def refuse_other_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a page from elsewhere makes a browser send.

    A name that such a page has pointed to this machine stands in ``Host``; where it comes from stands in ``Origin``,
    which a browser sends with every POST.
    """
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    is_ours = host.rpartition(":")[0] in _HERE and host.rpartition(":")[2] == str(_port(request))
    if not is_ours or origin not in (None, f"http://{host}"):
        return web.Response(status=403, text="The sandbox obeys its own page alone.")
    answer = await handler(request)
    # Nor may another page show it and have it pressed.
    answer.headers["X-Frame-Options"] = "DENY"
    return answer


def _port(request: web.Request) -> int | None:
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return int(name[1]) if name else None


def is_here(url: str) -> bool:
    """Return whether an address is one of this machine, for nobody else."""
    try:
        address = urlsplit(url)
        return address.scheme == "http" and address.hostname in _HERE and bool(address.port)
    except ValueError:
        return False
