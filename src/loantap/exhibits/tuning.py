"""How a model was chosen: what it may see, the search of the SMOTE model, and the competition."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.exhibits.exhibit import Exhibit, Exhibits, Notice, together
from loantap.exhibits.plots import tuning as plots
from loantap.exhibits.words import at_the_edge, by_name, columns, percent, show
from loantap.model.ablation import Champion
from loantap.model.inputs import Inputs
from loantap.model.recipe import Recipe
from loantap.model.tuning import Tuned

Result = Mapping[str, Any]
_LEFT_OUT = {
    "without_pincode": "The pincode is no feature of this model. In the original data it gives the outcome away, and anywhere it is a "
    "question of fair lending.",
    "application_only": "Only what the applicant brings: without sub-grade and interest rate, which are the lender's own price for "
    "the risk, and without the pincode.",
}
_LEAKING = Notice(
    "With the pincode, for comparison only",
    "The pincodes of the original data were made up after the outcome was known. What a model gains by them would not be gained on a "
    "real applicant. This one must not be used.",
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
        f"F{beta:g} weighs {more} above {less}: it counts a missed default {beta**2:g} times as heavily as a good customer refused. "
        "That is a choice, not a fact about money."
    )


def grid(tuned: Tuned, *, inputs: Inputs) -> Exhibit:
    """Draw the search of the SMOTE model."""
    folds = int(tuned.grid.columns.str.startswith("fold_").sum())
    chosen = f"penalty {tuned.best['penalty']} and C = {tuned.best['C']:g}"
    found = (
        f"{chosen} are the simplest within one standard error" if len(tuned.grid) > 1 else f"only {chosen} were tried"
    )
    edge = at_the_edge(float(tuned.best["C"]), [*tuned.grid["C"]], " C")
    return Exhibit(
        exhibit_name("grid", inputs),
        title=f"With SMOTE, {found}",
        caption=f"Mean {tuned.score.upper()} over {folds} folds at the resampled probability of one half, with one standard deviation; "
        f"n = {show(len(tuned.log_odds), 'count')} training loans.{edge}",
        alt=f"Dots of mean {tuned.score.upper()} against C, a line for each penalty, with error bars; the chosen point is circled.",
        figure=plots.plot_grid(
            tuned.grid, score=tuned.score, penalty=str(tuned.best["penalty"]), C=float(tuned.best["C"])
        ),
    )


def search(tuned: Tuned) -> dict[str, Any]:
    """Return the search for the results: mean and deviation of the score at the chosen setting, and the whole grid."""
    row = tuned.grid[(tuned.grid["penalty"] == tuned.best["penalty"]) & (tuned.grid["C"] == tuned.best["C"])].iloc[0]
    told = {f"{tuned.score}_{end}": row[f"{tuned.score}_{end}"] for end in ("mean", "sd")}
    return {"scored_at": "raw probability 0.5 of resampled folds", **told, "grid": tuned.grid}


def ablation(choice: Champion, table: pd.DataFrame, *, inputs: Inputs, rows: int) -> Exhibits:
    """Show how the candidates stand, in a figure and a table.

    Args:
        choice: The champion.
        table: From `comparison`, against the simplest candidate.
        inputs: What the models may see.
        rows: Training loans they competed on.
    """
    score, level, name = choice.score, percent(choice.confidence), exhibit_name("ablation", inputs)
    over = f"{choice.repeats} times {choice.folds} folds; n = {show(rows, 'count')} training loans"
    reference = _reference(table, score)
    figure = Exhibit(
        name,
        title=f"{_smote_title(choice, table)}the champion is {choice.candidate.name}",
        caption=f"Mean paired difference over {over}; {level} intervals of the corrected resampled t-test, "
        "each by itself. Grey: the interval holds 0. The title allows for all comparisons (Holm), so it may claim less than an interval shows.",
        alt=f"Dots with intervals for {score.upper()} and ROC-AUC, one row per candidate, around a line at zero.",
        figure=plots.plot_differences(table, score=score, reference=reference),
    )
    scores = (f"{score}", f"{score}_low", f"{score}_high", f"{score}_at_half")
    shown = columns(
        "name", "C", *scores, "roc_auc", "brier_uncalibrated", "brier", f"{score}_p_adjusted",
        **dict.fromkeys(scores, "score"), **{f"{score}_p_adjusted": "p"},
    )  # fmt: skip
    numbers = Exhibit(
        name,
        title="Samplers, features and challengers over the same folds",
        caption=f"Means over {over}; {level} intervals and Holm-adjusted p-values of the paired difference in {score.upper()}, from the "
        f"corrected resampled t-test. Brier scores before and after calibration; {score.upper()} at half is {score.upper()} at the raw "
        "probability of one half.",
        table=table,
        columns=shown,
    )
    return together(figure, numbers)


def competition(choice: Champion, table: pd.DataFrame, from_champion: pd.DataFrame, *, rows: int) -> dict[str, Any]:
    """Return for the results who competed, who won, and the sentences that say why.

    Args:
        choice: The champion.
        table: As in `ablation`.
        from_champion: From `comparison`, against the champion.
        rows: Training loans they competed on.
    """
    score, reference = choice.score, _reference(table, choice.score)
    return {
        "champion": choice.candidate.name,
        "uses_smote": choice.recipe.sampler.startswith("SMOTE"),
        "reference": reference,
        f"best_{score}": choice.best,
        f"level_in_{score}": choice.level,
        "level_in_ranking": choice.ranked,
        "eligible": len(choice.able),
        "rule": f"best {score.upper()} out of fold; ties (clearly beaten by none in {score.upper()}, then by none of these in ROC-AUC) "
        "go to the simpler",
        "rows": rows,
        "repeats": choice.repeats,
        "folds": choice.folds,
        "why": champion_sentence(choice),
        "smote": smote_sentence(choice, table),
        "features": features_sentence(choice, table),
        "challengers": challenger_sentence(choice, from_champion),
        "samplers": list(dict.fromkeys(name.split(", ")[1] for name in choice.able)),
        "encodings": list(dict.fromkeys(name.split(", ")[0] for name in choice.able)),
        "table": table,
    }


def why(found: Result) -> Exhibit:
    """Say who is champion and why, and what each part of a model brings; takes what `competition` returns."""
    return Exhibit(text="\n\n".join(found[name] for name in ("why", "smote", "features", "challengers")))


def champion_sentence(choice: Champion) -> str:
    """Return which candidate is the champion, whether it is the SMOTE one, and why."""
    level, ranked, score = len(choice.level), len(choice.ranked), choice.score.upper()
    kind = "It uses SMOTE." if choice.recipe.sampler.startswith("SMOTE") else "It is not the SMOTE model."
    edge = at_the_edge(choice.C, choice.candidate.tried, " Its C")
    told = f"The champion is **{choice.candidate.name}**. {kind}{edge}"
    if len(choice.able) == 1:
        return f"{told} Nothing else competed for it."
    tied = f"Of {len(choice.able)} candidates, all logistic regressions, {choice.best} has the best mean {score}; {level} are not clearly beaten in {score} by any other"
    narrowed = f", and {ranked} of these not in ROC-AUC either" if ranked < level else ""
    rest = "it is the only one left" if ranked == 1 else "of those it is the simplest"
    return f"{told} {tied}{narrowed}; {rest}."


def smote_sentence(choice: Champion, table: pd.DataFrame) -> str:
    """Return what SMOTE buys against the same features with the plainest sampler."""
    rows, name, score = by_name(table), _smote(choice, table), choice.score
    if name is None:
        return "What SMOTE buys was not asked: it did not compete with another sampler on the same features."
    row, base = rows[name], rows[_reference(table, score)]
    label = score.upper()
    verdict = {
        -1: f"costs {label}",
        0: f"buys no {label} that these folds could tell from nothing, all comparisons allowed for (Holm)",
        1: f"brings {label}",
    }
    return (
        f"With the threshold chosen out of fold, SMOTE {verdict[_clear(row, choice)]}: {_difference(row, score)} against the same "
        f"features {_without(base['name'])}, an interval for this comparison alone; its ROC-AUC differs by {_difference(row, 'roc_auc')}. What it moves is the probability "
        f"scale: at a raw probability of one half its {label} is {show(row[f'{score}_at_half'], 'score')}, against "
        f"{show(base[f'{score}_at_half'], 'score')}, and its raw Brier score {show(row['brier_uncalibrated'], 'score')}, against "
        f"{show(base['brier_uncalibrated'], 'score')}."
    )


def features_sentence(choice: Champion, table: pd.DataFrame) -> str:
    """Return what each richer set of features brings over the plainest, in ROC-AUC."""
    rows, (plainest, sampler) = by_name(table), _reference(table, choice.score).split(", ")
    richer = [name for name in choice.able if name.endswith(f", {sampler}") and not name.startswith(f"{plainest}, ")]
    if not richer:
        return f"What richer features bring was not asked: only {plainest} ones competed."
    parts = [f"{name.split(',')[0]} {_difference(rows[name], 'roc_auc')}" for name in richer]
    return (
        f"Over {plainest} features, ROC-AUC changes by: {'; '.join(parts)}. Each set holds the former ones (paired differences "
        f"over the same folds, {percent(choice.confidence)} intervals)."
    )


def challenger_sentence(choice: Champion, from_champion: pd.DataFrame) -> str:
    """Return how far models that nobody can read lie from the champion."""
    parts = [
        f"{name} ROC-AUC {show(row['roc_auc'], 'score')}, {_difference(row, 'roc_auc')} from the champion's, and {choice.score.upper()} "
        f"{show(row[choice.score], 'score')}, {_difference(row, choice.score)}"
        for name, row in by_name(from_champion).items()
        if name not in choice.able
    ]
    return (
        "What would be won by giving up the explanation? Tree models of moderate, unsearched settings see all inputs, "
        f"ratios included, over the same folds: {'; '.join(parts)}."
    )


def _reference(table: pd.DataFrame, score: str) -> str:
    return str(table.loc[table[f"{score}_difference"].isna(), "name"].iloc[0])


def _smote(choice: Champion, table: pd.DataFrame) -> str | None:
    """Return the candidate that differs from the reference by SMOTE, if there is one."""
    reference = _reference(table, choice.score)
    name = f"{reference.split(', ')[0]}, SMOTE"
    return name if name in choice.able and name != reference else None


def _smote_title(choice: Champion, table: pd.DataFrame) -> str:
    if (name := _smote(choice, table)) is None:
        return ""
    label = choice.score.upper()
    bought = {-1: f"costs {label}", 0: f"buys no {label} beyond chance", 1: f"brings {label}"}[
        _clear(by_name(table)[name], choice)
    ]
    return f"SMOTE {bought} once the threshold is chosen; "


def _without(name: str) -> str:
    sampler = name.split(", ")[1]
    return "without resampling" if sampler == "no resampling" else f"with {sampler}"


def _clear(row: Result, choice: Champion) -> int:
    """Return the sign of a difference, or 0 if it may be nothing after Holm's correction."""
    if not row[f"{choice.score}_p_adjusted"] < 1 - choice.confidence:
        return 0
    return 1 if row[f"{choice.score}_difference"] > 0 else -1


def _difference(row: Result, score: str) -> str:
    low, high = row[f"{score}_difference_low"], row[f"{score}_difference_high"]
    return f"{row[f'{score}_difference']:+.4f} ({low:+.4f} to {high:+.4f})"
