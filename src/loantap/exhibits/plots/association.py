"""Levels of a factor: default rates, odds ratios, residuals, and the ladder of grades."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, WARNING, canvas, percent

_ROW = 0.2  # inches
_ENDS = {"all_default": "all defaulted", "none_default": "none defaulted"}


def level_rates(levels: pd.DataFrame, *, base_rate: float) -> Figure:
    """Draw the default rate of each level with its interval, in the order of the frame from the top.

    Args:
        levels: level, n, default_rate, ci_low, ci_high, separation; separated levels are marked as such.
        base_rate: The default rate of all loans, drawn as a line.
    """
    with canvas(height=_height(len(levels))) as (figure, axes):
        places = np.arange(len(levels))
        separated = levels["separation"].notna().to_numpy()
        _base_line(axes, base_rate, f"all loans {base_rate:.1%}")
        for mask, colour, marker in ((~separated, DEFAULTED, "o"), (separated, WARNING, "X")):
            shown = levels.loc[mask]
            bars = np.abs(shown[["ci_low", "ci_high"]].to_numpy().T - shown["default_rate"].to_numpy())
            axes.errorbar(
                shown["default_rate"], places[mask], xerr=bars, fmt=marker, color=colour, elinewidth=1.4, capsize=0
            )
        for place in places[separated]:
            row = levels.iloc[place]
            left = row["default_rate"] > 0.5
            axes.annotate(
                _ENDS[row["separation"]], (row["default_rate"], place), xytext=(-9 if left else 9, 0), color=WARNING,
                textcoords="offset points", ha="right" if left else "left", va="center", fontsize=8,
            )  # fmt: skip
        _name_levels(axes, [f"{name}   n = {n:,}" for name, n in zip(levels["level"], levels["n"], strict=True)])
        axes.set_xlim(left=-0.02 if separated.any() else None, right=1.02 if separated.any() else None)
        percent(axes.xaxis)
        axes.set_xlabel("Default rate")
    return figure


def odds_forest(levels: pd.DataFrame, *, series: dict[str, str]) -> Figure:
    """Draw odds ratios against the rest of the portfolio on a logarithmic axis, one dot per series and level.

    Args:
        levels: level, n, separation, and for each prefix in `series` the columns PREFIX, PREFIX_low, PREFIX_high;
            a missing number is left out.
        series: The label of each prefix, such as {"odds_ratio": "as observed", "adjusted": "at equal loans"}.
    """
    with canvas(height=_height(len(levels), rows_each=1 + 0.35 * (len(series) - 1), extra=0.3)) as (figure, axes):
        axes.axvline(1, color=NEUTRAL, linewidth=1)
        separated = levels["separation"].notna().to_numpy()
        shifts = np.linspace(-0.17, 0.17, len(series)) if len(series) > 1 else [0.0]
        handles = []
        colours = (NEUTRAL, REPAID) if len(series) > 1 else (REPAID,)
        for (prefix, label), shift, colour in zip(series.items(), shifts, colours, strict=True):
            for mask, paint in ((~separated, colour), (separated, WARNING)):
                _odds(axes, levels, prefix, mask, 0.0 if paint == WARNING else shift, paint)
            fill_colour = "white" if colour == NEUTRAL else colour
            handles.append(Line2D([], [], color=colour, marker="o", markerfacecolor=fill_colour, label=label))
        if separated.any():
            label = "all loans ended alike: by convention (0.5 added)"
            handles.append(Line2D([], [], color=WARNING, marker="X", label=label))
        if len(handles) > 1:
            figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        _name_levels(axes, [f"{name}   n = {n:,}" for name, n in zip(levels["level"], levels["n"], strict=True)])
        _log_ratio(axes)
        axes.set_xlabel("Odds ratio of default against the rest of the portfolio (log scale)")
    return figure


def _odds(axes: Axes, levels: pd.DataFrame, prefix: str, mask: np.ndarray, shift: float, colour: str) -> None:
    known = mask & levels[prefix].notna().to_numpy()
    shown = levels.loc[known]
    ratio = shown[prefix].to_numpy()
    bars = np.abs(np.stack([shown[f"{prefix}_low"], shown[f"{prefix}_high"]]) - ratio)
    marker = "X" if colour == WARNING else "o"
    face = "white" if colour == NEUTRAL else colour
    places = np.flatnonzero(known) + shift
    axes.errorbar(ratio, places, xerr=bars, fmt=marker, color=colour, markerfacecolor=face, elinewidth=1.4)


def residual_bars(levels: pd.DataFrame, *, critical: float) -> Figure:
    """Draw the standardized residual of each level's defaults: right of 0 there are more than independence gives.

    Args:
        levels: level, residual, separation.
        critical: Beyond this a level stands out, drawn as a band.
    """
    with canvas(height=_height(len(levels))) as (figure, axes):
        residual = levels["residual"].to_numpy()
        out = np.where(residual > 0, DEFAULTED, REPAID)
        colours = np.where(levels["separation"].notna(), WARNING, np.where(np.abs(residual) > critical, out, LIGHT))
        axes.axvspan(-critical, critical, color="#F3F5F7", zorder=0)
        axes.axvline(0, color=NEUTRAL, linewidth=1)
        axes.barh(np.arange(len(levels)), residual, color=colours.tolist(), height=0.62)
        _name_levels(axes, levels["level"].tolist())
        axes.margins(x=0.12)
        for place, value in enumerate(residual):
            axes.annotate(
                f"{round(value, 1) + 0.0:+,.1f}", (value, place), xytext=(4 if value > 0 else -4, 0), textcoords="offset points",
                ha="left" if value > 0 else "right", va="center", fontsize=7.5, color=NEUTRAL,
            )  # fmt: skip
        axes.set_xlabel(f"Standardized residual of defaults (band: ±{critical:.1f}, where chance alone stays)")
    return figure


def grade_ladder(grades: pd.DataFrame, sub_grades: pd.DataFrame, *, base_rate: float) -> Figure:
    """Draw default rates of sub-grades as dots with intervals on the steps of their grades.

    Args:
        grades: level, default_rate.
        sub_grades: level, parent (a level of `grades`), default_rate, ci_low, ci_high, in order.
        base_rate: The default rate of all loans.
    """
    with canvas(height=3.6) as (figure, axes):
        places = np.arange(len(sub_grades))
        axes.axhline(base_rate, color=NEUTRAL, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            f"all loans {base_rate:.1%}", (0, base_rate), xytext=(0, 3), textcoords="offset points", fontsize=8, color=NEUTRAL
        )  # fmt: skip
        for grade, rate in zip(grades["level"], grades["default_rate"], strict=True):
            own = places[(sub_grades["parent"] == grade).to_numpy()]
            if len(own):
                axes.fill_between([own[0] - 0.5, own[-1] + 0.5], rate, color=LIGHT, alpha=0.45, linewidth=0)
                axes.plot([own[0] - 0.5, own[-1] + 0.5], [rate, rate], color=REPAID, linewidth=1.6)
                axes.annotate(
                    f"{grade} {rate:.0%}", (own.mean(), 0), xytext=(0, 4), textcoords="offset points",
                    ha="center", fontsize=8.5, color=REPAID, weight="bold",
                )  # fmt: skip
        rates = sub_grades["default_rate"].to_numpy()
        bars = np.abs(sub_grades[["ci_low", "ci_high"]].to_numpy().T - rates)
        axes.errorbar(places, rates, yerr=bars, fmt="o", color=DEFAULTED, markersize=3.6, elinewidth=1.2)
        axes.set_xticks(places, sub_grades["level"], rotation=90, fontsize=7.5)
        axes.grid(visible=False, axis="x")
        axes.set_xlim(-0.7, len(places) - 0.3)
        axes.set_ylim(bottom=0)
        percent(axes.yaxis)
        axes.set_ylabel("Default rate")
    return figure


def _height(levels: int, *, rows_each: float = 1.0, extra: float = 0.0) -> float:
    return 1.15 + extra + _ROW * rows_each * max(levels, 3)


def _name_levels(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(np.arange(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _base_line(axes: Axes, rate: float, label: str) -> None:
    axes.axvline(rate, color=NEUTRAL, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        label, (rate, 1), xycoords=("data", "axes fraction"), xytext=(0, 3), textcoords="offset points",
        ha="center", va="bottom", fontsize=8, color=NEUTRAL,
    )  # fmt: skip


def _log_ratio(axes: Axes) -> None:
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    if high / low > 1_000:
        steps = 10.0 ** np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
        steps = steps[:: int(np.ceil(len(steps) / 9))]
    else:
        ladder = np.array(
            [0.01, 0.02, 0.05, 0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 20, 50, 100]
        )
        steps = ladder[(ladder >= low) & (ladder <= high)]
        while len(steps) > 9:
            one = int(np.abs(np.log(steps)).argmin())  # keep 1 among the ticks
            steps = steps[one % 2 :: 2]
    axes.set_xticks(steps)
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 10 else f"{value:.9f}".rstrip("0").rstrip("."))
    )
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()
