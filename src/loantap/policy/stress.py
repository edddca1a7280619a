"""What a worse year would do: profit and gains when more loans default, debts grow, money costs more or less comes back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logit

from loantap.analysis.suppression import is_small
from loantap.model.economics import Economics
from loantap.policy.book import Book
from loantap.policy.scenarios import multiplied, profit_under, turning

# How far a committee would look beyond what it expects: a judgement, as every stress is.
WORSE_ODDS, MORE_DTI, DEARER_MONEY = 2.0, 10.0, 0.03
_FURTHEST = np.geomspace(1 / 16, 16, 33)  # what the odds of default are multiplied by, for the reverse
_MOST_DTI = np.linspace(0.0, 40.0, 9)  # percentage points
DOWNTURN = "downturn"


@dataclass(frozen=True)
class Shift:
    """One way in which things get worse.

    Attributes:
        name: A name for files.
        label: In words, with its value.
        value: How much.
        economics: The assumptions then.
        odds: What the odds of default are multiplied by, a number or shape (n,).
    """

    name: str
    label: str
    value: float
    economics: Economics
    odds: float | np.ndarray = 1.0


def vintages(book: Book, *, min_cell: int) -> pd.DataFrame:
    """Return how much worse or better each year's loans did than predicted.

    Returns:
        One row per year of funding, years that are too small left out: year, n, defaults, default_rate, predicted (mean
        probability) and odds: the factor on the odds of every loan at which the mean probability is the default rate.
    """
    year = book.loans["issue_d"].dt.year.to_numpy()
    table = pd.DataFrame({"year": year, "n": 1, "defaults": book.default.astype(int), "predicted": book.probability})
    table = table.groupby("year").agg({"n": "sum", "defaults": "sum", "predicted": "mean"}).reset_index()
    small = is_small(table["n"], table["defaults"], min_cell=min_cell, default_rate=None)
    table = table[~small & (table["defaults"] > 0)].assign(default_rate=lambda rows: rows["defaults"] / rows["n"])
    rates = zip(table["year"], table["default_rate"], strict=True)
    table["odds"] = [odds_to(book.probability[year == one], rate) for one, rate in rates]
    return table[["year", "n", "defaults", "default_rate", "predicted", "odds"]].reset_index(drop=True)


def odds_to(probability: np.ndarray, rate: float) -> float:
    """Return what the odds of every probability have to be multiplied by for their mean to be a rate."""
    steps = np.linspace(-12, 12, 97)  # log odds

    def off(step: float) -> float:
        return float(multiplied(probability, np.exp(step)).mean() - rate)

    return float(np.exp(turning(off, steps, np.array([off(step) for step in steps]), 0.0)))


def shifts(book: Book, *, worst: pd.Series | None, riskier: Callable[[float], np.ndarray]) -> list[Shift]:
    """Return the shifts that the book is put under.

    Args:
        book: n loans.
        worst: The row of `vintages` with the highest odds; None without one.
        riskier: Returns the probability of default of each loan with that many points of debt-to-income more, shape (n,).
    """
    base = book.economics
    dearer = min(base.funding_cost + DEARER_MONEY, 1.0)
    found = [
        Shift("default_odds", f"odds of default times {WORSE_ODDS:g}", WORSE_ODDS, base, WORSE_ODDS),
        Shift("dti", f"debt-to-income ratio up by {MORE_DTI:g} points", MORE_DTI, base, _odds(riskier(MORE_DTI), book)),
        Shift("rate", f"money costs {100 * DEARER_MONEY:g} points more", dearer, base.with_("funding_cost", dearer)),
        Shift("recovery", "nothing comes back after a default", 1.0, base.with_("loss_given_default", 1.0)),
    ]
    if worst is not None:
        label = f"all loans default as those of {worst['year']:.0f} (odds times {worst['odds']:.2f})"
        found.append(Shift(DOWNTURN, label, float(worst["odds"]), base, float(worst["odds"])))
    return found


def stress(book: Book, refusals: Mapping[str, np.ndarray], shifts: list[Shift]) -> pd.DataFrame:
    """Return what each rule earns and gains under each shift, the refusals as they are.

    Returns:
        One row per rule and shift: name, shift, label, value, profit (of the granted, in currency), profit_per_100 (per 100 lent)
        and gain (against refusing nobody, in currency).
    """
    rows = []
    for shift in shifts:
        earned = profit_under(book, shift.economics, odds=shift.odds)
        for name, refused in refusals.items():
            granted, lent = earned[~refused].sum(), book.amount[~refused].sum()
            told = {"name": name, "shift": shift.name, "label": shift.label, "value": shift.value}
            share = 100 * granted / lent if lent else np.nan
            rows.append(told | {"profit": granted, "profit_per_100": share, "gain": 0 - earned[refused].sum()})
    return pd.DataFrame(rows)


def turns(book: Book, refusals: Mapping[str, np.ndarray], *, riskier: Callable[[float], np.ndarray]) -> pd.DataFrame:
    """Return how far odds of default and debt-to-income ratios have to shift for a gain to be gone, or profit where nobody is refused.

    Returns:
        One row per rule and shift: name, shift, label, value (1 for the odds, 0 points of the ratio), turns_at (NaN where nothing
        within odds of a sixteenth to sixteen times, or 40 points, turns it), default_rate (the mean probability there).
    """
    by_dti = [_odds(riskier(points), book) for points in _MOST_DTI]

    def between(points: float) -> np.ndarray:
        place = min(int(np.searchsorted(_MOST_DTI, points, side="right")) - 1, len(_MOST_DTI) - 2)
        share = (points - _MOST_DTI[place]) / (_MOST_DTI[place + 1] - _MOST_DTI[place])
        return np.exp((1 - share) * np.log(by_dti[place]) + share * np.log(by_dti[place + 1]))

    kinds: dict[str, tuple[str, float, np.ndarray, Callable[[float], float | np.ndarray]]] = {
        "default_odds": ("odds of default", 1.0, _FURTHEST, lambda factor: factor),
        "dti": ("points of debt-to-income ratio", 0.0, _MOST_DTI, between),
    }
    rows = []
    for shift, (label, start, points, odds_at) in kinds.items():
        earned = {at: profit_under(book, book.economics, odds=odds_at(at)) for at in points}
        for name, refused in refusals.items():
            part = refused if refused.any() else ~refused

            def total(
                at: float, part: np.ndarray = part, odds_at: Callable[[float], float | np.ndarray] = odds_at
            ) -> float:
                return float(profit_under(book, book.economics, odds=odds_at(at))[part].sum())

            values = np.array([earned[at][part].sum() for at in points])
            found = turning(total, points, values, start)
            rate = np.nan if np.isnan(found) else float(multiplied(book.probability, odds_at(found)).mean())
            rows.append(
                {"name": name, "shift": shift, "label": label, "value": start, "turns_at": found, "default_rate": rate}
            )
    return pd.DataFrame(rows)


def _odds(probability: np.ndarray, book: Book) -> np.ndarray:
    """Return what the odds of each loan are multiplied by to have this probability, shape (n,)."""
    return np.exp(logit(probability) - logit(book.probability))
