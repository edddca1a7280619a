"""Figure of live monitoring: each measure as it is expected, on its interval, and as it came out."""

import pandas as pd
from matplotlib.figure import Figure

from loantap.exhibits.plots.marks import RING, legend_below, name_rows
from loantap.exhibits.plots.style import NEUTRAL, REPAID, canvas


def plot_expected(found: pd.DataFrame) -> Figure:
    """Draw each measure's expected value on its interval, and what came out, if it is known.

    Args:
        found: measure (its name), expected, expected_low and expected_high, all within 0 to 1; realised where outcomes are known.
    """
    told = found.dropna(subset=["expected"])
    with canvas(height=2.6) as (figure, axes):
        places = range(len(told))
        axes.hlines(places, told["expected_low"], told["expected_high"], color=NEUTRAL, linewidth=2.2, alpha=0.6)
        axes.plot(told["expected"], places, color=REPAID, linestyle="", marker="o", label="expected")
        if "realised" in told:
            axes.plot(told["realised"], places, label="came out", **RING)
            legend_below(figure, 2)
        name_rows(axes, told["measure"].tolist())
        axes.set(xlim=(0, 1), xlabel="Value")
    return figure
