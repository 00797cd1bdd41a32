"""The client that yfinance gets: it says in a sentence what yfinance would hide, and bounds every page it opens."""

from __future__ import annotations

from typing import Any

from curl_cffi import requests

from signals.sources.patience import NoAnswerError
from signals.sources.session import BoundedSession, asking, check_status, parsed

_CHART = "/v8/finance/chart/"
# Pages that give a cookie and a crumb. Charts come without them, too, so nobody waits long, and none is large.
_CHART_SECONDS = 20.0
_ASIDE_SECONDS = 5.0
_ASIDE_BYTES = 2**20
_REFUSED = (401, 403)


class YahooSession(BoundedSession):
    """A session for ``yfinance.Ticker``; ``timeout`` is of one page, whatever yfinance asks for."""

    def __init__(self, timeout: float = _CHART_SECONDS) -> None:
        super().__init__(impersonate="chrome", timeout=timeout)
        self._seconds = timeout

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Return an answer.

        Raises
        ------
        NoAnswerError
            For a chart that is not there, not JSON or too large; as PassingError where it may soon come.
        """
        if _CHART not in url:
            self.most = _ASIDE_BYTES
            return super().request(method, url, *args, **kwargs | {"timeout": min(self._seconds, _ASIDE_SECONDS)})
        self.most = BoundedSession.most
        with asking("Yahoo", self._seconds):
            response = super().request(method, url, *args, **kwargs | {"timeout": self._seconds})
        # Refused because of its crumb: yfinance asks again with another.
        if response.status_code not in _REFUSED:
            check_status("Yahoo", response)
            _check_chart(parsed("Yahoo", response.content))
        return response


def _check_chart(answer: Any) -> None:
    # Where there is none yfinance asks for other pages about the symbol, sometimes, and says what is wrong with those.
    chart = answer.get("chart") if isinstance(answer, dict) else None
    if not isinstance(chart, dict) or not chart.get("result"):
        raise NoAnswerError("Yahoo has no chart of it")
