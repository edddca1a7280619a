"""Snapshots that a test holds in its hand, as a source of them."""

from collections.abc import Iterator, Sequence

import pandas as pd

from loantap.data.text_records import RaggedRow


class GivenRows:
    """Rows at hand, in chunks of `size`."""

    location = "given rows"
    notes: Sequence[str] = ()
    ragged: Sequence[RaggedRow] = ()

    def __init__(self, rows: pd.DataFrame, size: int = 1_000_000) -> None:
        self._rows, self._size = rows.set_axis(pd.RangeIndex(1, len(rows) + 1)), size

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield them."""
        for start in range(0, len(self._rows), self._size):
            yield self._rows.iloc[start : start + self._size]
