"""How good a model is on loans it has not seen, and what its thresholds do to people and money."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.data.declarations import readable_level
from loantap.exhibits.economics import referred_sentence, thresholds_told, told
from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.heads import head
from loantap.exhibits.plots import tuning as plots
from loantap.exhibits.tuning import exhibit_name
from loantap.exhibits.words import by_name, capital, columns, estimate, interval, listed, percent, show
from loantap.model.economics import Economics
from loantap.model.groups import Gap
from loantap.model.study import Evaluation

Result = Mapping[str, Any]


def tested(result: Evaluation) -> str:
    """Return on how many loans a model was evaluated."""
    sampled = " of a stratified sample" if result.sampled else ""
    return f"n = {show(result.test['n'], 'count')} test loans{sampled}"


def spread(test: Result, name: str, kind: str = "score") -> str:
    """Return the interval of a score as text; takes what `evaluate` returns."""
    low, high = test["ci"][name]
    return interval(low, high, kind)


def scores(champion: Evaluation, smote: Evaluation) -> Exhibit:
    """Show every metric of the champion; the table keeps the tuned SMOTE model's beside it."""
    score = champion.score
    table = pd.DataFrame(
        {"metric": head(name), "estimate": champion.test[name], "ci_low": low, "ci_high": high}
        | {"smote": smote.test[name], "smote_low": smote.test["ci"][name][0], "smote_high": smote.test["ci"][name][1]}
        for name, (low, high) in champion.test["ci"].items()
    )
    title = f"{score.upper()} on unseen loans is {show(champion.test[score], 'score')}; with SMOTE it is {show(smote.test[score], 'score')}"
    level, shown = percent(champion.confidence), columns("metric", "estimate with interval")
    caption = f"{tested(champion)}; {level} bootstrap intervals ({champion.repetitions} repetitions)."
    return Exhibit(exhibit_name("scores", champion.inputs), title, caption, table=table, columns=shown)


def ranking(result: Evaluation) -> Exhibit:
    """Draw how well the model ranks."""
    test = result.test
    return Exhibit(
        exhibit_name("ranking", result.inputs),
        f"The model ranks a default above a repaid loan in {show(test['roc_auc'], 'rate')} of pairs (ROC-AUC {show(test['roc_auc'], 'score')})",
        f"{percent(result.confidence)} bootstrap intervals: ROC-AUC {spread(test, 'roc_auc')}, average precision "
        f"{spread(test, 'average_precision')}; {tested(result)}.",
        "Left, the ROC curve with the diagonal; right, the precision-recall curve with the default rate; the thresholds are marked.",
        figure=plots.plot_ranking(result.curve, default_rate=result.default_rate, thresholds=_thresholds(result)),
    )  # fmt: skip


def _thresholds(result: Evaluation) -> dict[str, float]:
    model = result.model
    others = {"profit threshold": model.profit_threshold, "capacity threshold": model.capacity_threshold}
    return {f"{result.score.upper()} threshold": model.threshold} | others


def gains(result: Evaluation) -> Exhibits:
    """Show how much of the defaults is found among the riskiest."""
    name, wilson = exhibit_name("gains", result.inputs), f"{percent(result.confidence)} Wilson intervals"
    top = result.gains.iloc[0]
    figure = Exhibit(
        name, f"The riskiest {show(top['cumulative_loans'], 'rate')} of loans hold {show(top['cumulative_defaults'], 'rate')} of defaults",
        f"Left, the default rate by tenth of predicted risk, {wilson}; right, the share of defaults among the riskiest loans; {tested(result)}.",
        "Left, a bar of the default rate for each tenth of predicted risk; right, the share of defaults found, with the diagonal.",
        figure=plots.plot_gains(result.gains),
    )  # fmt: skip
    caption = f"{wilson}; {tested(result)}."
    shown = columns("decile", "loans", "predicted", "default_rate with interval", "cumulative_defaults", "lift")
    table = Exhibit(name, "Defaults by tenth of predicted risk", caption, table=result.gains, columns=shown)
    return together(figure, table)


def calibration(champion: Evaluation, smote: Evaluation) -> Exhibits:
    """Show whether probabilities hold, before and after calibration."""
    name, wilson = exhibit_name("calibration", champion.inputs), f"{percent(champion.confidence)} Wilson intervals"
    curves = {"Champion": champion.deciles, "SMOTE, calibrated": smote.deciles}
    before, after, error = smote.brier_uncalibrated, smote.test["brier"], champion.test["expected_calibration_error"]
    figure = Exhibit(
        name, f"Calibration {'lowers' if after < before else 'does not lower'} the Brier score with SMOTE ({show(before, 'score')} before, "
        f"{show(after, 'score')} after); the champion's is {show(champion.test['brier'], 'score')}",
        f"Observed against predicted default rate by tenth of predicted risk, {wilson}; expected calibration error of the champion "
        f"{show(error, 'score')}, without calibration {show(champion.error_uncalibrated, 'score')}; {tested(champion)}.",
        "Observed against predicted default rates of the champion and of the SMOTE model before and after calibration, with the diagonal.",
        figure=plots.plot_calibration(curves | {"SMOTE, not calibrated": smote.uncalibrated}),
    )  # fmt: skip
    title, caption = "Predicted and observed default rate by tenth of predicted risk", f"{wilson}; {tested(champion)}."
    shown = columns("loans", "defaults", "predicted", "default_rate with interval")
    return together(figure, Exhibit(name, title, caption, table=champion.deciles, columns=shown))


def people(result: Evaluation) -> Exhibit:
    """Draw what the threshold does to applicants."""
    test = result.test
    per_thousand = pd.Series(test["confusion"]) / test["n"] * 1000
    return Exhibit(
        exhibit_name("people", result.inputs),
        f"Of 1,000 applicants, the {result.score.upper()} threshold flags {show(per_thousand['tp'] + per_thousand['fp'], 'count')}; "
        f"{show(per_thousand['fp'], 'count')} of these would repay",
        f"{_referred(result)} At the {result.score.upper()} threshold: recall {show(test['recall'], 'rate')} "
        f"({spread(test, 'recall', 'rate')}), precision {show(test['precision'], 'rate')} ({spread(test, 'precision', 'rate')}); "
        f"{tested(result)}, {percent(result.confidence)} bootstrap intervals.",
        "A bar of 1,000 applicants split into not flagged and flagged, repaying and defaulting.", figure=plots.plot_confusion(per_thousand),
    )  # fmt: skip


def threshold(result: Evaluation) -> Exhibit:
    """Draw what moves with the threshold."""
    label = result.score.upper()
    caption = f"{_referred(result)} Thresholds were chosen out of fold on training loans; {tested(result)}."
    alt = f"Lines of recall, precision and {label} against the threshold; the chosen thresholds are marked, as far as they flag anybody."
    figure = plots.plot_threshold(result.curve, score=result.score, thresholds=_thresholds(result))
    title = thresholds_told(vars(result.model))
    return Exhibit(exhibit_name("threshold", result.inputs), title, caption, alt, figure=figure)


def profit(result: Evaluation, economics: Economics) -> Exhibit:
    """Show what each threshold would earn, and under which assumptions."""
    rows, text = result.profit, profit_sentence(result.profit, economics=economics)
    gains = rows.loc[rows["difference_low"] > 0, "name"].tolist()
    title = f"{capital(listed(gains or ['no threshold']))} {'are' if len(gains) > 1 else 'is'} shown to earn more than approving everyone"
    caption = (
        f"Profit as a share of the money asked for; difference from approving everyone. Assumed: {told(economics)}; {percent(result.confidence)} "
        f"bootstrap intervals; {tested(result)}."
    )
    rows = rows.assign(name=rows["name"].map(capital), threshold=rows["threshold"].where(rows["threshold"] <= 1))
    shown = columns("name", "threshold", "refused", "profit with interval", "difference with interval", profit="rate")
    return Exhibit(exhibit_name("profit", result.inputs), title, caption, "", text, rows, shown)


def profit_sentence(table: pd.DataFrame, *, economics: Economics) -> str:
    """Return what the threshold for profit earns beside approving everyone, and under which assumption."""
    row, assumed = by_name(table)["profit threshold"], f"Assume that {told(economics)}. Then"
    if row["threshold"] > 1:
        return f"{assumed} approving everyone would have earned most on the training loans."
    low, high = row["difference_low"], row["difference_high"]
    gained = f"{show(row['difference'], 'rate')} of the money asked for ({interval(low, high, 'rate')})"
    verdict = f"is not shown to earn more or less than approving everyone (difference {gained})"
    if low > 0:
        verdict = f"would earn {gained} more than approving everyone"
    elif high < 0:
        verdict = f"would earn less than approving everyone ({gained})"
    return (
        f"{assumed} declining {show(row['refused'], 'rate')} of applications, those with a predicted default rate of "
        f"{show(row['threshold'], 'rate')} or more, {verdict}."
    )


def groups(result: Evaluation) -> Exhibits:
    """Show whom the model serves worse."""
    shown = result.groups.assign(group=[_level(*one) for one in result.groups[["factor", "group"]].to_numpy()])
    name, level, label = exhibit_name("groups", result.inputs), percent(result.confidence), result.score.upper()
    figure = Exhibit(
        name, groups_title(result.gap),
        f"By grade, home ownership and group of professions, at the {label} threshold; {level} intervals (Wilson; DeLong for the "
        f"ROC-AUC). Groups with fewer than {result.min_cell} loans, defaults or repaid loans are pooled. "
        f"The two named are compared with a correction for all pairs (Bonferroni); {tested(result)}.",
        "Dots with intervals, one row per group: left, the share of good customers flagged; right, the ROC-AUC.", figure=plots.plot_groups(shown),
    )  # fmt: skip
    methods = "Wilson for shares, DeLong for the ROC-AUC"
    caption = f"{level} intervals: {methods}; small groups are pooled; {tested(result)}."
    rates = ("default_rate", "predicted", "recall", "false_positive_rate")
    in_order = columns("group", "n", *rates, "roc_auc with interval")
    title = f"What each group meets at the {label} threshold"
    return together(figure, Exhibit(name, title, caption, table=shown, columns=in_order))


def groups_title(gap: Gap | None) -> str:
    """Return between which groups the share of good customers flagged differs most, as far as it is more than chance."""
    if gap is None:
        return "No two groups are large enough to be compared"
    low, high = (_level(row["factor"], row["group"]) for row in (gap.low, gap.high))
    if not gap.shown:
        apart = f"{low} and {high}, the groups farthest apart"
        return f"No group is shown to have its good customers flagged more often, not even {apart}"
    rate = ("false_positive_rate", "false_positive_rate_low", "false_positive_rate_high")
    least, most = (estimate(*(row[name] for name in rate), kind="rate") for row in (gap.low, gap.high))
    return f"Good customers flagged: {least} in {low}, but {most} in {high}"


def _level(factor: str, group: str) -> str:
    if factor == "home_ownership":
        return capital(readable_level(group))
    return f"Grade {group}" if factor == "grade" else group


def _referred(result: Evaluation) -> str:
    return referred_sentence(vars(result.model) | vars(result))
