"""How a model was chosen: what it may see, the search of the SMOTE model, and the competition."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.exhibits import tuning_sentences as say
from loantap.exhibits.exhibit import Exhibit, Exhibits, Notice, together
from loantap.exhibits.plots import tuning as plots
from loantap.exhibits.tuning_sentences import in_a_sentence
from loantap.exhibits.words import at_the_edge, capital, columns, listed, percent
from loantap.model.ablation import Champion
from loantap.model.inputs import Inputs
from loantap.model.recipe import Recipe
from loantap.model.tuning import Tuned

Result = Mapping[str, Any]
_LEFT_OUT = {
    "without_pincode": "This model does not use the pincode: in the original data it gives the outcome away, and anywhere it raises a "
    "question of fair lending.",
    "application_only": "Only what the applicant brings: without sub-grade and interest rate, which are the lender's own price for "
    "the risk, and without the pincode.",
}
_LEAKING = Notice(
    "With the pincode, for comparison only",
    "The pincodes of the original data were made up after the outcome was known. What a model gains from them is not to be had on real "
    "applicants. Do not use this model.",
)


def exhibit_name(what: str, inputs: Inputs) -> str:
    """Return the file name of an exhibit about a model with these inputs."""
    return f"model-{what}-{inputs.replace('_', '-')}"


def in_words(model: Result) -> str:
    """Return features and sampler of a model in words, such as 'splines, no resampling'."""
    return Recipe("without_pincode", model["features"], model["sampler"]).name


def seen(inputs: Inputs, *, note: str, beta: float) -> Exhibit:
    """Say what the model may see, on which loans it is made (a note, or nothing), and what it is tuned for."""
    parts = (_LEFT_OUT.get(inputs, ""), note, weighing(beta))
    return Exhibit(text="\n\n".join(filter(None, parts)), notice=_LEAKING if inputs == "with_pincode" else None)


def weighing(beta: float) -> str:
    """Return what F-beta counts how heavily."""
    if beta == 1:
        return "F1 weighs recall and precision alike."
    more, less = ("recall", "precision") if beta > 1 else ("precision", "recall")
    return (
        f"F{beta:g} weighs {more} above {less}: it counts a missed default {beta**2:g} times as heavily as a good customer declined. "
        "That is a choice, not a fact about money."
    )


def grid(tuned: Tuned, *, inputs: Inputs) -> Exhibit:
    """Draw the search of the SMOTE model."""
    folds, score = int(tuned.grid.columns.str.startswith("fold_").sum()), tuned.score.upper()
    penalty, C = str(tuned.best["penalty"]), float(tuned.best["C"])
    chosen = f"penalty {penalty} and C = {C:g}"
    title = (
        f"the simplest within one standard error of the best: {chosen}"
        if len(tuned.grid) > 1
        else f"only {chosen} were tried"
    )
    caption = (
        f"Mean {score} over {folds} folds at the resampled probability of one half, with one standard deviation; "
        f"n = {len(tuned.log_odds):,} training loans.{at_the_edge(C, [*tuned.grid['C']], ' C')}"
    )
    alt = f"Dots of mean {score} against C, a line for each penalty, with error bars; the chosen point is circled."
    figure = plots.plot_grid(tuned.grid, score=tuned.score, penalty=penalty, C=C)
    return Exhibit(exhibit_name("grid", inputs), f"SMOTE model, {title}", caption, alt, figure=figure)


def search(tuned: Tuned) -> dict[str, Any]:
    """Return the search for the results: mean and deviation of the score at the chosen setting, and the whole grid."""
    row = tuned.grid[(tuned.grid["penalty"] == tuned.best["penalty"]) & (tuned.grid["C"] == tuned.best["C"])].iloc[0]
    chosen = {f"{tuned.score}_{end}": row[f"{tuned.score}_{end}"] for end in ("mean", "sd")}
    return {"scored_at": "raw probability 0.5 of resampled folds", **chosen, "grid": tuned.grid}


def ablation(choice: Champion, table: pd.DataFrame, *, inputs: Inputs, rows: int) -> Exhibits:
    """Show how the candidates stand, in a figure and a table.

    Args:
        choice: The champion.
        table: From `comparison`, against the simplest candidate.
        inputs: What the models may see.
        rows: Training loans they competed on.
    """
    score, level, name = choice.score, percent(choice.confidence), exhibit_name("ablation", inputs)
    behind = listed([in_a_sentence(one) for one in choice.behind])
    first = f" ({behind} over the first {choice.folds} only)" if behind else ""
    over = f"{choice.repeats} times {choice.folds} folds{first}; n = {rows:,} training loans"
    reference = say.reference_of(table, score)
    title = capital(f"{say.smote_title(choice, table)}the champion is {in_a_sentence(choice.candidate.name)}")
    caption = (
        f"Mean paired difference from {in_a_sentence(reference)} over {over}; {level} intervals of the corrected resampled t-test, each by "
        "itself. Grey: the interval holds 0. The title is corrected for all comparisons (Holm), so it may claim less than an interval shows."
    )
    alt = f"Dots with intervals for {score.upper()} and ROC-AUC, one row per candidate, around a line at zero."
    figure = Exhibit(name, title, caption, alt, figure=plots.plot_differences(table, score=score, reference=reference))
    shown = columns(
        "name", f"{score} with interval", "roc_auc", "brier", f"{score}_difference with interval", f"{score}_p_adjusted",
        **{score: "score", f"{score}_difference": "score", f"{score}_p_adjusted": "p"},
    )  # fmt: skip
    numbers = Exhibit(
        name, "Samplers, features and black-box models over the same folds",
        f"Means over {over}; {level} intervals and Holm-adjusted p-values of the paired difference in {score.upper()}, from the "
        "corrected resampled t-test; Brier score after calibration.",
        table=table.assign(name=table["name"].map(in_a_sentence).map(capital)), columns=shown,
    )  # fmt: skip
    return together(figure, numbers)


def competition(choice: Champion, table: pd.DataFrame, from_champion: pd.DataFrame, *, rows: int) -> dict[str, Any]:
    """Return for the results who competed, who won, and the sentences that say why; `from_champion` is as `table`, against the champion."""
    score, reference = choice.score, say.reference_of(table, choice.score)
    encodings, samplers = zip(*(name.split(", ") for name in choice.able), strict=True)
    rule = f"best {score.upper()} out of fold; ties (clearly beaten by none in {score.upper()}, then by none of these in ROC-AUC) go to the simpler; who is clearly beaten over the first repeat (at 99.9 %) runs no further"
    return {
        "champion": choice.candidate.name, "uses_smote": choice.recipe.sampler.startswith("SMOTE"), "reference": reference,
        f"best_{score}": choice.best, f"level_in_{score}": choice.level, "level_in_ranking": choice.ranked, "left_behind": choice.behind, "eligible": len(choice.able),
        "rule": rule, "rows": rows, "repeats": choice.repeats, "folds": choice.folds,
        "why": say.champion_sentence(choice), "smote": say.smote_sentence(choice, table),
        "features": say.features_sentence(choice, table), "challengers": say.challenger_sentence(choice, from_champion),
        "samplers": list(dict.fromkeys(samplers)), "encodings": list(dict.fromkeys(encodings)), "table": table,
    }  # fmt: skip


def why(result: Result) -> Exhibit:
    """Say who is champion and why, and what each part of a model brings; takes what `competition` returns."""
    return Exhibit(text="\n\n".join(result[name] for name in ("why", "smote", "features", "challengers")))
