"""What each input adds to the others, whether more loans would help, and what black-box models look at."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.heads import label
from loantap.exhibits.tuning import exhibit_name
from loantap.exhibits.tuning_sentences import change
from loantap.exhibits.words import capital, columns, listed, percent, show
from loantap.model.inputs import Inputs

_OVERLAPS = 5.0  # of an inflation: from there on inputs tell much the same, by custom
_NAMED = 4


def likelihoods(table: pd.DataFrame, *, inputs: Inputs, rows: int, confidence: float) -> Exhibit:
    """Show what each input adds, and which overlap; takes what `likelihood_ratios` returns."""
    adds, over = (table["p_adjusted"] < 1 - confidence).sum(), table.loc[table["inflation"] >= _OVERLAPS, "feature"]
    overlap = f"; much overlap: {listed([label(name) for name in over])}" if len(over) else ""
    return Exhibit(
        exhibit_name("likelihood", inputs), f"{adds} of {len(table)} inputs are shown to add to the others{overlap}",
        f"Likelihood-ratio tests of leaving one input out, Holm-adjusted; the champion's columns, fitted by plain maximum likelihood to n = {rows:,} "
        f"training loans. Variance inflation (Fox and Monette): 1 means no overlap with the others, above {_OVERLAPS:g} much, by custom.",
        table=table.assign(input=[capital(label(name)) for name in table["feature"]]),
        columns=columns("input", "columns", "likelihood_ratio", "p_adjusted", "inflation", columns="count", likelihood_ratio="number", inflation="number"),
    )  # fmt: skip


def learning(table: pd.DataFrame, *, inputs: Inputs, confidence: float) -> Exhibit:
    """Show whether more loans would help; takes what `learning` of the model returns."""
    last = table.iloc[-1]
    verdict = "More loans still help" if last["gain_low"] > 0 else "More loans are not shown to help"
    return Exhibit(
        exhibit_name("learning", inputs),
        f"{verdict}: from {show(table['n'].iloc[-2], 'count')} to {show(last['n'], 'count')} ROC-AUC changes by {change(dict(last), 'gain')}",
        f"ROC-AUC of the champion's recipe on held-out folds, by the number of training loans; {percent(confidence)} intervals of the corrected resampled t-test.",
        table=table, columns=columns("n", "roc_auc with interval", "gain with interval", gain="score"),
    )  # fmt: skip


def importances(by_model: Mapping[str, np.ndarray], names: list[str], *, inputs: Inputs, n: int) -> Exhibit:
    """Show what ROC-AUC a black-box model loses where an input is shuffled.

    Args:
        by_model: The loss by input and repetition, shape (inputs, repetitions).
        names: The inputs.
        inputs: What the models may see.
        n: Test loans.
    """
    table = pd.DataFrame({"feature": names, "input": [capital(label(name)) for name in names]})
    repeats = 0
    for model, losses in by_model.items():
        table[model] = losses.mean(axis=1)
        table[f"{model}_low"], table[f"{model}_high"] = losses.min(axis=1), losses.max(axis=1)
        repeats = losses.shape[1]
    first = next(iter(by_model))
    table = table.sort_values(first, ascending=False, ignore_index=True)
    kinds: Any = dict.fromkeys(by_model, "score")
    return Exhibit(
        exhibit_name("importance", inputs), f"Black-box models look most at {listed([label(name) for name in table['feature'].head(_NAMED)])}",
        f"Mean loss of ROC-AUC on n = {n:,} test loans where an input is shuffled, and the range over {repeats} shuffles. Inputs that tell the "
        "same share their importance.",
        table=table, columns=columns("input", *(f"{model} with interval" for model in by_model), **kinds),
    )  # fmt: skip
