"""The tables. A migration in ``migrations/versions`` makes each of them; a test compares the two.

It makes the partial indexes of PostgreSQL too: to name them here would load that dialect, 2 MB, where SQLite is used.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

from storage.settings.kinds import BIG_ONES

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An instant: aware in Python, stored as naive UTC, because SQLite keeps no zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware datetime into naive UTC; a naive one is a mistake."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant needs a time zone, got {value!r}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return an aware datetime in UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


def compressed(json: bytes) -> bytes:
    """Return JSON as a ``Compressed`` column takes it. The market process does this, so that the bot need not."""
    return zlib.compress(json, level=1)


class Compressed(TypeDecorator[str]):
    """JSON, written as ``compressed`` returned it and read back as text.

    A verdict is a tenth of its JSON, and there is one for every session since 1987.
    """

    impl = LargeBinary
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Decompress."""
        return None if value is None else zlib.decompress(value).decode()


# SQLite numbers rows by itself only in a column that is exactly INTEGER.
_RowId = BigInteger().with_variant(Integer, "sqlite")

market = Table(
    "market",
    metadata,
    Column("id", Integer, primary_key=True),
    Column(
        "origin",
        String(200),
        nullable=False,
        comment="live, simulated, or folder: which data this database holds",
    ),
    Column("first_evening_at", Instant, comment="when the bot first collected"),
    Column("backfilled_through", Date, comment="sessions up to here were history when the bot began: never news"),
    Column("next_session", Date, comment="the next session to be decided"),
    Column("next_decision_at", Instant),
    Column("last_closed", Date, comment="the last session closed when the evening last ran"),
    Column("waiting", String(1000), comment="why a closed session is not decided yet"),
)

closure = Table(
    "closure",
    metadata,
    Column("session", Date, primary_key=True, comment="a session of the library's calendar"),
    Column("closed", Boolean, nullable=False, comment="false: an operator says that the exchange was open after all"),
    Column("noted_by", String(16), nullable=False, comment="rule or operator"),
    Column("noted_at", Instant, nullable=False),
)

observation = Table(
    "observation",
    metadata,
    Column("series", String(32), primary_key=True),
    Column("observed_on", Date, primary_key=True),
    Column("first_seen_at", Instant, primary_key=True),
    Column("last_seen_at", Instant, nullable=False, comment="the newest request that returned it unchanged"),
    *(Column(field, Float) for field in ("value", "open", "high", "low", "adj_close", "volume", "dividend", "split")),
)

restatement = Table(
    "restatement",
    metadata,
    Column("series", String(32), primary_key=True),
    Column(
        "seen_at", Instant, primary_key=True, comment="its whole history was archived anew: older rows are superseded"
    ),
)

source_check = Table(
    "source_check",
    metadata,
    Column("series", String(32), primary_key=True),
    Column("checked_at", Instant, nullable=False),
    Column("reason", String(500), nullable=False, comment="what was wrong with the newest answer, or empty"),
    Column("absent", Boolean, nullable=False, comment="the source does not carry this series at all"),
)

verdict = Table(
    "verdict",
    metadata,
    Column("session", Date, primary_key=True),
    Column("decided_at", Instant, nullable=False),
    Column("backfilled", Boolean, nullable=False),
    Column("method_version", String(16), nullable=False),
    Column("body", Compressed, nullable=False, comment="signals.model.Verdict as JSON, compressed"),
)

transition = Table(
    "transition",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("session", Date, ForeignKey("verdict.session"), nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("occurred_on", Date, nullable=False),
    Column("before", String(64), nullable=False, server_default="", comment="the state it left, if it has one"),
    Column("after", String(64), nullable=False, server_default="", comment="the state it reached"),
    Column("evidence", Compressed, comment="signals.record.model.Past as JSON: the earlier cases known that evening"),
    UniqueConstraint("subject", "kind"),
)

track_record = Table(
    "track_record",
    metadata,
    Column("through", Date, primary_key=True, comment="the last session of the history it was computed from"),
    Column("method_version", String(16), nullable=False),
    Column("computed_at", Instant, nullable=False),
    Column("body", Compressed, nullable=False, comment="signals.record.model.TrackRecord as JSON, compressed"),
)

chart = Table(
    "chart",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("through", Date, nullable=False, comment="the last session it shows"),
    Column("drawn_at", Instant, nullable=False),
    Column("image", LargeBinary, nullable=False, comment="PNG"),
    Column("file_id", String(200), comment="by which Telegram knows the picture once it has been uploaded"),
)

outcome = Table(
    "outcome",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("transition_id", _RowId, ForeignKey("transition.id"), nullable=False, index=True),
    Column("asset", String(32), nullable=False),
    Column("horizon", Integer, nullable=False, comment="sessions or UTC days, as the asset's horizons count"),
    Column("entry_on", Date, nullable=False),
    Column("entry_price", Float, nullable=False),
    Column("exit_on", Date, nullable=False),
    Column("exit_price", Float, nullable=False),
    Column("change", Float, nullable=False, comment="a fraction of the entry price"),
    Column("worst", Float, nullable=False, comment="lowest close on the way, the same way"),
    Column("recorded_at", Instant, nullable=False),
    Column("corrects", _RowId, ForeignKey("outcome.id"), unique=True, comment="the row a corrected price made wrong"),
    Index(
        "uq_outcome_first",
        "transition_id",
        "asset",
        "horizon",
        unique=True,
        sqlite_where=text("corrects IS NULL"),
    ),
)

chain = Table(
    "chain",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="from 1, without a gap"),
    Column("kind", String(16), nullable=False, comment="see storage.chain.rows.Kind"),
    Column("key", String(32), nullable=False, comment="of the live row: the session of a verdict, an id otherwise"),
    Column("written", String(1000), nullable=False, comment="the row in canonical form, see docs/verify.md"),
    Column("hash", String(64), nullable=False, comment="SHA-256 of the hash before and the row as it was written"),
    UniqueConstraint("kind", "key"),
)

_RECIPIENT = text("subscribed_at IS NOT NULL AND gone_at IS NULL")

chat = Table(
    "chat",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False, comment="Telegram's chat id"),
    Column("type", String(16), nullable=False),
    Column("subscribed_at", Instant, comment="null: not subscribed"),
    Column("gone_at", Instant, comment="since when Telegram says it cannot be reached for good"),
    Column("gone_reason", String(200)),
    Column("thread_id", BigInteger, comment="the forum topic that gets its alerts; null: General, or there are none"),
    Column("topic_gone_in", BigInteger, comment="the delivery that met its topic closed or deleted, and says so"),
    Column("timezone", String(64), nullable=False, server_default="UTC", comment="IANA name: how it is told times"),
    Column("language", String(8), comment="what it is spoken to in, as it chose or began; null: not said yet"),
    Column("quiet_from", Integer, comment="minutes after midnight there, when quiet hours begin; null: there are none"),
    Column("quiet_until", Integer, comment="and when they end"),
    Column("urgent_through", Boolean, nullable=False, server_default=false(), comment="urgent kinds come at any hour"),
    Column("pictures", Boolean, nullable=False, server_default=false(), comment="alerts come with their chart"),
    Column("muted_until", Instant, comment="nothing is enqueued for it before"),
    Column(
        "loud_kinds",
        BigInteger,
        nullable=False,
        server_default=text(f"{BIG_ONES}"),
        comment="storage.settings.kinds.BITS of the alerts that come with a sound",
    ),
    Column("silent_kinds", BigInteger, nullable=False, server_default=text("0"), comment="and of those without"),
    Column("digest", String(8), comment="daily or weekly; null: none"),
    Column("digest_hour", Integer, nullable=False, server_default=text("8"), comment="of its day, when one is due"),
    Column("digest_skips", Boolean, nullable=False, server_default=false(), comment="none where nothing has changed"),
    Column("digest_due_at", Instant, comment="when the next one is; null: there is none"),
    Column("digest_on", Date, comment="the day there that the last one was of: none is of that day or an earlier one"),
    Column("digest_through", Date, comment="the session up to which changes were told when the last one was due"),
    Index("ix_chat_recipient", "id", sqlite_where=_RECIPIENT),
    Index("ix_chat_digest", "digest_due_at", "id", sqlite_where=text("digest_due_at IS NOT NULL")),
)

alert = Table(
    "alert",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("key", String(160), nullable=False, unique=True),
    Column("kind", String(64), nullable=False),
    Column("urgent", Boolean, nullable=False, comment="sent once more when a first copy is unknown"),
    Column("session", Date, ForeignKey("verdict.session"), comment="null: an operator wrote it"),
    Column("transitions", JSON, nullable=False, comment="ids of the transitions it tells"),
    Column("created_at", Instant, nullable=False),
    Column("fan_out_cursor", BigInteger, comment="the last chat id enqueued, until all are"),
    Column("fanned_out_at", Instant, comment="null: recipients are still to be enqueued"),
    Column("audience", String(16), nullable=False, server_default="subscribers", comment="storage.ledger.Audience"),
    Column("stopped_reason", String(500), comment="our own mistake: nothing more of it is owed or sent"),
    Column("kinds", BigInteger, nullable=False, comment="storage.settings.kinds.BITS of what it is: who wants one"),
    Column("chart", String(64), comment="the chart that it carries where a chat wants pictures; null: none"),
    Column("plain", Boolean, nullable=False, server_default=false(), comment="Telegram could not parse its markup"),
    Column("facts", JSON, comment="what it tells where that is no transition"),
)

supersession = Table(
    "supersession",
    metadata,
    Column("newer_id", _RowId, ForeignKey("alert.id"), primary_key=True),
    Column(
        "older_id",
        _RowId,
        ForeignKey("alert.id"),
        primary_key=True,
        index=True,
        comment="not sent where it still waits",
    ),
)

post = Table(
    "post",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("texts", JSON, nullable=False, comment="as an operator wrote it, by language"),
    Column("corrects", _RowId, ForeignKey("alert.id"), comment="null: a broadcast"),
    Column("made_by", BigInteger, comment="the operator; null: forgotten"),
    Column("chat_id", BigInteger, comment="where it was written and is confirmed; null: forgotten"),
    Column("made_at", Instant, nullable=False),
    Column("alert_id", _RowId, ForeignKey("alert.id"), unique=True, comment="what is owed of it; null: a draft"),
)

_QUEUED, _HELD, _SENDING = (text(f"state = '{state}'") for state in ("queued", "held", "sending"))

delivery = Table(
    "delivery",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("alert_id", _RowId, ForeignKey("alert.id"), nullable=False),
    Column("chat_id", BigInteger, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("state", String(16), nullable=False, comment="see storage.outbox.states.State"),
    Column("not_before", Instant, nullable=False, comment="when a held one is queued"),
    Column("lease_until", Instant, comment="when the worker that claimed it is given up, by the database's clock"),
    Column("attempts", Integer, nullable=False, comment="requests that may have left; a result names its attempt"),
    Column("unknowns", Integer, nullable=False, comment="requests of which nobody knows whether they arrived"),
    Column("message_id", BigInteger),
    Column("finished_at", Instant),
    Column("error", String(500)),
    UniqueConstraint("alert_id", "chat_id"),
    Index(
        "ix_delivery_queue",
        text("urgent DESC"),
        text("(chat_id > 0)"),
        "alert_id",
        "id",
        sqlite_where=_QUEUED,
    ),
    Index("ix_delivery_held", "not_before", sqlite_where=_HELD),
    Index("ix_delivery_sending", "lease_until", sqlite_where=_SENDING),
)

board = Table(
    "board",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("chat_id", BigInteger, nullable=False, index=True),
    Column("message_id", BigInteger, comment="null: it is still to be sent, or nobody knows whether it arrived"),
    Column("thread_id", BigInteger, comment="the forum topic it stands in"),
    Column("step", String(16), nullable=False, comment="the next request it needs: see storage.outbox.boards.Step"),
    Column("shows", Date, comment="the session it shows: due again with a newer one; null: its step is owed now"),
    Column("state", String(16), nullable=False, comment="queued, held, sending, gone or unknown, as of a delivery"),
    Column("not_before", Instant, comment="when a held one is queued"),
    Column("lease_until", Instant, comment="when the worker that claimed it is given up, by the database's clock"),
    Column("attempts", Integer, nullable=False, server_default=text("0"), comment="a result names its attempt"),
    Column("error", String(500)),
    Index("uq_board_current", "chat_id", unique=True, sqlite_where=text("step NOT IN ('unpin', 'farewell')")),
    Index("ix_board_queue", "shows", text("(chat_id > 0)"), "id", sqlite_where=_QUEUED),
    Index("ix_board_held", "not_before", sqlite_where=_HELD),
    Index("ix_board_sending", "lease_until", sqlite_where=_SENDING),
)

delivery_count = Table(
    "delivery_count",
    metadata,
    Column("alert_id", _RowId, ForeignKey("alert.id"), primary_key=True),
    Column("state", String(16), primary_key=True),
    Column("count", BigInteger, nullable=False, comment="deliveries folded into this number when they were purged"),
)

notice = Table(
    "notice",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("sentence", String(1000), nullable=False, comment="what the operators are still to be told"),
    Column("made_at", Instant, nullable=False),
)

fault = Table(
    "fault",
    metadata,
    Column("name", String(32), primary_key=True, comment="see bot.health.faults.Fault"),
    Column("sentence", String(1000), nullable=False, comment="what the operators were told when it began"),
    Column("since", Instant, nullable=False),
)

watch = Table(
    "watch",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("chat_id", BigInteger, nullable=False),
    Column("symbol", String(32), nullable=False),
    Column("side", String(8), nullable=False, comment="record, above or below"),
    Column("level", Float, nullable=False, comment="0 where a record is watched for"),
    Column("created_at", Instant, nullable=False),
    Column("armed", Boolean, nullable=False, comment="false: it fired, and no close has been back since"),
    Column("through", Date, nullable=False, comment="the bar up to which it is judged"),
    Column("fired_on", Date, comment="the bar on which it last fired"),
    UniqueConstraint("chat_id", "symbol", "side", "level"),
    Index("ix_watch_alike", "symbol", "side", "level", "armed", "through"),
)

watched_symbol = Table(
    "watched_symbol",
    metadata,
    Column("symbol", String(32), primary_key=True),
    Column("quoted_on", Date, comment="its newest bar"),
    Column("close", Float),
    Column("stopped", Boolean, nullable=False, comment="it is quoted no more, and those who watch it are told"),
    Column("in_table", Boolean, nullable=False, comment="its bars are kept whoever watches it"),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("machine", String(255), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("at", Instant, nullable=False, comment="when that process was last seen to do well"),
)

throttle = Table(
    "throttle",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("since", Instant, nullable=False, comment="when Telegram answered 429, by the database's clock"),
    Column("until", Instant, nullable=False, comment="when anything may leave again, by the same clock"),
)

pause = Table(
    "pause",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("since", Instant, nullable=False, comment="since when operators hold delivery; no row: they do not"),
)

_OPEN = text("body IS NOT NULL")

received_update = Table(
    "received_update",
    metadata,
    Column("update_id", BigInteger, primary_key=True, autoincrement=False),
    Column("chat_id", BigInteger, nullable=False, comment="0: it belongs to no chat"),
    Column("body", LargeBinary, comment="as Telegram sent it; null: handled and answered"),
    Column("lease_until", Instant, comment="when the process that handles it is given up, by the database's clock"),
    Column("handled_at", Instant, index=True, comment="null: it has had no effect yet"),
    Index("ix_received_update_open", "chat_id", "update_id", sqlite_where=_OPEN),
)
