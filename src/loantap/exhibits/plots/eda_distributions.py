"""Figures of how numbers are distributed and go together."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from loantap.exhibits.plots.style import DEFAULTED, REPAID, canvas

_DIVERGING = LinearSegmentedColormap.from_list("loantap", [REPAID, "white", DEFAULTED])
_BY_OUTCOME = {"defaulted": DEFAULTED, "repaid": REPAID}


def distributions(histograms: pd.DataFrame, medians: pd.DataFrame) -> Figure:
    """Draw the distribution of each column by outcome.

    Args:
        histograms: column, outcome (defaulted or repaid), left, right, density.
        medians: column, defaulted, repaid.
    """
    columns = list(histograms["column"].unique())
    middle = medians.set_index("column")
    rows = -(-len(columns) // 3)
    with canvas(height=1.55 * rows + 0.3, rows=rows, columns=3) as (figure, _):
        for name, panel in zip(columns, figure.axes, strict=False):
            for outcome, colour in reversed(_BY_OUTCOME.items()):
                bars = histograms[histograms["column"].eq(name) & histograms["outcome"].eq(outcome)]
                edges = [*bars["left"], bars["right"].iloc[-1]]
                panel.stairs(bars["density"], edges, color=colour, linewidth=1.3, label=outcome)
                panel.stairs(bars["density"], edges, color=colour, fill=True, alpha=0.12)
                panel.axvline(middle.loc[name, outcome], color=colour, linewidth=1, linestyle=":")
            panel.set_title(name, fontsize=9)
            panel.set_yticks([])
            panel.spines["left"].set_visible(False)
            panel.xaxis.set_major_locator(mpl.ticker.MaxNLocator(4, integer=True))
            panel.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(short_number))
            panel.tick_params(labelsize=8)
        for panel in figure.axes[len(columns) :]:
            panel.set_visible(False)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=2, fontsize=8)
    return figure


def correlations(pairs: pd.DataFrame, order: list[str]) -> Figure:
    """Draw rank correlations as a triangle of numbers.

    Args:
        pairs: first, second, rho.
        order: The columns, from top to bottom.
    """
    both = pd.concat([pairs, pairs.rename(columns={"first": "second", "second": "first"})])
    square = both.pivot(index="first", columns="second", values="rho").loc[order, order]
    triangle = square.where(np.tri(len(order), k=-1, dtype=bool)).iloc[1:, :-1]
    # -0.00 would claim a direction.
    texts = triangle.map(lambda rho: f"{rho:.2f}".replace("-0.00", "0.00").replace("-", "−"))
    with canvas(height=0.9 + 0.36 * len(order)) as (figure, axes):
        axes.grid(visible=False)
        sns.heatmap(
            triangle, vmin=-1, vmax=1, cmap=_DIVERGING, annot=texts, fmt="", annot_kws={"size": 7.5}, linewidths=1,
            linecolor="white", cbar=False, ax=axes,
        )  # fmt: skip
        axes.set(xlabel="", ylabel="")
        axes.tick_params(length=0)
        axes.set_xticks(axes.get_xticks(), triangle.columns, rotation=45, ha="right", rotation_mode="anchor")
    return figure


def pairs(sample: pd.DataFrame, columns: list[str]) -> Figure:
    """Draw where defaulted and repaid loans of a sample lie, two columns at a time, as contours: no loan is shown.

    Args:
        sample: The columns and default; no values missing.
        columns: The columns to pair.
    """
    size = len(columns)
    outcome = sample["default"].map({0: "repaid", 1: "defaulted"}).rename("outcome")
    limits = {name: (sample[name].quantile(0.005), sample[name].quantile(0.98)) for name in columns}
    with canvas(height=7, rows=size, columns=size) as (figure, _):
        for row, column in np.ndindex(size, size):
            panel = figure.axes[row * size + column]
            if column > row:
                panel.set_visible(False)
                continue
            x, y = columns[column], columns[row]
            for name, colour in reversed(_BY_OUTCOME.items()):
                chosen = sample[outcome.eq(name)]
                options = {"ax": panel, "color": colour, "cut": 0, "warn_singular": False}
                if row == column:
                    sns.kdeplot(x=chosen[x], clip=limits[x], linewidth=1.3, **options)
                else:
                    clip = (limits[x], limits[y])
                    sns.kdeplot(
                        x=chosen[x], y=chosen[y], levels=[0.25, 0.5, 0.75], gridsize=60, clip=clip, linewidths=1, **options
                    )  # fmt: skip
            panel.set_xlim(limits[x])
            if row != column:
                panel.set_ylim(limits[y])
            panel.set(xlabel=x if row == size - 1 else "", ylabel=y if column == 0 and row else "")
            if row == column:
                panel.set_yticks([])
            panel.tick_params(labelsize=7, labelbottom=row == size - 1, labelleft=column == 0 and row > 0)
            panel.xaxis.set_major_locator(mpl.ticker.MaxNLocator(3))
            panel.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(short_number))
            panel.yaxis.set_major_formatter(mpl.ticker.FuncFormatter(short_number))
        handles = [mpl.lines.Line2D([], [], color=colour, label=name) for name, colour in _BY_OUTCOME.items()]
        figure.legend(handles=handles, loc="upper right", bbox_to_anchor=(0.98, 0.98), fontsize=9)
    return figure


def short_number(value: float, _: int | None = None) -> str:
    """Return a tick's number with k for thousands."""
    return f"{value / 1000:,.4g}k" if abs(value) >= 1000 else f"{value:g}"
