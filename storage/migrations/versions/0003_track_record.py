"""The track record: what alerts rested on, the backtest's newest record, and what followed live."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add them; what was decided before has no evidence stored."""
    op.add_column("transition", sa.Column("evidence", sa.LargeBinary(), nullable=True))
    op.create_table(
        "track_record",
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("method_version", sa.String(length=16), nullable=False),
        sa.Column("computed_at", sa.DateTime(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("through", name=op.f("pk_track_record")),
    )
    op.create_table(
        "outcome",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("transition_id", _ROW_ID, nullable=False),
        sa.Column("asset", sa.String(length=32), nullable=False),
        sa.Column("horizon", sa.Integer(), nullable=False),
        sa.Column("entry_on", sa.Date(), nullable=False),
        sa.Column("entry_price", sa.Float(), nullable=False),
        sa.Column("exit_on", sa.Date(), nullable=False),
        sa.Column("exit_price", sa.Float(), nullable=False),
        sa.Column("change", sa.Float(), nullable=False),
        sa.Column("worst", sa.Float(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("corrects", _ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(["corrects"], ["outcome.id"], name=op.f("fk_outcome_corrects")),
        sa.ForeignKeyConstraint(["transition_id"], ["transition.id"], name=op.f("fk_outcome_transition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome")),
        sa.UniqueConstraint("corrects", name=op.f("uq_outcome_corrects")),
    )
    op.create_index(op.f("ix_outcome_transition_id"), "outcome", ["transition_id"])
    only_first = sa.text("corrects IS NULL")
    op.create_index(
        "uq_outcome_first",
        "outcome",
        ["transition_id", "asset", "horizon"],
        unique=True,
        sqlite_where=only_first,
        postgresql_where=only_first,
    )
