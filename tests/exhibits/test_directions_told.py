"""What is told of declared directions: a verdict by a stated rule, the inputs dropped, and what keeping to them costs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from loantap.exhibits.directions import coefficients, directions, price
from loantap.exhibits.words import at_the_edge
from loantap.model.ablation import comparison, compete
from loantap.model.folds import fold_splits
from loantap.model.recipe import Recipe
from loantap.model.refits import Obedience, obedience
from loantap.model.study import training_data

CONFIDENCE = 0.95
PLAIN = Recipe("without_pincode", "plain", "none")


def found(**verdicts: tuple[str, bool]) -> Obedience:
    inputs = pd.DataFrame([(name, *told) for name, told in verdicts.items()], columns=["feature", "verdict", "kept"])
    higher = ["open" if name in ("open_acc", "revol_bal") else "riskier" for name in verdicts]
    return Obedience(inputs.assign(higher=higher, because="x", against=0.1, held=0.1), 200, 1_000)


def told(obeyed: Obedience):
    return directions(obeyed, confidence=CONFIDENCE, inputs="without_pincode")


def test_a_title_counts_verdicts_on_what_is_declared():
    some = {"dti": ("shown", True), "term": ("not shown", True), "open_acc": ("shown", True)}
    assert told(found(**some)).title == "The data confirm 1 of 2 declared directions and contradict none"
    against = told(found(**some, int_rate=("contradicted", False)))
    assert against.title == "The data contradict the declared direction of interest rate"


def test_what_is_dropped_is_named_with_its_reason_and_nothing_else():
    assert told(found(dti=("shown", True))).text == "No input is dropped."
    gone = {"int_rate": ("contradicted", False), "pub_rec": ("not shown", False), "revol_bal": ("not shown", False)}
    dropped = told(found(dti=("shown", True), **gone)).text
    assert dropped == (
        "Dropped: interest rate (the data contradict the declared direction); derogatory records (most refits that keep the directions leave nothing of them); revolving balance (no direction is "
        "declared, and none is shown). The model does not use them."
    )


@pytest.mark.long  # twenty times four hundred refits
def test_where_nothing_goes_with_default_no_direction_is_shown_or_contradicted_too_often(loans: pd.DataFrame):
    some, draws, verdicts = loans.head(1_500), 20, []
    X, y = training_data(some, inputs="without_pincode")
    for draw in range(draws):
        mixed = np.random.default_rng(draw).permutation(y)
        obeyed = obedience(X, mixed, recipe=PLAIN, C=1.0, repetitions=200, random_state=draw)
        table = told(obeyed).table
        assert table is not None
        verdicts.append((table["verdict"] != "not shown").any())
    # Two tails of at most one in twenty each; more than this comes once in a thousand times.
    assert sum(verdicts) <= binom.ppf(0.999, draws, 2 * (1 - CONFIDENCE))


def test_what_directions_cost_has_a_sign_only_where_the_folds_show_it(loans: pd.DataFrame):
    X, y = training_data(loans.head(1_500), inputs="without_pincode")
    splits = fold_splits(y, folds=3, repeats=1, random_state=0)
    recipes = [PLAIN, Recipe("without_pincode", "plain", "none", obeys=False)]
    recipes += [Recipe("without_pincode", "plain", "none", unknown="learned")]
    entered = [compete(X, y, recipe=one, splits=splits, Cs=[0.1], random_state=0) for one in recipes]
    table = comparison(entered, reference=PLAIN.name, folds=3)
    shown = price(table, score="f2", confidence=CONFIDENCE, inputs="without_pincode", rows=len(y))
    assert f"change ROC-AUC by {table.loc[1, 'roc_auc_difference']:+.3f} (" in shown.text
    assert f"missing values, by {table.loc[2, 'roc_auc_difference']:+.3f} (" in shown.text
    for p_value, difference, said in (
        (0.5, 0.01, "does not detectably change how well the model ranks"),
        (0.001, 0.0101, "costs 0.010 of ROC-AUC"),
        (0.001, -0.0101, "gains 0.010 of ROC-AUC"),
    ):
        table.loc[1, ["roc_auc_p_adjusted", "roc_auc_difference"]] = p_value, difference
        title = price(table, score="f2", confidence=CONFIDENCE, inputs="without_pincode", rows=len(y)).title
        assert title == f"Keeping the directions {said}"


def test_inputs_that_the_model_does_not_look_at_are_named_below_its_odds_ratios(fitted):
    ratios = pd.DataFrame(
        {"feature": ["dti"], "change": ["x"], "odds_ratio": [1.1], "ci_low": [1.0], "ci_high": [1.2], "p_adjusted": [0.2]}
    )  # fmt: skip
    figure, _ = coefficients(ratios, fitted, averaged=10, confidence=CONFIDENCE)
    assert "Not used" not in figure.caption
    blind = replace(fitted, recipe=replace(fitted.recipe, without=("pub_rec",)))
    figure, table = coefficients(ratios, blind, averaged=10, confidence=CONFIDENCE)
    assert "Not used: derogatory records." in figure.caption
    assert "Not used: derogatory records." in table.caption


@pytest.mark.parametrize(
    ("chosen", "tried", "said"),
    [
        (3.0, [0.3, 3.0], " C = 3 is the largest that was tried; one beyond might do better."),
        (0.3, [0.3, 3.0], " C = 0.3 is the smallest that was tried; one beyond might do better."),
        (1.0, [0.3, 1.0, 3.0], ""),
        (3.0, [3.0], ""),
    ],
)
def test_an_edge_is_said_when_it_is_chosen(chosen: float, tried: list[float], said: str):
    assert at_the_edge(chosen, tried, " C") == said
