"""Figure of live monitoring: each measure as it is expected, on its interval."""

import pandas as pd
from matplotlib.figure import Figure

from loantap.exhibits.plots.marks import name_rows
from loantap.exhibits.plots.style import NEUTRAL, REPAID, canvas


def plot_expected(found: pd.DataFrame) -> Figure:
    """Draw each measure's expected value on its interval.

    Args:
        found: measure (its name), expected, expected_low and expected_high, all within 0 to 1.
    """
    told = found.dropna(subset=["expected"])
    with canvas(height=2.6) as (figure, axes):
        places = range(len(told))
        axes.hlines(places, told["expected_low"], told["expected_high"], color=NEUTRAL, linewidth=2.2, alpha=0.6)
        axes.plot(told["expected"], places, color=REPAID, linestyle="", marker="o")
        name_rows(axes, told["measure"].tolist())
        axes.set(xlim=(0, 1), xlabel="Value")
    return figure
