"""What a threshold would do to applications like a run's test loans: people referred, defaults caught, money earned."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from loantap.analysis.summaries import with_intervals
from loantap.errors import InputError
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.decision import Share, profit_table
from loantap.model.economics import COLUMNS, Economics, loan_profit
from loantap.model.inputs import source_columns
from loantap.model.persistence import SavedModel
from loantap.model.tuning import split_loans
from loantap.runs.results import RunFolder

_REPETITIONS = 200
_KEPT = (*COLUMNS, "default", "grade", "annual_inc", "home_ownership")


@dataclass(frozen=True)
class TestLoans:
    """The loans of a run that the model and its threshold were not made from.

    Attributes:
        probability: Calibrated probability of default, shape (n,).
        loans: loan_amnt, int_rate, term, installment and default of each, and grade, annual_inc and home_ownership, by which the
            referred are counted.
    """

    __test__ = False  # pytest: no class of tests
    probability: np.ndarray
    loans: pd.DataFrame


def read_test_loans(model: SavedModel, run: RunFolder) -> TestLoans:
    """Score the test loans of the run that made the model.

    Raises InputError for another run: which of its loans the model has seen is not known.
    """
    run_id, split = run.manifest()["run_id"], model.card.get("split")
    if split is None or model.card.get("run_id") != run_id:
        raise InputError(
            f"{run.path}: the model {model.version} was made by run {model.card.get('run_id')}, and this is run {run_id}, so "
            "which of its loans are new to the model is not known. Name the run that made the model with --run, or this run's own model with --model."
        )
    columns = {*source_columns(inputs=model.metadata.inputs), *_KEPT}
    loans = run.loans(sorted(columns))
    _, test = split_loans(loans["default"], test_share=split["test_share"], random_state=split["seed"])
    unseen = loans.iloc[test].reset_index(drop=True)
    return TestLoans(model.probability(unseen), unseen[list(_KEPT)])


def trade_off(
    test: TestLoans, *, threshold: float, economics: Economics, confidence: float = CONFIDENCE
) -> dict[str, Share]:
    """Return what referring at and above a threshold would do, if no referred loan were granted.

    Args:
        test: The test loans.
        threshold: Probability of default.
        economics: What profit rests on.
        confidence: Of the intervals.

    Returns:
        referred: of all loans; defaults_caught: of the defaults; good_referred: of the loans repaid; default_rate_approved: of
        the loans not referred; each with its Wilson interval, and NaN where there is no such loan. profit_per_100: of
        money asked for, under the assumptions of `loan_profit`, with a bootstrap interval.
    """
    bad, referred = test.loans["default"].to_numpy() == 1, test.probability >= threshold
    parts = {
        "referred": (referred, np.ones_like(bad)),
        "defaults_caught": (referred & bad, bad),
        "good_referred": (referred & ~bad, ~bad),
        "default_rate_approved": (bad & ~referred, ~referred),
    }
    counts = pd.DataFrame(
        {name: [part.sum(), whole.sum()] for name, (part, whole) in parts.items()}, ["defaults", "n"]
    ).T
    shares = with_intervals(counts.loc[counts["n"] > 0], confidence=confidence).reindex(counts.index)[
        ["default_rate", "ci_low", "ci_high"]
    ]
    found = {name: Share(*ends) for name, ends in zip(parts, shares.to_numpy().tolist(), strict=True)}
    profit = loan_profit(test.loans, economics)
    amount = test.loans["loan_amnt"].to_numpy()
    earned = profit_table(
        test.probability,
        profit,
        amount,
        {"chosen": threshold},
        confidence=confidence,
        repetitions=_REPETITIONS,
        random_state=0,
    ).iloc[0]
    return found | {
        "profit_per_100": Share(*(100 * earned[["profit", "ci_low", "ci_high"]].to_numpy(dtype=float)).tolist())
    }


def curve(test: TestLoans, thresholds: np.ndarray) -> pd.DataFrame:
    """Return referred, defaults_caught and good_referred, as in `trade_off`, at each threshold: one row per threshold."""
    bad = test.loans["default"].to_numpy() == 1
    groups = {"referred": np.ones_like(bad), "defaults_caught": bad, "good_referred": ~bad}
    shares = {}
    for name, group in groups.items():
        ascending = np.sort(test.probability[group])
        shares[name] = 1 - np.searchsorted(ascending, thresholds, side="left") / len(ascending)
    return pd.DataFrame({"threshold": thresholds, **shares})
