"""What the same refusals gain under other assumptions: one at a time over its range, and all at their worst together."""

from collections.abc import Callable, Mapping
from itertools import pairwise, product

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit

from loantap.model.decision import best_profit_threshold
from loantap.model.economics import (
    ASSUMPTIONS,
    Assumption,
    Economics,
    expected_profit,
    value_if_default,
    value_if_repaid,
)
from loantap.policy.book import Book

DEFAULT_RATE = "default_rate"
_RATE_LABEL = "default rate"
_RATE_MEANING = "mean probability of default, the odds of every loan multiplied alike"
_ENDS = ("low", "default", "high")
_EACH = np.linspace(0, 1, 21)
_ODDS = np.geomspace(1e-3, 1e3, 61)

_STEPS = 9  # values of an assumption between the ends of its range, and again from there to 0 and to 1


def profit_under(book: Book, economics: Economics, *, odds: float | np.ndarray = 1.0) -> np.ndarray:
    """Return what each loan of a book would have earned under other assumptions, in currency, shape (n,).

    Where the odds of default are multiplied, loans that defaulted count for more and the others for less: by p' / p and
    (1 - p') / (1 - p), where p' has the multiplied odds of p. In sum that is what such a portfolio would earn, as far as the
    probabilities are right, and with the odds as they are it is what was earned.

    Args:
        book: n loans.
        economics: The assumptions.
        odds: What the odds of default of each loan are multiplied by, a number or shape (n,).
    """
    share = 1 / (1 - book.probability + odds * book.probability)
    repaid, default = value_if_repaid(book.loans, economics), value_if_default(book.loans, economics)
    return np.where(book.default, odds * share * default, share * repaid)


def gains_under(book: Book, refused: np.ndarray, economics: Economics, *, odds: float | np.ndarray = 1.0) -> np.ndarray:
    """Return what rules gain against refusing nobody, in currency, shape (rules,); `refused` has shape (n, rules)."""
    return 0 - profit_under(book, economics, odds=odds) @ refused


def scenarios(book: Book, refusals: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return what each rule gains when one assumption is varied over its range, the refusals as they are.

    The book's economics are the values that the others are kept at.

    Returns:
        One row per rule and assumption: name, assumption, label; low, default, high (its values; low and high are the ends of its
        range, which takes the default in); gain_low, gain_default and gain_high there; gain_least and gain_most over the range; and
        turns_at: the value at which the gain changes its sign, the one nearest to the default, in the range or else within 0 to 1; NaN
        where there is none.
    """
    refused = np.column_stack(list(refusals.values())).astype(float)
    rows = []
    for one in ASSUMPTIONS:
        value = float(getattr(book.economics, one.name))
        low, high = _range(one, book.economics)
        ends = (0.0, low, high, 1.0)
        points = np.unique(np.concatenate([[value], *(np.linspace(*pair, _STEPS) for pair in pairwise(ends))]))

        def gains(at: float, name: str = one.name) -> np.ndarray:
            return gains_under(book, refused, book.economics.with_(name, at))

        table = np.array([gains(at) for at in points])
        inside = (points >= low) & (points <= high)
        for place, name in enumerate(refusals):
            told, within = table[:, place], table[inside, place]

            def gain(at: float, place: int = place) -> float:
                return float(gains(at)[place])

            turns = turning(gain, points[inside], within, value)
            rows.append(
                {
                    "name": name, "assumption": one.name, "label": one.label, "low": low, "default": value, "high": high,
                    "gain_low": within[0], "gain_default": told[points == value][0], "gain_high": within[-1],
                    "gain_least": within.min(), "gain_most": within.max(),
                    "turns_at": turning(gain, points, told, value) if np.isnan(turns) else turns,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def worst_corners(book: Book, refusals: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the least that each rule gains with every assumption at an end of its range: name, gain, and the value of each assumption there."""
    refused = np.column_stack(list(refusals.values())).astype(float)
    corners = [
        Economics(**dict(zip((one.name for one in ASSUMPTIONS), ends, strict=True)))
        for ends in product(*(_range(one, book.economics) for one in ASSUMPTIONS))
    ]
    gains = np.array([gains_under(book, refused, corner) for corner in corners])
    worst = gains.argmin(axis=0)
    return pd.DataFrame(
        {"name": name, "gain": gains[worst[place], place], **vars(corners[worst[place]])}
        for place, name in enumerate(refusals)
    )


def multiplied(probability: np.ndarray, odds: float | np.ndarray) -> np.ndarray:
    """Return the probabilities whose odds are those of `probability` times `odds`, shape (n,)."""
    return np.asarray(expit(logit(probability) + np.log(odds)))


def turning(function: Callable[[float], float], points: np.ndarray, values: np.ndarray, start: float) -> float:
    """Return where a function changes its sign, the place nearest to the start; NaN where it does not.

    Args:
        function: What changes its sign.
        points: Where it was looked at, ascending.
        values: What it was there.
        start: From where to look.
    """
    points, values = points[values != 0], values[values != 0]  # a zero that was hit lies between its neighbours
    changes = np.flatnonzero(np.sign(values[:-1]) != np.sign(values[1:]))
    found = [brentq(function, points[place], points[place + 1], xtol=1e-6) for place in changes]
    return float(min(found, key=lambda at: abs(at - start), default=np.nan))


def _range(one: Assumption, economics: Economics) -> tuple[float, float]:
    """Return the ends of the range of an assumption, which takes in the value that is assumed."""
    value = float(getattr(economics, one.name))
    return min(one.low, value), max(one.high, value)


def tornado(training: Book, test: Book, years: pd.DataFrame) -> pd.DataFrame:
    """Return what profit, the profit threshold and the refused become when one assumption goes to the ends of its range.

    Beside the ASSUMPTIONS the default rate is varied: the odds of default of all loans are multiplied by what the best and the worst
    year's loans had against their prediction.

    Args:
        training: The book that a threshold is chosen on: the one that earns most, given how its loans ended.
        test: The book that profit is stated for. Its economics are the values that the others are kept at.
        years: From `vintages`; without rows the default rate is not varied.

    Returns:
        One row per assumption, the widest swing first: assumption, label, meaning; low, default, high (its values), then at each
        of the three, with the ends `_low`, `_default` and `_high`: profit (realised, per 100 lent, nobody refused),
        threshold (above 1 where all are granted), refused (share of the test loans at and above it), profit_at_threshold
        (realised, per 100 of all money asked for) and own_price_refused (share whose expected profit would be below 0); and
        swing, the widest difference of profit.
    """
    base, rows = test.economics, []
    cases: dict[tuple[str, str, str], list[tuple[float, Economics, float]]] = {}  # value, economics, factor on the odds
    for one in ASSUMPTIONS:
        values = (one.low, float(getattr(base, one.name)), one.high)
        cases[one.name, one.label, one.meaning] = [(value, base.with_(one.name, value), 1.0) for value in values]
    if len(years):
        factors = (float(years["odds"].min()), 1.0, float(years["odds"].max()))
        cases[DEFAULT_RATE, _RATE_LABEL, _RATE_MEANING] = [(_mean(test, odds), base, odds) for odds in factors]
    for (name, label, meaning), ends in cases.items():
        row: dict[str, object] = {"assumption": name, "label": label, "meaning": meaning}
        row |= {end: value for end, (value, *_) in zip(_ENDS, ends, strict=True)}
        judged = [_judged(training, test, economics, odds) for _, economics, odds in ends]
        for measure in judged[0]:
            row |= {f"{measure}_{end}": numbers[measure] for end, numbers in zip(_ENDS, judged, strict=True)}
        rows.append(row | {"swing": float(np.ptp([numbers["profit"] for numbers in judged]))})
    return pd.DataFrame(rows).sort_values("swing", ascending=False, kind="stable", ignore_index=True)


def break_even(book: Book) -> pd.DataFrame:
    """Return the value of each assumption at which refusing nobody earns nothing, the others kept.

    Returns:
        One row per assumption and one for the default rate: assumption, label, meaning, value (the book's), break_even (the
        crossing within 0 to 1 that is nearest to it, NaN where there is none). Borrowers pay by month, so profit moves in steps along
        default_after and settled_after, and the crossing is a step.
    """
    rows = []
    for one in ASSUMPTIONS:
        value = float(getattr(book.economics, one.name))

        def earned(at: float, name: str = one.name) -> float:
            return float(profit_under(book, book.economics.with_(name, at)).sum())

        rows.append((one.name, one.label, one.meaning, value, _crossing(earned, np.unique([*_EACH, value]), value)))

    def shifted(odds: float) -> float:
        return float(profit_under(book, book.economics, odds=odds).sum())

    rate = _mean(book, _crossing(shifted, _ODDS, 1.0))
    rows.append((DEFAULT_RATE, _RATE_LABEL, _RATE_MEANING, float(book.probability.mean()), rate))
    return pd.DataFrame(rows, columns=["assumption", "label", "meaning", "value", "break_even"])


def _judged(training: Book, test: Book, economics: Economics, odds: float) -> dict[str, float]:
    chosen_on, probability = (multiplied(book.probability, odds) for book in (training, test))
    threshold = best_profit_threshold(chosen_on, profit_under(training, economics, odds=odds))
    earned, granted = profit_under(test, economics, odds=odds), probability < threshold
    return {
        "profit": float(100 * earned.sum() / test.amount.sum()),
        "threshold": threshold,
        "refused": float(1 - granted.mean()),
        "profit_at_threshold": float(100 * earned[granted].sum() / test.amount.sum()),
        "own_price_refused": float((expected_profit(test.loans, probability, economics) < 0).mean()),
    }


def _crossing(earned: Callable[[float], float], points: np.ndarray, start: float) -> float:
    return turning(earned, points, np.array([earned(at) for at in points]), start)


def _mean(book: Book, odds: float) -> float:
    return float(multiplied(book.probability, odds).mean())
