"""Whether the model holds: from vintage to vintage, and in every group and segment of the test loans."""

import pandas as pd

from loantap.data.columns import FEATURE_BY_NAME
from loantap.data.declarations import written
from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.heads import label, level
from loantap.exhibits.plots.stability import plot_stability
from loantap.exhibits.scores import tested
from loantap.exhibits.tuning import exhibit_name
from loantap.exhibits.words import capital, columns, interval, listed, percent, show
from loantap.model.inputs import PLACES
from loantap.model.stability import MIN_CELL, SHIFTED
from loantap.model.study import Evaluation
from loantap.model.weak_spots import DEPTH, Condition, Segment, WeakSpots

_FAILS = (
    ("calibrated", "the predicted default rate lies outside the interval of the observed one in {}"),
    ("ranks", "the ranking is weaker in {}"),
    ("steady", "the mix of scores has shifted in {}"),
)


def stability(vintages: pd.DataFrame, result: Evaluation) -> Exhibits:
    """Show calibration, ranking and mix of scores by year of funding; takes what `by_vintage` returns."""
    name, held = exhibit_name("stability", result.inputs), percent(result.confidence)
    caption = (
        f"Wilson intervals of rates and DeLong intervals of ROC-AUC, which all hold at once with {held} (Bonferroni). The stability index compares "
        f"the scores of a vintage with those of the training loans; above {SHIFTED:g} and beyond chance a shift matters, by custom. "
        f"Years with fewer than {MIN_CELL} loans of either outcome are merged; {tested(result)}."
    )
    figure = Exhibit(
        name,
        title=stability_title(vintages),
        caption=caption,
        alt="Three panels, a row for each vintage: observed and predicted default rate, ROC-AUC with its interval, and the stability index.",
        figure=plot_stability(vintages, roc_auc=result.test["roc_auc"]),
    )
    shown = columns("vintage", "n", "default_rate with interval", "predicted", "roc_auc with interval", "psi", "chance_high")  # fmt: skip
    return together(figure, Exhibit(name, "The model by vintage", caption, table=vintages, columns=shown))


def stability_title(vintages: pd.DataFrame) -> str:
    """Return in which vintages calibration, ranking or the mix of scores fails."""
    if len(vintages) < 2:
        return "Too few loans to compare vintages"
    failed = [
        words.format(listed(vintages.loc[~vintages[name], "vintage"].tolist()))
        for name, words in _FAILS
        if not vintages[name].all()
    ]
    if not failed:
        return f"In none of {len(vintages)} vintages are calibration, ranking or mix of scores shown to fail"
    return capital("; ".join(failed))


def weak_spots(found: WeakSpots, result: Evaluation) -> Exhibit:
    """Show where probabilities or ranking fail, and how many groups and segments were looked at."""
    table = found.table
    names = [
        name if kind == "group" else segment_in_words(found.segments[place])
        for kind, name, place in table[["kind", "name", "place"]].to_numpy()
    ]
    table = table.assign(segment=[capital(name) for name in names])
    groups, segments = ((table["kind"] == kind).sum() for kind in ("group", "segment"))
    caption = (
        f"{groups} groups judged on all test loans ({tested(result)}), and {segments} segments that a tree of depth {DEPTH} found on {show(found.found_on, 'count')} of "
        f"them, judged on the other {show(found.judged_on, 'count')}. Wilson intervals; all verdicts hold at once with {percent(found.confidence)} (Bonferroni). "
        "Promised: the ROC-AUC that the probabilities would have within the group, were they right."
    )
    return Exhibit(
        exhibit_name("weak-spots", result.inputs),
        title=weak_title(found, table),
        caption=caption,
        table=table,
        columns=columns("segment", "n", "default_rate with interval", "predicted", "roc_auc", "roc_auc_promised", "verdict", roc_auc_promised="score"),
    )  # fmt: skip


def weak_title(found: WeakSpots, table: pd.DataFrame) -> str:
    """Return the weak spots, the largest first, or that none is shown."""
    shown = table[table["verdict"] != "nothing shown"].sort_values("n", ascending=False)
    if shown.empty:
        return f"No weak spot is shown in {len(table)} groups and segments"
    first = shown.iloc[0]
    if first["verdict"] == "ranks worse":
        told = f"ROC-AUC {show(first['roc_auc'], 'score')}, promised {show(first['roc_auc_promised'], 'score')}"
    else:
        told = (
            f"{show(first['default_rate'], 'rate')} ({interval(first['ci_low'], first['ci_high'], 'rate')}) default, "
            f"{show(first['predicted'], 'rate')} predicted"
        )
    more = f", and {len(shown) - 1} more" if len(shown) > 1 else ""
    return f"Weak spot: {first['segment']}: {told}{more}"


def group_in_words(factor: str, name: str) -> str:
    """Return a group as a reader knows it: 'Grade: B'."""
    return f"{label(factor)}: {level(name)}"


def segment_in_words(segment: Segment) -> str:
    """Return the conditions of a segment as words; of several limits on one side of a number the last, which is the tightest."""
    tightest = {(one.column, one.level, one.above): one for one in segment}
    return ", ".join(_condition(one) for one in tightest.values())


def _condition(one: Condition) -> str:
    name = label(one.column)
    if one.level:
        return f"{name} {'' if one.above else 'not '}{level(one.level)}"
    if one.limit < 0:
        return f"{name} {'' if one.above else 'not '}known"
    return f"{name} {'above' if one.above else 'up to'} {_limit(one)}{' or not known' if one.or_missing else ''}"


def _limit(one: Condition) -> str:
    if levels := PLACES.get(one.column):
        return levels[int(one.limit)]
    form = FEATURE_BY_NAME[one.column].form
    return written(form, int(one.limit) if ".0f" in form or ",.0f" in form else one.limit)
