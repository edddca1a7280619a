"""What a source hands over, whatever its kind."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
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


def table_of(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Return rows of a driver as a table."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table([_array(column) for column in columns], names=list(names))


def _array(values: Sequence[Any]) -> pa.Array:
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        # SQLite lets a column hold numbers and texts at once; the contract names the wrong ones.
        return pa.array([_text(value) for value in values], pa.string())
    if pa.types.is_timestamp(array.type) and array.type.tz:
        # pandera sets PYARROW_IGNORE_TIMEZONE for the whole process: local times would be taken for UTC.
        return pa.array([value and value.astimezone(UTC).replace(tzinfo=None) for value in values], array.type)
    # Of a day and a time of day, Arrow would keep the day.
    mixed = pa.types.is_date(array.type) and any(isinstance(value, datetime) for value in values)
    if mixed or isinstance(array.type, pa.BaseExtensionType):
        return pa.array([_text(value) for value in values], pa.string())
    return array


def _text(value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return None if value is None else str(value)
