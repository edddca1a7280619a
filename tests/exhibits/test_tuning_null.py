"""Where there is nothing to find, sentences about models claim something no oftener than their error rate allows."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from loantap.analysis.levels import factor_values
from loantap.exhibits import comparisons, scores
from loantap.exhibits.exhibit import Exhibits
from loantap.exhibits.tuning import ablation
from loantap.exhibits.tuning_sentences import smote_sentence
from loantap.exhibits.words import show
from loantap.model.ablation import choose_champion, comparison, compete
from loantap.model.baselines import baseline_rules
from loantap.model.decision import best_profit_threshold, profit_table
from loantap.model.economics import Economics, loan_profit
from loantap.model.fitted import FittedModel, fit_calibrated
from loantap.model.folds import fold_splits
from loantap.model.groups import by_group, widest_gap
from loantap.model.paired import fbeta_differences
from loantap.model.recipe import Recipe
from loantap.model.refits import obedience
from loantap.model.study import GROUPS, Evaluation, evaluate_model, training_data
from loantap.model.tuning import split_loans
from loantap.settings import notebooks_dir

pytestmark = pytest.mark.slow

DRAWS, CONFIDENCE = 20, 0.95
# More claims than this among 20 come once in a thousand times where each comes in one of twenty.
MOST = int(binom.ppf(0.999, DRAWS, 1 - CONFIDENCE))
REFITS = 200  # the notebook's default
PLAIN = Recipe("without_pincode", "plain", "none")


def shuffled(values: pd.Series, draw: int) -> np.ndarray:
    return np.random.default_rng(draw).permutation(values.to_numpy())


def rows_of(loans: pd.DataFrame, draw: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return training and test loans whose outcomes have nothing to do with them."""
    some = loans.head(2_000)
    mixed = some.assign(default=shuffled(some["default"], draw))
    training, test = split_loans(mixed["default"], test_share=0.5, random_state=draw)
    return mixed.iloc[training], mixed.iloc[test]


def fitted(loans: pd.DataFrame, recipe: Recipe = PLAIN) -> FittedModel:
    X, y = training_data(loans, inputs="without_pincode")
    rest: Any = {"recipe": recipe, "C": 0.1, "sample": np.arange(len(y)), "folds": 2, "random_state": 0}
    return fit_calibrated(X, y, loan_profit(loans, Economics()), **rest)


@pytest.fixture(scope="module")
def nothing_learnt(loans: pd.DataFrame) -> list[tuple[FittedModel, pd.DataFrame, pd.DataFrame]]:
    """Models of shuffled outcomes, with their training and test loans."""
    found = []
    for draw in range(DRAWS):
        training, test = rows_of(loans, draw)
        found.append((fitted(training), training, test))
    return found


@cache
def cells() -> list[str]:
    notebook = json.loads((notebooks_dir() / "04_tuning.ipynb").read_text("utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def odds_told(champion: FittedModel, training: pd.DataFrame) -> Exhibits:
    """Run the notebook's own imports and its cell on odds ratios."""
    X, y = training_data(training, inputs="without_pincode")
    told: list[Exhibits] = []
    names: dict[str, Any] = {"champion": champion, "X": X, "y": y, "publish": told.append}
    names |= {"confidence": CONFIDENCE, "min_cell": 10, "refits": REFITS, "seed": 0}
    for source in cells():
        if "odds_ratios(champion" in source or source.startswith("from "):
            exec(source, names)
    return told[0]


def without_what_is_held(loans: pd.DataFrame) -> FittedModel:
    """Fit without the inputs that their directions leave nothing in most refits, as the notebook does."""
    X, y = training_data(loans, inputs="without_pincode")
    found = obedience(X, y, recipe=PLAIN, C=0.1, repetitions=40, random_state=0)
    return fitted(loans, replace(PLAIN, without=found.dropped))


@pytest.mark.long  # dozens of changes to each of 20 models
@pytest.mark.parametrize("dropped", [False, True])
def test_no_change_stands_out_where_nothing_was_learnt(
    nothing_learnt: list[tuple[FittedModel, pd.DataFrame, pd.DataFrame]], dropped: bool
):
    titles = [
        odds_told(without_what_is_held(training) if dropped else champion, training)[0].title
        for champion, training, _ in nothing_learnt
    ]
    assert sum("strongest effect:" in title for title in titles) <= MOST
    assert {title.split(":")[0] for title in titles} <= {"No single change is shown to matter", "The strongest effect"}  # fmt: skip


def test_what_does_stand_out_is_the_strongest_of_the_table_beyond_chance(loans: pd.DataFrame):
    figure, table = odds_told(fitted(loans), loans)
    assert table.table is not None
    beyond = table.table[table.table["p_adjusted"] < 1 - CONFIDENCE]
    strongest = beyond.loc[np.log(beyond["odds_ratio"]).abs().idxmax()]
    assert figure.title == (
        f"The strongest effect: “{strongest['change']}” multiplies the odds of default by {strongest['odds_ratio']:.2f}"
    )


def test_no_simple_rule_is_beaten_where_nothing_was_learnt(
    nothing_learnt: list[tuple[FittedModel, pd.DataFrame, pd.DataFrame]],
):
    beaten = dict.fromkeys(("reject_all", "pincode", "grade"), 0)
    for champion, training, test in nothing_learnt:
        evaluation = evaluate_model(champion, test, economics=Economics(), repetitions=200, min_cell=10, random_state=0)
        for rule in baseline_rules(training, test):
            calls = {"champion": evaluation.flagged, rule.name: rule.refused}
            told = fbeta_differences(test["default"].to_numpy(), calls, repetitions=200, random_state=0)
            beaten[rule.name] += "beats" in comparisons.baseline_sentence(told.assign(name=["champion", rule.name.replace("_", " ")], rule="r"), evaluation, [rule.name])  # fmt: skip
    assert max(beaten.values()) <= MOST, beaten


def test_no_profit_is_claimed_where_nothing_tells_the_loans_apart(loans: pd.DataFrame):
    claimed = 0
    for draw in range(DRAWS):
        profit = shuffled(pd.Series(loan_profit(loans, Economics())), draw)
        probability = np.random.default_rng(draw).random(len(profit))
        learnt, unseen = slice(0, 2_000), slice(2_000, None)
        at = best_profit_threshold(probability[learnt], (profit - profit[learnt].mean())[learnt])
        gained = (profit - profit[unseen].mean())[unseen]  # on average, refusing changes nothing
        table = profit_table(
            probability[unseen], gained, loans["loan_amnt"].to_numpy()[unseen], {"approve all": 1.1, "profit threshold": at}, repetitions=200, random_state=0
        )  # fmt: skip
        told = scores.profit_sentence(table, economics=Economics())
        claimed += "is not shown to earn more or less" not in told and "would have earned most" not in told
    assert claimed <= MOST


def gap_title(loans: pd.DataFrame, probability: np.ndarray) -> str:
    tables = [
        by_group(factor_values(loans, factor), loans["default"].to_numpy(), probability, threshold=0.2, min_cell=10).assign(factor=factor)
        for factor in GROUPS
    ]  # fmt: skip
    return scores.groups_title(widest_gap(pd.concat(tables, ignore_index=True), confidence=CONFIDENCE))


def test_no_group_is_said_to_be_served_worse_where_all_are_treated_alike(loans: pd.DataFrame, nothing_learnt: Any):
    probability = nothing_learnt[0][0].probability(training_data(loans, inputs="without_pincode")[0])
    spread = np.argsort(np.argsort(probability)) / len(probability)  # so that some are flagged and some are not
    titles = [gap_title(loans, shuffled(pd.Series(0.5 * spread), draw)) for draw in range(DRAWS)]
    assert sum("No group is shown" not in title for title in titles) <= MOST


def test_a_group_that_is_flagged_far_oftener_is_named(loans: pd.DataFrame):
    told = gap_title(loans, np.where(loans["grade"].isin(["A", "B"]), 0.1, 0.3))
    assert told.startswith("Good customers flagged: 0% (0 to")


def test_smote_is_said_to_change_a_score_no_oftener_than_chance_would(loans: pd.DataFrame):
    claims, some = 0, loans.head(600)
    for draw in range(DRAWS):
        X, y = training_data(some.assign(default=shuffled(some["default"], draw)), inputs="without_pincode")
        splits = fold_splits(y, folds=4, random_state=draw)
        options: Any = {"splits": splits, "Cs": [0.03], "random_state": draw}
        entered = [
            compete(X, y, recipe=Recipe("without_pincode", "plain", name), **options) for name in ("none", "SMOTE")
        ]
        choice = choose_champion(entered, folds=4)
        table = comparison(entered, reference=entered[0].name, folds=4)
        told = (
            smote_sentence(choice, table)
            + ablation(choice, table, inputs="without_pincode", rows=len(y)).parts[0].title
        )
        claims += "SMOTE improves" in told or "SMOTE lowers" in told
    assert claims <= MOST


def test_a_title_on_later_loans_claims_no_difference(
    nothing_learnt: list[tuple[FittedModel, pd.DataFrame, pd.DataFrame]],
):
    champion, _, test = nothing_learnt[0]
    evaluation: Evaluation = evaluate_model(
        champion, test, economics=Economics(), repetitions=20, min_cell=10, random_state=0
    )
    found: Any = type("Later", (), {"test": evaluation.test, "default_rate": 0.2, "predicted": 0.2})
    told = comparisons.later_title(evaluation.test, found)
    assert "rather than" not in told
    assert told.count(show(evaluation.test["roc_auc"], "score")) == 2
