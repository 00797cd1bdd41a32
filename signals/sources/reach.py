"""Whether a publisher can be reached at all, before it is asked for dozens of series."""

from __future__ import annotations

from signals.sources.patience import NoAnswerError
from signals.sources.session import HOSTS, BoundedSession, asking

ADDRESSES = {
    "yahoo": "https://query2.finance.yahoo.com",
    "fred": "https://fred.stlouisfed.org",
    "treasury": "https://api.fiscaldata.treasury.gov",
    "newyorkfed": "https://markets.newyorkfed.org",
    "tiingo": "https://api.tiingo.com",
}
"""Where each publisher is asked."""


def unreached(address: str, seconds: float, hosts: frozenset[str] = HOSTS) -> str:
    """Return in a sentence why nobody answers at an address, empty where anything is answered."""
    session = BoundedSession(timeout=seconds)
    session.hosts = hosts
    try:
        with asking(address.partition("://")[2], seconds):
            session.get(address)
    except NoAnswerError as error:
        return str(error)
    finally:
        session.close()
    return ""
