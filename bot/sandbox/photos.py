"""The pictures that were uploaded to the sandbox, and what Telegram says of each."""

from __future__ import annotations

import hashlib
from typing import Any

from aiohttp.web import FileField

from bot.sandbox.telegram import BotApiError, Json

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_SIDES, _MOST_RATIO = 10_000, 20
_WRONG_ID = "Bad Request: wrong remote file identifier specified: Wrong character in the string"


class Photos:
    """Every picture by its id."""

    def __init__(self) -> None:
        self._images: dict[str, bytes] = {}

    def image(self, file_id: str) -> bytes | None:
        """Return a picture."""
        return self._images.get(file_id)

    def sizes(self, photo: Any) -> list[Json]:
        """Return what a message says of a photo that was given: uploaded, or by the id of one that was.

        Raises
        ------
        BotApiError
            When it is neither, or no picture that Telegram would take; the sandbox reads PNG alone.
        """
        if not isinstance(photo, FileField):
            if photo not in self._images:
                raise BotApiError(400, _WRONG_ID if photo else "Bad Request: there is no photo in the request")
            return [_size(photo, self._images[photo])]
        image = photo.file.read()
        if image[:8] != _SIGNATURE:
            raise BotApiError(400, "Bad Request: IMAGE_PROCESS_FAILED")
        width, height = _sides(image)
        if width + height > _MOST_SIDES or max(width, height) > _MOST_RATIO * min(width, height):
            raise BotApiError(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
        file_id = f"AgACAgI{hashlib.sha256(image).hexdigest()}"
        self._images[file_id] = image
        return [_size(file_id, image)]


def _size(file_id: str, image: bytes) -> Json:
    width, height = _sides(image)
    unique = file_id[-16:]
    return {
        "file_id": file_id, "file_unique_id": unique, "width": width, "height": height, "file_size": len(image),
    }  # fmt: skip


def _sides(image: bytes) -> tuple[int, int]:
    """Return the width and the height, which a PNG says first of all."""
    return int.from_bytes(image[16:20], "big"), int.from_bytes(image[20:24], "big")
