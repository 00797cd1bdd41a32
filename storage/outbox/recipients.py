"""Which chats an alert is for: the conditions that the fan-out asks in its one statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, exists, or_, select

from storage.outbox.states import UNFINISHED, State
from storage.schema import alert, chat, delivery
from storage.settings.kinds import EVERYBODY

IS_SUBSCRIBED = (chat.c.subscribed_at.is_not(None), chat.c.gone_at.is_(None))
"""Whoever gets alerts at all; an index holds exactly these."""


def is_recipient() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a chat is to get an alert of the bits ``kinds`` at the instant ``now``."""
    kinds: Any = bindparam("kinds", type_=BigInteger())
    is_awake = or_(chat.c.muted_until.is_(None), chat.c.muted_until <= bindparam("now", type_=chat.c.muted_until.type))
    return (*IS_SUBSCRIBED, is_awake, wants(kinds))


def wants(kinds: Any) -> ColumnElement[bool]:
    """Return the condition that a chat has chosen one of these kinds, or that they are for everybody."""
    return or_(kinds == EVERYBODY, chat.c.loud_kinds.bitwise_or(chat.c.silent_kinds).bitwise_and(kinds) != 0)


def got(chat_id: Any) -> ColumnElement[bool]:
    """Return the condition that a chat has got the alert ``corrects``, may have, or is still to get it."""
    original = delivery.alias("original")
    corrects: Any = bindparam("corrects", type_=BigInteger())
    return exists().where(
        original.c.alert_id == corrects,
        original.c.chat_id == chat_id,
        original.c.state.in_((*UNFINISHED, State.SENT, State.UNKNOWN)),
    )


def of_chat(chat_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a delivery is one of this chat."""
    # By way of the few alerts there are, the unique index finds a chat's deliveries among millions.
    return (delivery.c.alert_id.in_(select(alert.c.id)), delivery.c.chat_id == chat_id)
