"""What must survive: observations, verdicts, transitions, chats and the outbox."""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec

_PACKAGE = "sqlalchemy.ext.asyncio"

# The package's own start imports SQLAlchemy's ORM: seven megabytes of a process that is to be small, and nothing here
# uses it. So it is entered without being run, unless somebody has run it already.
if _PACKAGE not in sys.modules and (_spec := find_spec(_PACKAGE)) is not None:
    sys.modules[_PACKAGE] = module_from_spec(_spec)

from sqlalchemy.ext.asyncio.engine import AsyncConnection, AsyncEngine, create_async_engine  # noqa: E402

_NAMES = {"AsyncConnection": AsyncConnection, "AsyncEngine": AsyncEngine, "create_async_engine": create_async_engine}
vars(sys.modules[_PACKAGE]).update(_NAMES)

__all__ = ["AsyncConnection", "AsyncEngine", "create_async_engine"]
