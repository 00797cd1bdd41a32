"""Verdicts of every mechanism, compressed; transitions with the states they leave and reach; alerts for operators."""

import json
import zlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_UNKNOWN: dict[str, Any] = {
    "conditions": [],
    "liquidity": {
        "score": None, "regime": "insufficient data", "held": "insufficient data", "raw": "insufficient data",
        "coverage": 0.0, "net_liquidity_bn": None, "net_liquidity_on": None, "nowcast_bn": None, "nowcast_on": None,
    },
    "cascade": {
        "stage": 0, "at_least": True, "held": 0, "score": None, "links": [], "out_of_order": False, "coverage": 0.0,
        "beside": {},
    },
    "crypto": {
        "window": "response not measured", "day": None, "confirmed": None, "anchor": None, "change": None,
        "responded": None, "early": None, "capitulated": "unknown", "exhausted": "unknown", "precondition": "unknown",
        "held": "unknown", "coins": [], "beta": [None, None], "correlation": [None, None], "supplied": [],
    },
    "supercycle": {"holds": 0, "held": 0, "coverage": 0.0, "full_sessions": 0, "properties": []},
}  # fmt: skip


def upgrade() -> None:
    """Mark as unknown, in the verdicts stored, what the first method did not measure."""
    for column in ("before", "after"):
        op.add_column("transition", sa.Column(column, sa.String(64), nullable=False, server_default=""))
    op.add_column("alert", sa.Column("audience", sa.String(16), nullable=False, server_default="subscribers"))
    op.add_column("verdict", sa.Column("packed", sa.LargeBinary(), nullable=False, server_default=""))
    connection = op.get_bind()
    pack = sa.text("UPDATE verdict SET packed = :packed WHERE session = :session")
    for session, body in connection.execute(sa.text("SELECT session, body FROM verdict")).all():
        packed = zlib.compress(json.dumps(json.loads(body) | _UNKNOWN).encode(), level=1)
        connection.execute(pack, {"packed": packed, "session": session})
    # Not a table made anew: other tables refer to its rows.
    op.execute("ALTER TABLE verdict DROP COLUMN body")
    op.execute("ALTER TABLE verdict RENAME COLUMN packed TO body")
