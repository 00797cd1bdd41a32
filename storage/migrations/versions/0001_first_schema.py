"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table and index."""
    op.create_table(
        "chain",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("written", sa.String(length=1000), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_chain")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_chain_kind_key")),
    )
    op.create_table(
        "chart",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("file_id", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_chart")),
    )
    op.create_table(
        "chat",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("subscribed_at", sa.DateTime(), nullable=True),
        sa.Column("gone_at", sa.DateTime(), nullable=True),
        sa.Column("gone_reason", sa.String(length=200), nullable=True),
        sa.Column("thread_id", sa.BigInteger(), nullable=True),
        sa.Column("topic_gone_in", sa.BigInteger(), nullable=True),
        sa.Column("timezone", sa.String(length=64), server_default="UTC", nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("quiet_from", sa.Integer(), nullable=True),
        sa.Column("quiet_until", sa.Integer(), nullable=True),
        sa.Column("urgent_through", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("pictures", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("muted_until", sa.DateTime(), nullable=True),
        sa.Column("loud_kinds", sa.BigInteger(), server_default=sa.text("137042"), nullable=False),
        sa.Column("silent_kinds", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("digest", sa.String(length=8), nullable=True),
        sa.Column("digest_hour", sa.Integer(), server_default=sa.text("8"), nullable=False),
        sa.Column("digest_skips", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("digest_due_at", sa.DateTime(), nullable=True),
        sa.Column("digest_on", sa.Date(), nullable=True),
        sa.Column("digest_through", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat")),
    )
    op.create_index(
        "ix_chat_digest",
        "chat",
        ["digest_due_at", "id"],
        unique=False,
        sqlite_where=sa.text("digest_due_at IS NOT NULL"),
        postgresql_where=sa.text("digest_due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_chat_recipient",
        "chat",
        ["id"],
        unique=False,
        sqlite_where=sa.text("subscribed_at IS NOT NULL AND gone_at IS NULL"),
        postgresql_where=sa.text("subscribed_at IS NOT NULL AND gone_at IS NULL"),
    )
    op.create_table(
        "closure",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("noted_by", sa.String(length=16), nullable=False),
        sa.Column("noted_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_closure")),
    )
    op.create_table(
        "market",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("first_evening_at", sa.DateTime(), nullable=True),
        sa.Column("backfilled_through", sa.Date(), nullable=True),
        sa.Column("next_session", sa.Date(), nullable=True),
        sa.Column("next_decision_at", sa.DateTime(), nullable=True),
        sa.Column("last_closed", sa.Date(), nullable=True),
        sa.Column("waiting", sa.String(length=1000), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market")),
    )
    op.create_table(
        "fault",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("sentence", sa.String(length=1000), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_fault")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("machine", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("machine", "role", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sentence", sa.String(length=1000), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_table(
        "observation",
        sa.Column("series", sa.String(length=32), nullable=False),
        sa.Column("observed_on", sa.Date(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("open", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("adj_close", sa.Float(), nullable=True),
        sa.Column("volume", sa.Float(), nullable=True),
        sa.Column("dividend", sa.Float(), nullable=True),
        sa.Column("split", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("series", "observed_on", "first_seen_at", name=op.f("pk_observation")),
    )
    op.create_table(
        "received_update",
        sa.Column("update_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("handled_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("update_id", name=op.f("pk_received_update")),
    )
    op.create_index(op.f("ix_received_update_handled_at"), "received_update", ["handled_at"], unique=False)
    op.create_index(
        "ix_received_update_open",
        "received_update",
        ["chat_id", "update_id"],
        unique=False,
        sqlite_where=sa.text("body IS NOT NULL"),
        postgresql_where=sa.text("body IS NOT NULL"),
    )
    op.create_table(
        "restatement",
        sa.Column("series", sa.String(length=32), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("series", "seen_at", name=op.f("pk_restatement")),
    )
    op.create_table(
        "source_check",
        sa.Column("series", sa.String(length=32), nullable=False),
        sa.Column("checked_at", sa.DateTime(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("absent", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_source_check")),
    )
    op.create_table(
        "pause",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pause")),
    )
    op.create_table(
        "throttle",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_throttle")),
    )
    op.create_table(
        "watch",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("armed", sa.Boolean(), nullable=False),
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("fired_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch")),
        sa.UniqueConstraint("chat_id", "symbol", "side", "level", name=op.f("uq_watch_chat_id_symbol_side_level")),
    )
    op.create_index("ix_watch_alike", "watch", ["symbol", "side", "level", "armed", "through"], unique=False)
    op.create_table(
        "watched_symbol",
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("quoted_on", sa.Date(), nullable=True),
        sa.Column("close", sa.Float(), nullable=True),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("in_table", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_watched_symbol")),
    )
    op.create_table(
        "track_record",
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("method_version", sa.String(length=16), nullable=False),
        sa.Column("computed_at", sa.DateTime(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("through", name=op.f("pk_track_record")),
    )
    op.create_table(
        "verdict",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
        sa.Column("backfilled", sa.Boolean(), nullable=False),
        sa.Column("method_version", sa.String(length=16), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_verdict")),
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("session", sa.Date(), nullable=True),
        sa.Column("transitions", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("fan_out_cursor", sa.BigInteger(), nullable=True),
        sa.Column("fanned_out_at", sa.DateTime(), nullable=True),
        sa.Column("audience", sa.String(length=16), server_default="subscribers", nullable=False),
        sa.Column("stopped_reason", sa.String(length=500), nullable=True),
        sa.Column("kinds", sa.BigInteger(), nullable=False),
        sa.Column("chart", sa.String(length=64), nullable=True),
        sa.Column("plain", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["session"], ["verdict.session"], name=op.f("fk_alert_session")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sa.UniqueConstraint("key", name=op.f("uq_alert_key")),
    )
    op.create_table(
        "transition",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("before", sa.String(length=64), server_default="", nullable=False),
        sa.Column("after", sa.String(length=64), server_default="", nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["session"], ["verdict.session"], name=op.f("fk_transition_session")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transition")),
        sa.UniqueConstraint("subject", "kind", name=op.f("uq_transition_subject_kind")),
    )
    op.create_index(op.f("ix_transition_session"), "transition", ["session"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("alert_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("not_before", sa.DateTime(), nullable=False),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("unknowns", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_delivery_alert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("alert_id", "chat_id", name=op.f("uq_delivery_alert_id_chat_id")),
    )
    op.create_index(
        "ix_delivery_held",
        "delivery",
        ["not_before"],
        unique=False,
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index(
        "ix_delivery_sending",
        "delivery",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_table(
        "delivery_count",
        sa.Column("alert_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_delivery_count_alert_id")),
        sa.PrimaryKeyConstraint("alert_id", "state", name=op.f("pk_delivery_count")),
    )
    op.create_table(
        "post",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("corrects", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("made_by", sa.BigInteger(), nullable=True),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("alert_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_post_alert_id")),
        sa.ForeignKeyConstraint(["corrects"], ["alert.id"], name=op.f("fk_post_corrects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
        sa.UniqueConstraint("alert_id", name=op.f("uq_post_alert_id")),
    )
    op.create_table(
        "outcome",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("transition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asset", sa.String(length=32), nullable=False),
        sa.Column("horizon", sa.Integer(), nullable=False),
        sa.Column("entry_on", sa.Date(), nullable=False),
        sa.Column("entry_price", sa.Float(), nullable=False),
        sa.Column("exit_on", sa.Date(), nullable=False),
        sa.Column("exit_price", sa.Float(), nullable=False),
        sa.Column("change", sa.Float(), nullable=False),
        sa.Column("worst", sa.Float(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("corrects", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["corrects"], ["outcome.id"], name=op.f("fk_outcome_corrects")),
        sa.ForeignKeyConstraint(["transition_id"], ["transition.id"], name=op.f("fk_outcome_transition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome")),
        sa.UniqueConstraint("corrects", name=op.f("uq_outcome_corrects")),
    )
    op.create_index(op.f("ix_outcome_transition_id"), "outcome", ["transition_id"], unique=False)
    op.create_index(
        "uq_outcome_first",
        "outcome",
        ["transition_id", "asset", "horizon"],
        unique=True,
        sqlite_where=sa.text("corrects IS NULL"),
        postgresql_where=sa.text("corrects IS NULL"),
    )
    op.create_table(
        "supersession",
        sa.Column("newer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("older_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["newer_id"], ["alert.id"], name=op.f("fk_supersession_newer_id")),
        sa.ForeignKeyConstraint(["older_id"], ["alert.id"], name=op.f("fk_supersession_older_id")),
        sa.PrimaryKeyConstraint("newer_id", "older_id", name=op.f("pk_supersession")),
    )
    op.create_index(op.f("ix_supersession_older_id"), "supersession", ["older_id"], unique=False)
    # SQLAlchemy cannot reflect an index of expressions, so this one is written by hand.
    op.create_index(
        "ix_delivery_queue",
        "delivery",
        [sa.text("urgent DESC"), sa.text("(chat_id > 0)"), "alert_id", "id"],
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "board",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("thread_id", sa.BigInteger(), nullable=True),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("shows", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("not_before", sa.DateTime(), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board")),
    )
    op.create_index(op.f("ix_board_chat_id"), "board", ["chat_id"], unique=False)
    op.create_index(
        "uq_board_current",
        "board",
        ["chat_id"],
        unique=True,
        sqlite_where=sa.text("step NOT IN ('unpin', 'farewell')"),
        postgresql_where=sa.text("step NOT IN ('unpin', 'farewell')"),
    )
    queued, held, sending = (sa.text(f"state = '{state}'") for state in ("queued", "held", "sending"))
    op.create_index(
        "ix_board_queue",
        "board",
        ["shows", sa.text("(chat_id > 0)"), "id"],
        sqlite_where=queued,
        postgresql_where=queued,
    )
    op.create_index("ix_board_held", "board", ["not_before"], sqlite_where=held, postgresql_where=held)
    op.create_index("ix_board_sending", "board", ["lease_until"], sqlite_where=sending, postgresql_where=sending)
