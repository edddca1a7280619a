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
    caption = (
        f"{tested(champion)}; {percent(champion.confidence)} bootstrap intervals ({champion.repetitions} repetitions)."
    )
    shown = columns("metric", "estimate with interval")
    return Exhibit(exhibit_name("scores", champion.inputs), title, caption, table=table, columns=shown)


def ranking(result: Evaluation) -> Exhibit:
    """Draw how well the model ranks."""
    test = result.test
    return Exhibit(
        exhibit_name("ranking", result.inputs),
        title=f"The model ranks a default above a repaid loan in {show(test['roc_auc'], 'rate')} of pairs (ROC-AUC {show(test['roc_auc'], 'score')})",
        caption=f"{percent(result.confidence)} bootstrap intervals: ROC-AUC {spread(test, 'roc_auc')}, average precision "
        f"{spread(test, 'average_precision')}; {tested(result)}.",
        alt="Left, the ROC curve with the diagonal; right, the precision-recall curve with the default rate; the thresholds are marked.",
        figure=plots.plot_ranking(result.curve, default_rate=result.default_rate, thresholds=_thresholds(result)),
    )


def gains(result: Evaluation) -> Exhibits:
    """Show how much of the defaults is found among the riskiest."""
    name, wilson = exhibit_name("gains", result.inputs), f"{percent(result.confidence)} Wilson intervals"
    top = result.gains.iloc[0]
    figure = Exhibit(
        name,
        title=f"The riskiest {show(top['cumulative_loans'], 'rate')} of loans hold {show(top['cumulative_defaults'], 'rate')} of defaults",
        caption=f"Left, the default rate by tenth of predicted risk, {wilson}; right, the share of defaults among the riskiest loans; {tested(result)}.",
        alt="Left, a bar of the default rate for each tenth of predicted risk; right, the share of defaults found, with the diagonal.",
        figure=plots.plot_gains(result.gains),
    )
    caption = f"{wilson}; {tested(result)}."
    shown = columns("decile", "loans", "predicted", "default_rate with interval", "cumulative_defaults", "lift")
    table = Exhibit(name, "Defaults by tenth of predicted risk", caption, table=result.gains, columns=shown)
    return together(figure, table)


def calibration(champion: Evaluation, smote: Evaluation) -> Exhibits:
    """Show whether probabilities hold, before and after calibration."""
    name, wilson = exhibit_name("calibration", champion.inputs), f"{percent(champion.confidence)} Wilson intervals"
    curves = {"Champion": champion.deciles, "SMOTE, calibrated": smote.deciles}
    figure = Exhibit(
        name,
        title=f"Calibration {'lowers' if smote.test['brier'] < smote.brier_uncalibrated else 'does not lower'} the Brier score with SMOTE "
        f"({show(smote.brier_uncalibrated, 'score')} before, {show(smote.test['brier'], 'score')} after); the champion's is {show(champion.test['brier'], 'score')}",
        caption=f"Observed against predicted default rate by tenth of predicted risk, {wilson}; expected calibration error of the "
        f"champion {show(champion.test['expected_calibration_error'], 'score')}, without calibration "
        f"{show(champion.error_uncalibrated, 'score')}; {tested(champion)}.",
        alt="Observed against predicted default rates of the champion and of the SMOTE model before and after calibration, with the diagonal.",
        figure=plots.plot_calibration(curves | {"SMOTE, not calibrated": smote.uncalibrated}),
    )
    caption = f"{wilson}; {tested(champion)}."
    deciles = champion.deciles
    shown = columns("loans", "defaults", "predicted", "default_rate with interval")
    table = Exhibit(
        name, "Predicted and observed default rate by tenth of predicted risk", caption, table=deciles, columns=shown
    )
    return together(figure, table)


def people(result: Evaluation) -> Exhibit:
    """Draw what the threshold does to applicants."""
    test = result.test
    per_thousand = pd.Series(test["confusion"]) / test["n"] * 1000
    return Exhibit(
        exhibit_name("people", result.inputs),
        title=f"Of 1,000 applicants, the {result.score.upper()} threshold flags {show(per_thousand['tp'] + per_thousand['fp'], 'count')}; "
        f"{show(per_thousand['fp'], 'count')} of these would repay",
        caption=f"{_referred(result)} At the {result.score.upper()} threshold: recall {show(test['recall'], 'rate')} "
        f"({spread(test, 'recall', 'rate')}), precision {show(test['precision'], 'rate')} ({spread(test, 'precision', 'rate')}); "
        f"{tested(result)}, {percent(result.confidence)} bootstrap intervals.",
        alt="A bar of 1,000 applicants split into not flagged and flagged, repaying and defaulting.",
        figure=plots.plot_confusion(per_thousand),
    )


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
    shown = columns("name", "threshold", "refused", "profit with interval", "difference with interval", profit="rate")
    rows = result.profit
    title = profit_title(result.profit)
    caption = (
        f"Profit as a share of the money asked for; difference from approving everyone. Assumed: {told(economics)}; {percent(result.confidence)} bootstrap intervals; "
        f"{tested(result)}."
    )
    text = profit_sentence(result.profit, economics=economics)
    deciles = rows.assign(name=rows["name"].map(capital), threshold=rows["threshold"].where(rows["threshold"] <= 1))
    return Exhibit(exhibit_name("profit", result.inputs), title, caption, text=text, table=deciles, columns=shown)


def profit_title(table: pd.DataFrame) -> str:
    """Return which thresholds are shown to earn more than approving everyone."""
    gains = table.loc[table["difference_low"] > 0, "name"].tolist()
    return f"{capital(listed(gains)) if gains else 'No threshold'} {'are' if len(gains) > 1 else 'is'} shown to earn more than approving everyone"


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
        name,
        title=groups_title(result.gap),
        caption=f"By grade, home ownership and group of professions, at the {label} threshold; {level} intervals (Wilson; DeLong for the "
        f"ROC-AUC). Groups with fewer than {result.min_cell} loans, defaults or repaid loans are pooled. "
        f"The two named are compared with a correction for all pairs (Bonferroni); {tested(result)}.",
        alt="Dots with intervals, one row per group: left, the share of good customers flagged; right, the ROC-AUC.",
        figure=plots.plot_groups(shown),
    )
    caption = (
        f"{level} intervals: Wilson for shares, DeLong for the ROC-AUC; small groups are pooled; {tested(result)}."
    )
    rates = ("default_rate", "predicted", "recall", "false_positive_rate", "roc_auc with interval")
    title, in_order = f"What each group meets at the {label} threshold", columns("group", "n", *rates)
    table = Exhibit(name, title, caption, table=shown, columns=in_order)
    return together(figure, table)


def groups_title(gap: Gap | None) -> str:
    """Return between which groups the share of good customers flagged differs most, as far as it is more than chance."""
    if gap is None:
        return "No two groups are large enough to be compared"
    if not gap.shown:
        low, high = (_level(row["factor"], row["group"]) for row in (gap.low, gap.high))
        apart = f"{low} and {high}, the groups farthest apart"
        return f"No group is shown to have its good customers flagged more often, not even {apart}"
    rate = ("false_positive_rate", "false_positive_rate_low", "false_positive_rate_high")
    low, high = (
        f"{estimate(*(row[name] for name in rate), kind='rate')} in {_level(row['factor'], row['group'])}"
        for row in (gap.low, gap.high)
    )
    return f"Good customers flagged: {low}, but {high}"


def _level(factor: str, group: str) -> str:
    if factor == "home_ownership":
        return capital(readable_level(group))
    if factor == "grade":
        return f"Grade {group}"
    return group


def _thresholds(result: Evaluation) -> dict[str, float]:
    model = result.model
    others = {"profit threshold": model.profit_threshold, "capacity threshold": model.capacity_threshold}
    return {f"{result.score.upper()} threshold": model.threshold} | others


def _referred(result: Evaluation) -> str:
    return referred_sentence(vars(result.model) | vars(result))
