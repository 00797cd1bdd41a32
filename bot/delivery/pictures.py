"""An alert as a picture: its chart with the words below it, uploaded for the first who gets it, then sent by its id."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from bot.delivery.failures import Failure, FailureKind, Result, read_answer
from bot.delivery.request import AiohttpRequest
from storage import charts
from storage.database import Database

logger = logging.getLogger(__name__)

# Refused like this it has surely not been sent, and as text it may be: no pictures there, or not this one.
_AS_TEXT = (FailureKind.CANNOT_WRITE, FailureKind.BAD_MARKUP, FailureKind.OUR_MISTAKE, FailureKind.REFUSED)


@dataclass(slots=True, eq=False)
class Picture:
    """A chart that alerts carry, and the id by which Telegram knows it once it is uploaded."""

    name: str
    drawn_at: datetime
    file_id: str | None
    uploading: asyncio.Lock = field(default_factory=asyncio.Lock)


class _Size(msgspec.Struct):
    file_id: str


class _Message(msgspec.Struct):
    photo: list[_Size]


class _Sent(msgspec.Struct):
    result: _Message


@dataclass(frozen=True, slots=True)
class Pictures:
    """Carries pictures to the Bot API at ``address``; whoever gets one first has it uploaded while the others wait."""

    database: Database
    request: AiohttpRequest
    address: str

    async def send(self, head: bytes, picture: Picture, fields: bytes) -> Result | None:
        """Send a picture; ``head`` begins the JSON of the request and ``fields`` end it.

        Returns what became of it, ``None`` where it is to be sent as text.
        """
        if (known := picture.file_id) is None:
            async with picture.uploading:
                if (known := picture.file_id) is None:
                    return _or_text(await self._upload(head, picture, fields))
        result = await self._by_id(head, known, fields)
        if isinstance(result, Failure) and result.kind is FailureKind.REFUSED and "file" in result.text.lower():
            # The token may be another bot's by now: to that one, Telegram never gave this id.
            if picture.file_id == known:
                picture.file_id = None
            return await self._again(head, picture, fields)
        return _or_text(result)

    async def _again(self, head: bytes, picture: Picture, fields: bytes) -> Result | None:
        async with picture.uploading:
            if picture.file_id is None:
                return _or_text(await self._upload(head, picture, fields))
        return _or_text(await self._by_id(head, picture.file_id, fields))

    async def _by_id(self, head: bytes, file_id: str, fields: bytes) -> Result:
        body = b'%b"photo":%b,%b' % (head, msgspec.json.encode(file_id), fields[1:])
        return read_answer(*await self.request.post_json(f"{self.address}/sendPhoto", body))

    async def _upload(self, head: bytes, picture: Picture, fields: bytes) -> Result | None:
        try:
            async with self.database.reading() as connection:
                row = await charts.image(connection, picture.name)
        except (SQLAlchemyError, OSError) as error:
            logger.warning("the chart %s cannot be read: %s", picture.name, type(error).__name__)
            return None
        if row.drawn_at != picture.drawn_at:
            # It shows a later evening than the alert is of.
            return None
        given: dict[str, Any] = msgspec.json.decode(head + fields[1:])
        texts = {name: value if isinstance(value, str) else _json(value) for name, value in given.items()}
        status, answer = await self.request.post_file(f"{self.address}/sendPhoto", texts, "photo", row.image)
        result = read_answer(status, answer)
        if isinstance(result, int):
            await self._keep(picture, answer)
        return result

    async def _keep(self, picture: Picture, answer: bytes) -> None:
        """Note by which id Telegram knows a picture now; where that fails, the next one is uploaded again."""
        try:
            picture.file_id = msgspec.json.decode(answer, type=_Sent).result.photo[-1].file_id
            async with self.database.transaction() as connection:
                await charts.keep_file_id(connection, picture.name, picture.drawn_at, picture.file_id)
        except (msgspec.MsgspecError, IndexError, SQLAlchemyError, OSError) as error:
            logger.warning("the id of the chart %s is not kept: %s", picture.name, type(error).__name__)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _or_text(result: Result | None) -> Result | None:
    return None if isinstance(result, Failure) and result.kind in _AS_TEXT else result
