"""Whether the model holds: from vintage to vintage, and in every group and segment of the test loans."""

import pandas as pd

from loantap.data.columns import FEATURE_BY_NAME
from loantap.data.declarations import written
from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.heads import label, level
from loantap.exhibits.plots import tuning as plots
from loantap.exhibits.scores import tested
from loantap.exhibits.tuning import exhibit_name
from loantap.exhibits.words import capital, columns, estimate, listed, percent, show
from loantap.model.inputs import PLACES
from loantap.model.stability import MIN_CELL, SHIFTED
from loantap.model.study import Evaluation
from loantap.model.weak_spots import DEPTH, Segment, WeakSpots


def stability(vintages: pd.DataFrame, result: Evaluation) -> Exhibits:
    """Show calibration, ranking and mix of scores by year of funding; takes what `by_vintage` returns."""
    name, held = exhibit_name("stability", result.inputs), percent(result.confidence)
    caption = (
        f"Wilson intervals of rates and DeLong intervals of ROC-AUC, which all hold at once with {held} (Bonferroni). The stability index compares "
        f"the scores of a vintage with those of the training loans; above {SHIFTED:g} and beyond chance a shift matters, by custom. "
        f"Years with fewer than {MIN_CELL} loans of either outcome are merged; {tested(result)}."
    )
    alt = "Three panels, a row for each vintage: observed and predicted default rate, ROC-AUC with its interval, and the stability index."
    figure = plots.plot_stability(vintages, roc_auc=result.test["roc_auc"])
    shown = columns("vintage", "n", "default_rate with interval", "predicted", "roc_auc with interval", "psi", "chance_high")  # fmt: skip
    return together(
        Exhibit(name, stability_title(vintages), caption, alt, figure=figure),
        Exhibit(name, "The model by vintage", caption, table=vintages, columns=shown),
    )


def stability_title(vintages: pd.DataFrame) -> str:
    """Return in which vintages calibration, ranking or the mix of scores fails."""
    if len(vintages) < 2:
        return "Too few loans to compare vintages"
    fails = {
        "calibrated": "the predicted default rate lies outside the interval of the observed one in", "ranks": "the ranking is weaker in",
        "steady": "the mix of scores has shifted in",
    }  # fmt: skip
    where = {name: vintages.loc[~vintages[name], "vintage"].tolist() for name in fails}
    if not any(where.values()):
        return f"In none of {len(vintages)} vintages are calibration, ranking or mix of scores shown to fail"
    return capital("; ".join(f"{words} {listed(where[name])}" for name, words in fails.items() if where[name]))


def weak_spots(spots: WeakSpots, result: Evaluation) -> Exhibit:
    """Show where probabilities or ranking fail, and how many groups and segments were looked at."""
    table = spots.table
    names = [
        name if kind == "group" else segment_in_words(spots.segments[place])
        for kind, name, place in table[["kind", "name", "place"]].to_numpy()
    ]
    table = table.assign(segment=[capital(name) for name in names])
    groups, segments = ((table["kind"] == kind).sum() for kind in ("group", "segment"))
    caption = (
        f"{groups} groups judged on all test loans ({tested(result)}), and {segments} segments that a tree of depth {DEPTH} found on {show(spots.found_on, 'count')} of "
        f"them, judged on the other {show(spots.judged_on, 'count')}. Wilson intervals; all verdicts hold at once with {percent(spots.confidence)} (Bonferroni). "
        "Promised: the ROC-AUC that the probabilities would have within the group, were they right."
    )
    shown = columns("segment", "n", "default_rate with interval", "predicted", "roc_auc", "roc_auc_promised", "verdict", roc_auc_promised="score")  # fmt: skip
    return Exhibit(exhibit_name("weak-spots", result.inputs), weak_title(table), caption, table=table, columns=shown)


def weak_title(table: pd.DataFrame) -> str:
    """Return the weak spots, the largest first, or that none is shown."""
    shown = table[table["verdict"] != "nothing shown"].sort_values("n", ascending=False)
    if shown.empty:
        return f"No weak spot is shown in {len(table)} groups and segments"
    first = shown.iloc[0]
    rate = estimate(first["default_rate"], first["ci_low"], first["ci_high"], kind="rate")
    fails = f"{rate} default, {show(first['predicted'], 'rate')} predicted"
    if first["verdict"] == "ranks worse":
        fails = f"ROC-AUC {show(first['roc_auc'], 'score')}, promised {show(first['roc_auc_promised'], 'score')}"
    return f"Weak spot: {first['segment']}: {fails}{f', and {len(shown) - 1} more' if len(shown) > 1 else ''}"


def group_in_words(factor: str, name: str) -> str:
    """Return a group as a reader knows it: 'Grade: B'."""
    return f"{label(factor)}: {level(name)}"


def segment_in_words(segment: Segment) -> str:
    """Return the conditions of a segment as words; of several limits on one side of a number the last, which is the tightest."""
    parts = []
    for one in {(one.column, one.level, one.above): one for one in segment}.values():
        name, denied = label(one.column), "" if one.above else "not "
        if one.level:
            parts.append(f"{name} {denied}{level(one.level)}")
        elif one.limit < 0:
            parts.append(f"{name} {denied}known")
        else:
            places, form = PLACES.get(one.column), FEATURE_BY_NAME[one.column].form
            limit = places[int(one.limit)] if places else written(form, int(one.limit) if ".0f" in form else one.limit)
            missing = " or not known" if one.or_missing else ""
            parts.append(f"{name} {'above' if one.above else 'up to'} {limit}{missing}")
    return ", ".join(parts)
