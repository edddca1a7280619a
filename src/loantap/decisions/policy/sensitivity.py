"""How far profit and the threshold depend on what is assumed, and where lending stops to pay."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit

from loantap.analysis.odds import wilson
from loantap.decisions.policy.book import Book
from loantap.errors import InputError
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.economics import (
    ASSUMPTIONS,
    Economics,
    expected_profit,
    loan_profit,
    value_if_default,
    value_if_repaid,
)
from loantap.model.profit import best_profit_threshold

DEFAULT_RATE = "default_rate"
_RATE_LABEL = "predicted default rate"  # what the loans had is another number
_RATE_MEANING = "mean probability of default, the odds of every loan scaled alike"
_FURTHEST = 40.0  # log odds: beyond every probability


@dataclass(frozen=True)
class _Case:
    """One set of assumptions: the value that is varied, the economics and the shift of every log odds of default."""

    value: float
    economics: Economics
    shift: float = 0.0


def tornado(training: Book, test: Book, *, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Return what profit and the profit threshold become when one assumption goes to the ends of its range.

    Beside the ASSUMPTIONS, the calibration is varied: the odds of default of all loans are scaled by one factor, so that the mean
    probability goes to the ends of the Wilson interval of the default rate seen on the test book. The model was
    calibrated on training loans, whose rate it meets by construction; only other loans tell how far it is off. A downturn is
    not in that range.

    Args:
        training: The book that a threshold is chosen on: the one that earns most, given how its loans ended.
        test: The book that profit is stated for. Its economics are the values that the others are kept at.
        confidence: Of the interval of the default rate.

    Returns:
        One row per assumption, the widest swing first: assumption, label, meaning; low, default, high (its values), then at each
        of the three, with the ends `_low`, `_default` and `_high`: profit (expected, per 100 lent, every loan granted),
        threshold (above 1 where all are granted), refused (share of the test loans at and above it) and
        profit_at_threshold (expected, per 100 of all money asked for); and swing, the widest difference of profit.

    Raises InputError for a test book without both outcomes.
    """
    rows = []
    for (name, label, meaning), cases in _cases(test, confidence).items():
        row: dict[str, object] = {"assumption": name, "label": label, "meaning": meaning}
        row |= {end: case.value for end, case in cases.items()}
        judged = {end: _judged(training, test, case) for end, case in cases.items()}
        for measure in ("profit", "threshold", "refused", "profit_at_threshold"):
            row |= {f"{measure}_{end}": numbers[measure] for end, numbers in judged.items()}
        row["swing"] = float(np.ptp([numbers["profit"] for numbers in judged.values()]))
        rows.append(row)
    return pd.DataFrame(rows).sort_values("swing", ascending=False, kind="stable", ignore_index=True)


def break_even(book: Book) -> pd.DataFrame:
    """Return the value of each assumption at which granting every loan earns nothing, the others kept.

    Args:
        book: n loans.

    Returns:
        One row per assumption and one for the default rate: assumption, label, meaning, value (the book's), break_even (the
        crossing within 0 to 1 that is nearest to it, NaN if profit has the same sign at 0, at the value and at 1) and profit
        (expected, per 100 lent, there). Borrowers pay by month, so profit moves in steps along default_after and settled_after:
        the crossing is a step, and profit there not quite 0.
    """
    rows = []
    for one in ASSUMPTIONS:
        value = float(getattr(book.economics, one.name))
        profit = _profit_along(book, one.name)
        found = _crossing(profit, value, 0.0, 1.0)
        rows.append((one.name, one.label, one.meaning, value, found, profit(found)))
    repaid = value_if_repaid(book.loans, book.economics)
    cost = repaid - value_if_default(book.loans, book.economics)

    def shifted(shift: float) -> float:
        return float(100 * (repaid - _shifted(book.probability, shift) * cost).sum() / book.amount.sum())

    shift = _crossing(shifted, 0.0, -_FURTHEST, _FURTHEST)
    rate = float(_shifted(book.probability, shift).mean())
    rows.append((DEFAULT_RATE, _RATE_LABEL, _RATE_MEANING, float(book.probability.mean()), rate, shifted(shift)))
    return pd.DataFrame(rows, columns=["assumption", "label", "meaning", "value", "break_even", "profit"])


def _cases(test: Book, confidence: float) -> dict[tuple[str, str, str], dict[str, _Case]]:
    base, cases = test.economics, {}
    for one in ASSUMPTIONS:
        values = {"low": one.low, "default": float(getattr(base, one.name)), "high": one.high}
        cases[one.name, one.label, one.meaning] = {
            end: _Case(value, base.with_(one.name, value)) for end, value in values.items()
        }
    n, defaults = len(test.default), int(test.default.sum())
    if not 0 < defaults < n:
        raise InputError(
            f"tornado: expected a test book of defaults and repaid loans, got {defaults:,} defaults of {n:,} loans. Use more loans."
        )
    low, high = (float(end[0]) for end in wilson(pd.Series([defaults]), pd.Series([n]), alpha=round(1 - confidence, 9)))
    rates = {"low": low, "default": float(test.probability.mean()), "high": high}
    cases[DEFAULT_RATE, _RATE_LABEL, _RATE_MEANING] = {
        end: _Case(rate, base, 0.0 if end == "default" else _shift_to(test.probability, rate))
        for end, rate in rates.items()
    }
    return cases


def _judged(training: Book, test: Book, case: _Case) -> dict[str, float]:
    chosen_on, probability = (_shifted(book.probability, case.shift) for book in (training, test))
    threshold = best_profit_threshold(chosen_on, loan_profit(training.loans, case.economics))
    expected, granted = expected_profit(test.loans, probability, case.economics), probability < threshold
    return {
        "profit": float(100 * expected.sum() / test.amount.sum()),
        "threshold": threshold,
        "refused": float(1 - granted.mean()),
        "profit_at_threshold": float(100 * expected[granted].sum() / test.amount.sum()),
    }


def _profit_along(book: Book, name: str) -> Callable[[float], float]:
    def profit(value: float) -> float:
        if np.isnan(value):
            return float("nan")
        expected = expected_profit(book.loans, book.probability, book.economics.with_(name, value))
        return float(100 * expected.sum() / book.amount.sum())

    return profit


def _crossing(profit: Callable[[float], float], start: float, low: float, high: float) -> float:
    """Return where profit changes its sign, the side nearer to the start; NaN if it does not."""
    here = profit(start)
    found = [brentq(profit, *sorted((start, end))) for end in (low, high) if here * profit(end) <= 0]
    return float(min(found, key=lambda value: abs(value - start), default=np.nan))


def _shift_to(probability: np.ndarray, rate: float) -> float:
    return float(brentq(lambda shift: _shifted(probability, shift).mean() - rate, -_FURTHEST, _FURTHEST))


def _shifted(probability: np.ndarray, shift: float) -> np.ndarray:
    return np.asarray(expit(logit(probability) + shift))
