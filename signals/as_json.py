"""Verdicts, past cases and the track record as JSON: the child process writes them, the bot reads them back.

``decode_*`` raise ``msgspec.ValidationError`` for JSON that is not of the type. Figures keep every digit.
"""

from __future__ import annotations

import msgspec

from signals.model import Verdict
from signals.record.model import Past, TrackRecord

encode = msgspec.json.Encoder(enc_hook=str).encode
_VERDICT = msgspec.json.Decoder(Verdict)
_PAST = msgspec.json.Decoder(Past)
_RECORD = msgspec.json.Decoder(TrackRecord)


def decode_verdict(body: str | bytes) -> Verdict:
    """Return a verdict from what ``encode`` made of it."""
    return _VERDICT.decode(body)


def decode_past(body: str | bytes) -> Past:
    """Return the earlier cases beside an alert from what ``encode`` made of them."""
    return _PAST.decode(body)


def decode_record(body: str | bytes) -> TrackRecord:
    """Return a track record from what ``encode`` made of it."""
    return _RECORD.decode(body)
