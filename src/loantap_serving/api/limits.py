"""How often a caller may ask."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable


class Buckets:
    """A token bucket per caller: `rate` tokens a second flow in, up to `burst`; a request takes one.

    Only the callers seen last are kept, `most` of them, so that strangers cannot fill the memory.
    """

    def __init__(
        self, rate: float, burst: float, *, most: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._most, self._clock = rate, burst, most, clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when they were counted

    def take(self, caller: str) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        with self._lock:
            now = self._clock()
            tokens, counted = self._buckets.pop(caller, (self._burst, now))
            tokens = min(self._burst, tokens + (now - counted) * self._rate)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / self._rate
            self._buckets[caller] = (tokens - 1 if tokens >= 1 else tokens, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        return wait
