"""Quiet hours, held and superseded deliveries, counts of purged ones, and the updates already handled."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add them; what waited for its time in the queue is held from now on."""
    op.add_column("chat", sa.Column("timezone", sa.String(64)))
    op.add_column("chat", sa.Column("quiet_from", sa.Integer()))
    op.add_column("chat", sa.Column("quiet_until", sa.Integer()))
    op.add_column("chat", sa.Column("urgent_through", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("alert", sa.Column("plain", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "supersession",
        sa.Column("newer_id", _ROW_ID, nullable=False),
        sa.Column("older_id", _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["newer_id"], ["alert.id"], name=op.f("fk_supersession_newer_id")),
        sa.ForeignKeyConstraint(["older_id"], ["alert.id"], name=op.f("fk_supersession_older_id")),
        sa.PrimaryKeyConstraint("newer_id", "older_id", name=op.f("pk_supersession")),
    )
    op.create_table(
        "delivery_count",
        sa.Column("alert_id", _ROW_ID, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_delivery_count_alert_id")),
        sa.PrimaryKeyConstraint("alert_id", "state", name=op.f("pk_delivery_count")),
    )
    op.create_table(
        "handled_update",
        sa.Column("update_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("handled_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("update_id", name=op.f("pk_handled_update")),
    )
    op.create_index(op.f("ix_handled_update_handled_at"), "handled_update", ["handled_at"])
    for name, column, state in (("held", "not_before", "held"), ("sending", "lease_until", "sending")):
        where = sa.text(f"state = '{state}'")
        op.create_index(f"ix_delivery_{name}", "delivery", [column], sqlite_where=where, postgresql_where=where)
    # The queue is what may leave at once; the first courier round queues again what has become due.
    op.execute("UPDATE delivery SET state = 'held' WHERE state = 'queued'")
