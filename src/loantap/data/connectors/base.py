"""What a source hands over, whatever its kind."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from loantap.errors import SourceError

BATCH_ROWS = 50_000


@dataclass
class Brought:
    """Tables that are read while they are iterated, and what is known of where they come from.

    Attributes:
        tables: Parts of the source, columns under its own names, texts or typed.
        facts: What the manifest says: location without secrets, and of files name, size and sha256.
        notes: What a person should know, such as a drop that was passed over.
    """

    tables: Iterator[pa.Table]
    facts: dict[str, Any]
    notes: list[str] = field(default_factory=list)


class Deadline:
    """A limit on the time that a source may take."""

    def __init__(self, seconds: float, where: str) -> None:
        self._end, self._seconds, self._where = time.monotonic() + seconds, seconds, where

    @property
    def passed(self) -> bool:
        """Tell whether the time is over."""
        return time.monotonic() > self._end

    def check(self) -> None:
        """Raise SourceError once the time is over."""
        if self.passed:
            raise SourceError(
                f"{self._where}: expected all rows within {self._seconds:g} s, they did not come. Narrow the query, or "
                "raise time_limit."
            )
