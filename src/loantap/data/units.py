"""The unit of a column, judged by its values together: a fraction keeps every rule that a percentage has to keep."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from loantap.data.columns import BY_NAME, COLUMNS
from loantap.errors import SchemaError

# A column is taken for fractions if 99% of its values above 0 are 1.5 or less. Of the published loans 1% of dti and of
# revol_util in percent are, and as fractions (150% of income, of the limit) all but a few in ten thousand would be.
FRACTION, _FRACTIONS = 1.5, 0.99
_PARTLY = 0.2  # from this share on, a part of the rows may be in another unit
_ENOUGH = 100  # values above 0, below which their unit is only asked after

# An interest rate has a smallest value above 0: its fractions break the contract.
PERCENTAGES = tuple(column.name for column in COLUMNS if column.unit.startswith("percent") and column.low == 0)


class Units:
    """How many values of each percentage are as small as fractions, counted chunk by chunk."""

    def __init__(self) -> None:
        """Begin with no value."""
        self._above: Counter[str] = Counter()
        self._small: Counter[str] = Counter()

    def add(self, values: "Mapping[str, np.ndarray] | pd.DataFrame", n: np.ndarray | None = None) -> None:
        """Count some values.

        Args:
            values: By column, shape (r,) each, NaN where missing; what is no percentage is not looked at.
            n: How often each occurs, shape (r,); once if None.
        """
        for name in PERCENTAGES:
            if name in values:
                numbers = np.asarray(values[name], dtype=np.float64)
                above, small = numbers > 0, (numbers > 0) & (numbers <= FRACTION)
                self._above[name] += int(above.sum() if n is None else n[above].sum())
                self._small[name] += int(small.sum() if n is None else n[small].sum())

    def doubts(self, location: str) -> list[str]:
        """Return what looks like fractions where too few values are there to say it, one sentence or two each.

        Raises SchemaError for columns of fractions.

        Args:
            location: Where the values are stored, in words.
        """
        found = [name for name in PERCENTAGES if self._small[name] and self._small[name] >= _FRACTIONS * self._above[name]]  # fmt: skip
        refused = [name for name in found if self._above[name] >= _ENOUGH]
        if refused:
            lines = [
                f"column '{name}': {self._small[name]:,} of {self._above[name]:,} values above 0 are {FRACTION} or less. Expected "
                f"{BY_NAME[name].unit}, got fractions. Multiply the column by 100."
                for name in refused
            ]
            raise SchemaError(f"{location}: {' '.join(lines)}")
        partly = [
            name
            for name in PERCENTAGES
            if name not in found and self._small[name] >= max(_PARTLY * self._above[name], 1)
        ]
        return [
            f"{self._small[name]:,} of {self._above[name]:,} values of {name} above 0 are {FRACTION} or less. If they are fractions and not "
            f"{BY_NAME[name].unit}, multiply them by 100."
            for name in PERCENTAGES
            if name in (*found, *partly)
        ]
