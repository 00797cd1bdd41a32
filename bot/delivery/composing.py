"""From claimed deliveries to their texts: each text is written once, however many chats get it."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from telegram.constants import ParseMode

from bot.delivery.failures import Failure, FailureKind
from bot.delivery.pictures import Picture
from bot.messages.alerts import alert_text
from bot.messages.buttons import Rows, as_json
from bot.messages.languages import DEFAULT, messages_of
from bot.messages.pages import MOST_OF_A_CAPTION, units
from storage import AsyncConnection, charts, ledger
from storage.outbox import supersession
from storage.outbox.states import Claimed

logger = logging.getLogger(__name__)

_TAG = re.compile(r"</?[a-z][^<>]*>")
_MOST_ALERTS = 8


@dataclass(frozen=True, slots=True)
class Text:
    """What one message says: Telegram's HTML, or plain text where Telegram could not parse that.

    ``fields`` is what every message that says it has in common, as the JSON of a request; ``caption`` the same where it
    stands below a ``picture``, whose buttons are others.
    """

    text: str
    is_plain: bool
    buttons: Rows = ()
    picture: Picture | None = None
    under_picture: Rows = ()
    fields: bytes = field(init=False)
    caption: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", self._as_json("text", self.buttons))
        object.__setattr__(self, "caption", self._as_json("caption", self.under_picture) if self.picture else b"")

    def _as_json(self, name: str, buttons: Rows) -> bytes:
        fields: dict[str, Any] = {name: self.text} | ({} if self.is_plain else {"parse_mode": ParseMode.HTML})
        return msgspec.json.encode(fields | ({"reply_markup": as_json(buttons)} if buttons else {}))


class Version(NamedTuple):
    """What may differ between two texts of one alert; ``skipped`` are the alerts that it replaces unsent."""

    language: str
    again: bool
    topic_gone: bool
    skipped: tuple[int, ...]
    picture: Picture | None


@dataclass(slots=True)
class RenderedAlert:
    """One alert with the texts made of it."""

    row: Any
    supersedes: bool
    picture: Picture | None = None
    texts: dict[Version, Text | Failure] = field(default_factory=dict)


class Composer:
    """Writes alerts from what was recorded when they were decided, in the language of each chat."""

    def __init__(self) -> None:
        self._alerts: dict[int, RenderedAlert] = {}
        self._pictures: dict[str, Picture] = {}

    def forget(self, alert_id: int) -> None:
        """Write this alert's texts anew: it is plain from now on."""
        self._alerts.pop(alert_id, None)

    async def compose(
        self, connection: AsyncConnection, claims: Sequence[Claimed]
    ) -> list[tuple[Claimed, Text | Failure]]:
        """Return the text of each delivery; a failure where an alert cannot be written."""
        for alert_id in {claimed.alert_id for claimed in claims} - self._alerts.keys():
            row = await ledger.load_alert(connection, alert_id)
            supersedes = bool(await supersession.superseded_by(connection, alert_id))
            self._alerts[alert_id] = RenderedAlert(row, supersedes)
        superseding = [claimed for claimed in claims if self._alerts[claimed.alert_id].supersedes]
        skipped = await supersession.skipped(connection, superseding) if superseding else {}
        composed = []
        for claimed in claims:
            alert = self._alerts[claimed.alert_id]
            unsent = skipped.get(claimed.id, ())
            language = claimed.language or DEFAULT
            picture = await self._picture(connection, alert) if claimed.is_pictured else None
            key = Version(language, claimed.unknowns > 0, claimed.tells_topic_gone, unsent, picture)
            if key not in alert.texts:
                alert.texts[key] = await self._written(connection, alert.row, key)
            composed.append((claimed, alert.texts[key]))
        while len(self._alerts) > _MOST_ALERTS:
            del self._alerts[next(iter(self._alerts))]
        return composed

    async def _picture(self, connection: AsyncConnection, alert: RenderedAlert) -> Picture | None:
        """Return the chart that an alert carries, once it is drawn; one of another session than the alert is none."""
        if alert.picture is not None or alert.row.chart is None:
            return alert.picture
        drawn = await charts.find(connection, alert.row.chart)
        if drawn is None or drawn.through != alert.row.session:
            return None
        known = self._pictures.get(drawn.name)
        if known is None or known.drawn_at != drawn.drawn_at:
            known = self._pictures[drawn.name] = Picture(drawn.name, drawn.drawn_at, drawn.file_id)
        alert.picture = known
        return known

    async def _written(self, connection: AsyncConnection, alert: Any, version: Version) -> Text | Failure:
        try:
            return await self._write(connection, alert, version)
        except SQLAlchemyError:
            raise
        except Exception as error:  # whatever it is, it is ours: one alert must not end the delivery of the others
            logger.exception("alert %d cannot be written", alert.id)
            return Failure(FailureKind.OUR_MISTAKE, f"it cannot be written ({type(error).__name__})")

    async def _write(self, connection: AsyncConnection, alert: Any, version: Version) -> Text:
        language, again, topic_gone, skipped, picture = version
        messages = messages_of(language)
        text = await alert_text(connection, messages, alert, again=again, topic_gone=topic_gone, skipped=skipped)
        rows = messages.buttons.under_alert(alert.id, alert.kind)
        under_picture = messages.buttons.under_alert(alert.id, alert.kind, pictured=True)
        if units(plain(text)) > MOST_OF_A_CAPTION:
            picture = None
        return Text(plain(text) if alert.plain else text, alert.plain, rows, picture, under_picture)


def plain(markup: str) -> str:
    """Return what a message in Telegram's HTML says, without its markup."""
    return html.unescape(_TAG.sub("", markup))
