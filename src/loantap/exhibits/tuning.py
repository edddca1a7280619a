"""The sentences about models: which one is champion and why, what SMOTE buys, what each part of the features brings."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.exhibits.economics import told
from loantap.exhibits.words import interval, show
from loantap.model.economics import Economics
from loantap.model.features import ENCODINGS
from loantap.model.out_of_time import OutOfTime
from loantap.model.recipe import Recipe
from loantap.model.study import Trained

Result = Mapping[str, Any]
ALPHA = 0.05
INPUTS_CALLOUT = {
    "without_pincode": "The pincode is no feature of this model. In the original data it gives the outcome away, and anywhere it is a question of "
    "fair lending.",
    "with_pincode": '::: {.callout-warning title="With the pincode, for comparison only"}\n'
    "The pincodes of the original data were made up after the outcome was known. What a model gains by them would not be "
    "gained on a real applicant. This one must not be used.\n:::",
    "application_only": "Only what the applicant brings: without grade, sub-grade, interest rate and installment, which are the "
    "lender's own price for the risk, and without the pincode.",
}


def in_words(model: Result) -> str:
    """Return features and sampler of a model in words, such as 'splines, no resampling'."""
    return Recipe("without_pincode", model["features"], model["sampler"]).name


def competition(trained: Trained, *, repeats: int, folds: int) -> dict[str, Any]:
    """Return who competed, who won, and the sentences that say why."""
    table, choice = trained.table, trained.choice
    able = [candidate for candidate in trained.candidates if candidate.recipe is not None]
    inputs = trained.champion.recipe.inputs
    reference, smote = (Recipe(inputs, "plain", sampler).name for sampler in ("none", "SMOTE"))
    richer = [Recipe(inputs, encoding, "none").name for encoding in ENCODINGS[1:]]
    facts = {
        "champion": choice.candidate.name,
        "uses_smote": choice.recipe.sampler.startswith("SMOTE"),
        "reference": reference,
        "best_f2": choice.best,
        "level_in_f2": choice.level,
        "level_in_ranking": choice.ranked,
        "eligible": len(able),
        "rule": "best F2 out of fold; ties (clearly beaten by none in F2, then by none of these in ROC-AUC) go to the simpler",
        "rows": trained.ablation_rows,
        "repeats": repeats,
        "folds": folds,
    }
    return facts | {
        "why": champion_sentence(facts),
        "smote": smote_sentence(table, reference=reference, smote=smote),
        "features": features_sentence(table, richer=richer),
        "challengers": challenger_sentence(trained.from_champion, able=[rival.name for rival in able]),
    }


def champion_sentence(facts: Result) -> str:
    """Return which candidate is the champion, whether it is the SMOTE one, and why."""
    level, ranked, chosen = facts["level_in_f2"], facts["level_in_ranking"], facts["champion"]
    kind = "It uses SMOTE." if facts["uses_smote"] else "It is not the SMOTE model."
    tied = f"The best mean F2 has {facts['best_f2']}; {len(level)} of {facts['eligible']} candidates are clearly beaten by none in F2"
    narrowed = f", and {len(ranked)} of these by none of them in ROC-AUC" if len(ranked) < len(level) else ""
    rest = "it is the only one left" if len(ranked) == 1 else "of those it is the simplest"
    return f"The champion is **{chosen}**. {kind} {tied}{narrowed}; {rest}."


def ablation_title(table: pd.DataFrame, facts: Result) -> str:
    """Return what the competition found, in one line."""
    rows = _by_name(table)
    smote = facts["reference"].replace("no resampling", "SMOTE")
    bought = {-1: "costs F2", 0: "buys no F2", 1: "brings F2"}[_clear(rows[smote], "f2")]
    return f"SMOTE {bought} once the threshold is chosen; the champion is {facts['champion']}"


def smote_sentence(table: pd.DataFrame, *, reference: str, smote: str) -> str:
    """Return what SMOTE buys against the same features without resampling."""
    rows = _by_name(table)
    row, base = rows[smote], rows[reference]
    verdict = {-1: "costs F2", 0: "buys no F2 that these folds could tell from nothing", 1: "brings F2"}[
        _clear(row, "f2")
    ]
    return (
        f"With the threshold chosen out of fold, SMOTE {verdict}: {_difference(row, 'f2')} against the same features without "
        f"resampling; its ROC-AUC differs by {_difference(row, 'roc_auc')}. What it moves is the probability scale: at a raw "
        f"probability of one half its F2 is {show(row['f2_at_half'], 'score')}, against {show(base['f2_at_half'], 'score')}, and "
        f"its raw Brier score {show(row['brier_uncalibrated'], 'score')}, against {show(base['brier_uncalibrated'], 'score')}."
    )


def features_sentence(table: pd.DataFrame, *, richer: list[str]) -> str:
    """Return what each richer set of features brings over plain ones, in ROC-AUC."""
    rows = _by_name(table)
    parts = [f"{name.split(',')[0]} {_difference(rows[name], 'roc_auc')}" for name in richer]
    return (
        f"Over plain features, ROC-AUC changes by: {'; '.join(parts)}. Each set holds the former ones (paired differences "
        "over the same folds, 95 % intervals)."
    )


def challenger_sentence(from_champion: pd.DataFrame, *, able: list[str]) -> str:
    """Return how far models that nobody can read lie from the champion."""
    parts = [
        f"{name} ROC-AUC {show(row['roc_auc'], 'score')}, {_difference(row, 'roc_auc')} from the champion's, and F2 "
        f"{show(row['f2'], 'score')}, {_difference(row, 'f2')}"
        for name, row in _by_name(from_champion).items()
        if name not in able
    ]
    return (
        "What would be won by giving up the explanation? Two tree models of moderate, unsearched settings see all inputs, "
        f"ratios included, over the same folds: {'; '.join(parts)}."
    )


def per_thousand(test: Result) -> pd.Series:
    """Return applicants by tn, fp, fn, tp, of 1,000."""
    return pd.Series(test["confusion"]) / test["n"] * 1000


def people_title(test: Result) -> str:
    """Return what the threshold does to 1,000 applicants."""
    people = per_thousand(test)
    return (
        f"Of 1,000 loans like these {show(people['tp'] + people['fp'], 'count')} would be refused, "
        f"{show(people['fp'], 'count')} of whom would repay"
    )


def groups_title(groups: pd.DataFrame) -> str:
    """Return the widest gap in good customers flagged, within one factor."""
    spans = groups.groupby("factor", sort=False)["false_positive_rate"].agg(["min", "max"])
    inside = groups[groups["factor"] == (spans["max"] - spans["min"]).idxmax()].sort_values("false_positive_rate")
    ends = inside.iloc[[0, -1]].to_dict(orient="records")
    told = [
        f"{show(row['false_positive_rate'], 'rate')} "
        f"({interval(row['false_positive_rate_low'], row['false_positive_rate_high'], 'rate')}) in {row['group']}"
        for row in ends
    ]
    return f"Of those who repay, {told[0]} are flagged, and {told[1]}"


def original_sentence(original: Result) -> str:
    """Return why the original figure was what it was; takes the fields of `Original`."""
    test = original["test"]
    return (
        f"The original's resampling, search and threshold on this project's features (penalty {original['penalty']}, C = {original['C']:g}, threshold "
        f"{show(original['threshold'], 'rate')} on resampled probabilities, {show(original['rows'], 'count')} training loans) scores "
        f"F2 {show(original['claimed_f2'], 'score')} on the resampled loans it learnt from, and {show(test['f2'], 'score')} "
        f"({_interval(test)}) on the test loans. Half of the resampled loans default, so precision counted on them is not that of "
        "the portfolio; and a threshold where both error rates are equal is not the one that is best for F2, which weighs a "
        "missed default four times."
    )


def baseline_sentence(ladder: pd.DataFrame, rules: list[str]) -> str:
    """Return how the champion stands against each simple rule, on the same loans."""
    rows = _by_name(ladder)
    parts = []
    for name in (rule.replace("_", " ") for rule in rules):
        row = rows[name]
        low, high = row["difference_low"], row["difference_high"]
        verdict = "beats" if low > 0 else "loses to" if high < 0 else "is level with"
        parts.append(f"{verdict} the rule *{row['rule']}* ({row['difference']:+.3f}, {low:+.3f} to {high:+.3f})")
    return f"In F2 the champion {'; '.join(parts)}. Differences are paired over the test loans (bootstrap, models and rules as they are)."


def out_of_time_title(test: Result, later: OutOfTime | None) -> str:
    """Return what becomes of the model on later loans."""
    if later is None:
        return "Too few loans before or after the last months to judge the model on later ones"
    return (
        f"On later loans ROC-AUC is {show(later.test['roc_auc'], 'score')} rather than {show(test['roc_auc'], 'score')}; "
        f"{show(later.default_rate, 'rate')} default and {show(later.predicted, 'rate')} were predicted"
    )


def profit_sentence(profit: pd.DataFrame, *, economics: Economics) -> str:
    """Return what the threshold for profit earns beside granting every loan, and under which assumption."""
    row = _by_name(profit)["best profit"]
    return f"Suppose that {told(economics)}. Then {_profit_told(row)}."


def _profit_told(row: Result) -> str:
    low, high = row["difference_low"], row["difference_high"]
    if row["threshold"] > 1:
        return "granting every loan would have earned most on the training loans"
    gained = f"{show(row['difference'], 'rate')} of the money asked for ({interval(low, high, 'rate')})"
    verdict = (
        f"would earn {gained} more than granting every loan"
        if low > 0
        else f"would earn less than granting every loan ({gained})"
        if high < 0
        else f"could not be told from granting every loan (difference {gained})"
    )
    return (
        f"refusing {show(row['refused'], 'rate')} of the loans, those with a predicted default rate of "
        f"{show(row['threshold'], 'rate')} or more, {verdict}"
    )


def _by_name(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {str(row["name"]): dict(row) for _, row in table.iterrows()}


def _clear(row: Result, score: str) -> int:
    """Return the sign of a difference, or 0 if it may be nothing after Holm's correction."""
    if not row[f"{score}_p_adjusted"] < ALPHA:
        return 0
    return 1 if row[f"{score}_difference"] > 0 else -1


def _interval(test: Result) -> str:
    low, high = test["ci"]["f2"]
    return interval(low, high, "score")


def _difference(row: Result, score: str) -> str:
    low, high = row[f"{score}_difference_low"], row[f"{score}_difference_high"]
    return f"{row[f'{score}_difference']:+.4f} ({low:+.4f} to {high:+.4f})"
