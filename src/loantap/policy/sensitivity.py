"""How far the profit of granting every loan depends on what is assumed, and where lending stops to pay."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from loantap.model.economics import ASSUMPTIONS, Economics, expected_profit
from loantap.model.profit import best_profit_threshold
from loantap.policy.book import Book
from loantap.policy.scenarios import multiplied, profit_under, turning

DEFAULT_RATE = "default_rate"
_RATE_LABEL = "default rate"
_RATE_MEANING = "mean probability of default, the odds of every loan multiplied alike"
_EACH = np.linspace(0, 1, 21)
_ODDS = np.geomspace(1e-3, 1e3, 61)


@dataclass(frozen=True)
class _Case:
    """One set of assumptions: the value that is varied, the economics and the factor on every loan's odds of default."""

    value: float
    economics: Economics
    odds: float = 1.0


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
    rows = []
    for (name, label, meaning), cases in _cases(test, years).items():
        row: dict[str, object] = {"assumption": name, "label": label, "meaning": meaning}
        row |= {end: case.value for end, case in cases.items()}
        judged = {end: _judged(training, test, case) for end, case in cases.items()}
        for measure in next(iter(judged.values())):
            row |= {f"{measure}_{end}": numbers[measure] for end, numbers in judged.items()}
        row["swing"] = float(np.ptp([numbers["profit"] for numbers in judged.values()]))
        rows.append(row)
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


def _cases(test: Book, years: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, _Case]]:
    base, cases = test.economics, {}
    for one in ASSUMPTIONS:
        values = {"low": one.low, "default": float(getattr(base, one.name)), "high": one.high}
        cases[one.name, one.label, one.meaning] = {
            end: _Case(value, base.with_(one.name, value)) for end, value in values.items()
        }
    if len(years):
        factors = {"low": float(years["odds"].min()), "default": 1.0, "high": float(years["odds"].max())}
        cases[DEFAULT_RATE, _RATE_LABEL, _RATE_MEANING] = {
            end: _Case(_mean(test, odds), base, odds) for end, odds in factors.items()
        }
    return cases


def _judged(training: Book, test: Book, case: _Case) -> dict[str, float]:
    chosen_on, probability = (multiplied(book.probability, case.odds) for book in (training, test))
    threshold = best_profit_threshold(chosen_on, profit_under(training, case.economics, odds=case.odds))
    earned, granted = profit_under(test, case.economics, odds=case.odds), probability < threshold
    return {
        "profit": float(100 * earned.sum() / test.amount.sum()),
        "threshold": threshold,
        "refused": float(1 - granted.mean()),
        "profit_at_threshold": float(100 * earned[granted].sum() / test.amount.sum()),
        "own_price_refused": float((expected_profit(test.loans, probability, case.economics) < 0).mean()),
    }


def _crossing(earned: Callable[[float], float], points: np.ndarray, start: float) -> float:
    return turning(earned, points, np.array([earned(at) for at in points]), start)


def _mean(book: Book, odds: float) -> float:
    return float(multiplied(book.probability, odds).mean())
