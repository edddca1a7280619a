"""What a model looks at: whether its inputs go the way that experience says, what holding it to that costs, and its odds ratios."""

import pandas as pd

from loantap.data.columns import FEATURE_BY_NAME
from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.plots import tuning as plots
from loantap.exhibits.tuning import exhibit_name
from loantap.exhibits.tuning_sentences import change
from loantap.exhibits.words import columns, listed, percent, show
from loantap.model.fitted import FittedModel
from loantap.model.inputs import Inputs
from loantap.model.refits import Obedience

_SHOWN_RATIOS = 20
_LEVELS = ("roc_auc", "brier", "expected_calibration_error")


def directions(refits: Obedience, *, confidence: float, inputs: Inputs) -> Exhibit:
    """Show per number what is declared, how often free refits go against it, and what of it the bounds leave; takes what `obedience` returns."""
    table = refits.inputs.assign(
        input=[FEATURE_BY_NAME[name].label for name in refits.inputs["feature"]],
        kept=refits.inputs["kept"].map({True: "yes", False: "dropped"}),
    ).rename(columns={"higher": "higher_is", "against": "refits_against", "held": "refits_left_nothing"})
    is_open, dropped = table["higher_is"] == "open", table["kept"] == "dropped"
    declared = table.loc[~is_open, "verdict"]
    title = f"The data confirm {(declared == 'shown').sum()} of {len(declared)} declared directions and contradict none"
    wrong = ~is_open & (table["verdict"] == "contradicted")
    if against := table.loc[wrong, "input"].tolist():
        title = f"The data contradict the declared direction of {listed(against)}"
    whys = {
        "the data contradict the declared direction": dropped & wrong,
        "most refits that keep the directions leave nothing of them": dropped & ~is_open & ~wrong,
        "no direction is declared, and none is shown": dropped & is_open,
    }
    left = [f"{listed(table.loc[some, 'input'].tolist())} ({why})" for why, some in whys.items() if some.any()]
    return Exhibit(
        exhibit_name("directions", inputs), title,
        f"{refits.repetitions:,} refits of each kind to loans drawn again from n = {refits.rows:,} training "
        "loans, with free signs and with the declared directions kept. Refits against: the risk at the upper quartile is on the wrong side of that at "
        "the lower. Shown or contradicted: so many refits agree that chance would do so for any input in at most "
        f"{percent(1 - confidence)} of runs. Not shown: the input adds nothing to the others, above all to the sub-grade.",
        text=f"Dropped: {'; '.join(left)}. The model does not use them." if left else "No input is dropped.",
        table=table, columns=columns("input", "higher_is", "because", "refits_against", "verdict", "kept"),
    )  # fmt: skip


def price(table: pd.DataFrame, *, score: str, confidence: float, inputs: Inputs, rows: int) -> Exhibit:
    """Show what a model that keeps the directions gives up.

    Args:
        table: From `comparison` of three recipes against the first: as the champion is; with free signs and every input; with the
            effects of missing values as the training loans show them.
        score: F-beta's name in the table, such as f2.
        confidence: Of its intervals.
        inputs: What the models may see.
        rows: Training loans that they were compared on.
    """
    _, free, learned = (dict(row) for _, row in table.iterrows())
    names = [
        "Champion: directions kept, missing counts as risky",
        "Free signs, every input",
        "Effects of missing values learnt",
    ]
    verdict = "does not detectably change how well the model ranks"
    if free["roc_auc_p_adjusted"] < 1 - confidence:
        costs = "costs" if free["roc_auc_difference"] > 0 else "gains"
        verdict = f"{costs} {show(abs(free['roc_auc_difference']), 'score')} of ROC-AUC"
    by_signs, by_missing = (change(row, "roc_auc_difference") for row in (free, learned))
    return Exhibit(
        exhibit_name("directions-price", inputs), f"Keeping the directions {verdict}",
        f"Means over the folds of the competition, n = {rows:,} training loans, all with the champion's strength of penalty; "
        f"{percent(confidence)} intervals of the corrected resampled t-test. Brier score and calibration error: lower is better.",
        text=f"Free signs and every input would change ROC-AUC by {by_signs}; learning the effects of missing values, by {by_missing}. "
        "A missing value counts as a risky one: an applicant must not gain by leaving a field out.",
        table=table.assign(name=names), columns=columns("name", score, *_LEVELS, **{score: "score"}),
    )  # fmt: skip


def coefficients(ratios: pd.DataFrame, champion: FittedModel, *, averaged: int, confidence: float) -> Exhibits:
    """Show what the model looks at.

    Args:
        ratios: From `odds_ratios`, with p_adjusted of each.
        champion: The model.
        averaged: Loans that changes are averaged over.
        confidence: Of the intervals, and of what is called a change beyond chance.
    """
    name, level = exhibit_name("coefficients", champion.recipe.inputs), percent(confidence)
    fitted, shown = f"n = {champion.train_rows:,} training loans", ratios.head(_SHOWN_RATIOS)
    beyond, title = ratios[ratios["p_adjusted"] < 1 - confidence], "No single change is shown to matter"
    if len(beyond):
        first = beyond.iloc[0]
        title = f"The strongest effect: “{first['change']}” multiplies the odds of default by {show(first['odds_ratio'], 'ratio')}"
    names = ", ".join(FEATURE_BY_NAME[name].label for name in champion.recipe.without)
    left_out = f" Not used: {names}." if names else ""
    table = Exhibit(
        name, "What a change to one input does to the odds of default, all else equal",
        f"Averages over {averaged:,} loans; {level} intervals from refits to loans drawn again, features and sampler as chosen; "
        f"Holm-adjusted p-values; model fitted on {fitted}.{left_out}",
        table=ratios, columns=columns("change", "odds_ratio with interval", "p_adjusted"),
    )  # fmt: skip
    figure = Exhibit(
        name, title, f"Odds ratios of the {len(shown)} strongest of {len(ratios)} changes to one input, all else equal; {level} "
        f"intervals (refits to loans drawn again, each by itself); the title needs a Holm-adjusted p-value below {percent(1 - confidence)}; "
        f"{fitted}. They describe the model, not causes.{left_out}",
        "Dots with intervals left and right of an odds ratio of one, the strongest change on top.", figure=plots.plot_odds_ratios(shown),
    )  # fmt: skip
    return together(figure, table)
