"""Figure of probabilities over time: what was expected of each group of loans, and what came."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from loantap.exhibits.plots.marks import intervals, name_rows
from loantap.exhibits.plots.style import DEFAULTED, REPAID, canvas, percent

_APART = 0.16  # rows between the two dots of a group


def plot_expected_observed(groups: pd.DataFrame) -> Figure:
    """Draw the share expected to default and the share that did, row by row: group, expected_rate and observed_rate with low and high."""
    with canvas(height=0.8 + 0.26 * len(groups)) as (figure, axes):
        rows = np.arange(len(groups))
        for name, label, colour, shift in (
            ("expected_rate", "expected", REPAID, -_APART),
            ("observed_rate", "defaulted", DEFAULTED, _APART),
        ):
            ends = groups.rename(columns={f"{name}_low": "ci_low", f"{name}_high": "ci_high"})
            intervals(axes, ends, list(rows + shift), colour, value=name, label=label)
        name_rows(axes, [str(name) for name in groups["group"]])
        percent(axes.xaxis)
        axes.set(xlabel="Share of loans", xlim=(0, None))
        axes.legend(loc="lower right")
    return figure
