"""Levels of a factor: default rates, odds ratios, residuals, the ladder of grades; and the claims that are odds ratios."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from loantap.exhibits.heads import ENDED_ALIKE
from loantap.exhibits.plots.marks import ASIDE, TOP, name_mark, name_rows, note, ratio_ticks, reach
from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, ONE, REPAID, WARNING, canvas, percent
from loantap.exhibits.words import show

_DASHED = (0, (4, 3))
_RATIOS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 20, 50, 100)
_HOLDS, _FAILS, _OPEN = (NEUTRAL, "o"), (WARNING, "X"), (NEUTRAL, "s")
_LOOKS = {"supported": _HOLDS, "contradicted": _FAILS}
_CLAIM_TICKS = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)
_SERIES = (("observed", "as observed", NEUTRAL, -0.17), ("adjusted", "adjusted", ONE, 0.17))


def level_rates(levels: pd.DataFrame, *, base_rate: float) -> Figure:
    """Draw the rate of each level from the top, with a line for all loans: level, n, default_rate, ci_low, ci_high, separation."""
    with canvas(height=1.15 + 0.2 * max(len(levels), 3)) as (figure, axes):
        separated = levels["separation"].notna().to_numpy()
        axes.axvline(base_rate, color=NEUTRAL, linewidth=1, linestyle=_DASHED)
        all_loans = f"all loans {show(base_rate, 'rate')}"
        note(axes, all_loans, (base_rate, 1), (0, 3), xycoords=TOP, ha="center", va="bottom")
        _dots(axes, levels[~separated], np.flatnonzero(~separated), DEFAULTED, "default_rate", "ci")
        _dots(axes, levels[separated], np.flatnonzero(separated), WARNING, "default_rate", "ci")
        for place in np.flatnonzero(separated).tolist():
            end, rate = levels[["separation", "default_rate"]].iloc[place]
            side, shift = ("right", -9) if rate > 0.5 else ("left", 9)
            note(axes, ENDED_ALIKE[end], (rate, place), (shift, 0), color=WARNING, ha=side, va="center")
        name_rows(axes, [f"{name}   n = {n:,}" for name, n in zip(levels["level"], levels["n"], strict=True)])
        if separated.any():
            axes.set_xlim(-0.02, 1.02)
        percent(axes.xaxis)
        axes.set_xlabel("Default rate")
    return figure


def odds_forest(levels: pd.DataFrame) -> Figure:
    """Draw odds ratios vs rest, observed and adjusted: level, n, separation, NAME, NAME_low, NAME_high; NaN is left out."""
    with canvas(height=1.45 + 0.27 * max(len(levels), 3)) as (figure, axes):
        axes.axvline(1, color=NEUTRAL, linewidth=1)
        separated = levels["separation"].notna().to_numpy()
        for name, label, colour, shift in _SERIES:
            for mask, paint, aside in ((~separated, colour, shift), (separated, WARNING, 0.0)):
                known = mask & levels[name].notna().to_numpy()
                _dots(axes, levels[known], np.flatnonzero(known) + aside, paint, name, name)
            # Named once, where the eye begins.
            for row in np.flatnonzero(~separated & levels[name].notna().to_numpy())[:1].tolist():
                at = (levels[f"{name}_high"].iloc[row], row + shift)
                name_mark(axes, label, at, (5, 0), colour, annotation_clip=False)
        if separated.any():
            label = "every loan ended the same way (0.5 added to each count)"
            figure.legend(handles=[Line2D([], [], color=WARNING, marker="X", label=label)], loc="outside lower center")
        name_rows(axes, [f"{name}   n = {n:,}" for name, n in zip(levels["level"], levels["n"], strict=True)])
        axes.set(xscale="log", xlabel="Odds ratio of default vs rest (log scale)")
        ratio_ticks(axes, _steps(*axes.get_xlim()))
    return figure


def residual_bars(levels: pd.DataFrame, *, critical: float) -> Figure:
    """Draw the standardized residual of each level's defaults, with a band up to the critical one: level, residual, separation."""
    with canvas(height=1.15 + 0.2 * max(len(levels), 3)) as (figure, axes):
        residual = levels["residual"].to_numpy()
        out = np.where(residual > 0, DEFAULTED, REPAID)
        colours = np.where(levels["separation"].notna(), WARNING, np.where(np.abs(residual) > critical, out, LIGHT))
        axes.axvspan(-critical, critical, color="#F3F5F7", zorder=0)
        axes.axvline(0, color=NEUTRAL, linewidth=1)
        axes.barh(np.arange(len(levels)), residual, color=colours.tolist(), height=0.62)
        name_rows(axes, levels["level"].tolist())
        axes.margins(x=0.12)
        for place, value in enumerate(residual):
            side, shift = ("left", 4) if value > 0 else ("right", -4)
            text = f"{round(value, 1) + 0.0:+,.1f}"
            note(axes, text, (value, place), (shift, 0), ha=side, va="center", fontsize=7.5)
        axes.set_xlabel(f"Standardized residual of defaults (grey band, ±{critical:.1f}: may be chance)")
    return figure


def grade_ladder(grades: pd.DataFrame, sub_grades: pd.DataFrame, *, base_rate: float) -> Figure:
    """Draw default rates of sub-grades as dots with intervals on the steps of their grades, and that of all loans.

    Columns of grades: level, default_rate; of sub-grades, in order: level, parent (a grade), default_rate, ci_low, ci_high.
    """
    with canvas(height=3.6) as (figure, axes):
        places = np.arange(len(sub_grades))
        axes.axhline(base_rate, color=NEUTRAL, linewidth=1, linestyle=_DASHED)
        note(axes, f"all loans {show(base_rate, 'rate')}", (0, base_rate), (0, 3))
        for grade, rate in zip(grades["level"], grades["default_rate"], strict=True):
            own = places[(sub_grades["parent"] == grade).to_numpy()]
            if len(own):
                step = [own[0] - 0.5, own[-1] + 0.5]
                axes.fill_between(step, rate, color=LIGHT, alpha=0.45, linewidth=0)
                axes.plot(step, [rate, rate], color=REPAID, linewidth=1.6)
                style: dict[str, Any] = {"ha": "center", "va": "baseline", "fontsize": 8.5}
                name_mark(axes, f"{grade} {show(rate, 'rate')}", (own.mean(), 0), (0, 4), REPAID, **style)
        bars = reach(sub_grades, "default_rate")
        axes.errorbar(places, sub_grades["default_rate"], yerr=bars, fmt="o", color=DEFAULTED, markersize=3.6, elinewidth=1.2)  # fmt: skip
        axes.set_xticks(places, sub_grades["level"], rotation=90, fontsize=7.5)
        axes.grid(visible=False, axis="x")
        axes.set(xlim=(-0.7, len(places) - 0.3), ylim=(0, None), ylabel="Default rate")
        percent(axes.yaxis)
    return figure


def claims_forest(claims: pd.DataFrame, *, matters: tuple[float, float]) -> Figure:
    """Draw a row per claim: its odds ratio on the published counts with the verdict beside it, and on the run's own loans.

    Columns claim, verdict, words, and PREFIX, PREFIX_low, PREFIX_high of published and own; `matters` are the ends of a band around 1.
    """
    own: dict[str, Any] = {"fmt": "o", "color": LIGHT, "markersize": 4, "markeredgecolor": NEUTRAL, "markerfacecolor": "white"}  # fmt: skip
    with canvas(height=1.5 + 0.32 * len(claims)) as (figure, axes):
        axes.axvspan(*matters, color="#EEF1F4", zorder=0)
        axes.axvline(1, color=NEUTRAL, linewidth=1)
        for prefix, shift in (("own", 0.2), ("published", -0.12)):
            for place, verdict in enumerate(claims["verdict"]):
                row = claims.iloc[[place]].dropna(subset=prefix)
                colour, marker = _LOOKS.get(verdict, _OPEN)
                style: dict[str, Any] = own if prefix == "own" else {"fmt": marker, "color": colour, "markersize": 5.5}
                if len(row):
                    axes.errorbar(row[prefix], place + shift, xerr=reach(row, prefix, prefix), elinewidth=1.4, **style)
        name_rows(axes, claims["claim"].tolist())
        sides = "to the left safer, to the right riskier than all other loans"
        axes.set(xscale="log", xlabel=f"Odds ratio of default (log scale): {sides}")
        ratio_ticks(axes, _CLAIM_TICKS)
        for place, (verdict, words) in enumerate(zip(claims["verdict"], claims["words"], strict=True)):
            note(axes, words, (1.01, place), color=_LOOKS.get(verdict, _OPEN)[0], **ASIDE)
        note(axes, "too small to matter", (1, -0.6), (0, 3), ha="center", annotation_clip=False)
        hollow: dict[str, Any] = {"color": LIGHT, "markerfacecolor": "white", "markeredgecolor": NEUTRAL}
        looks = {"published counts (the verdict)": {"color": NEUTRAL}, "loans of this run": hollow}
        handles = [Line2D([], [], marker="o", label=label, **look) for label, look in looks.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _dots(axes: Axes, levels: pd.DataFrame, places: np.ndarray, colour: str, value: str, ends: str) -> None:
    bars, marker = reach(levels, value, ends), "X" if colour == WARNING else "o"
    face = "white" if colour == NEUTRAL else colour
    axes.errorbar(levels[value], places, xerr=bars, fmt=marker, color=colour, markerfacecolor=face, elinewidth=1.4)


def _steps(low: float, high: float) -> list[float]:
    """Return at most 9 ratios to name between two: powers of ten if these lie far apart."""
    if high / low > 1_000:
        steps = 10.0 ** np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
        return list(steps[:: int(np.ceil(len(steps) / 9))])
    steps = np.array([ratio for ratio in _RATIOS if low <= ratio <= high])
    while len(steps) > 9:
        one = int(np.abs(np.log(steps)).argmin())  # keep 1 among the ticks
        steps = steps[one % 2 :: 2]
    return list(steps)
