"""The points scorecard: how much each input tells, the card to print, and what a card costs in accuracy."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.data.columns import FEATURE_BY_NAME
from loantap.data.declarations import readable_level, written
from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.heads import label
from loantap.exhibits.scores import tested
from loantap.exhibits.tuning import exhibit_name
from loantap.exhibits.tuning_sentences import change
from loantap.exhibits.words import by_name, capital, columns, listed, percent, show
from loantap.model.inputs import PLACES
from loantap.model.scorecard import Scale
from loantap.model.study import Evaluation
from loantap.model.woe import LEAST_SHARE, LEAST_VALUE

NAME = "scorecard"  # among the rivals of the champion
_WHOLE = ".0f"


def scorecard(
    base: float, points: pd.DataFrame, values: pd.DataFrame, scale: Scale, result: Evaluation, told: str
) -> Exhibits:
    """Show the card, and the information value of every input.

    Args:
        base: The base points.
        points: With them, from `points_table`.
        values: From `information_values`.
        scale: What points mean.
        result: How the card does on the test loans.
        told: From `cost`.
    """
    fitted = f"n = {result.model.train_rows:,} training loans"
    points = points.assign(
        input=points["feature"].map(lambda name: capital(label(name))).mask(points["feature"].duplicated(), "\u00a0"),
        range=[bin_in_words(row) for row in points.to_dict("records")],
        share=points["n"] / points["n"].groupby(points["feature"]).transform("sum"), points=points["points"].round(),
    )  # fmt: skip
    card = Exhibit(
        exhibit_name("scorecard", result.inputs), f"Scorecard: {round(base):,} points, and those of each input",
        f"{scale.base_points:g} points are odds of {scale.base_odds:g} to 1 of being repaid; every {scale.points_to_double:g} more double them. "
        f"Bins are monotone in the default rate, in the declared direction of risk; each holds at least {percent(LEAST_SHARE)} of the known "
        f"values. Missing and unheard-of values have 0 points, those of the riskiest bin. Fitted on {fitted}.",
        text=told, table=points, columns=columns("input", "range", "share", "default_rate", "woe", "points", woe="number"),
    )  # fmt: skip
    weak, on_the_card = (values["information_value"] < LEAST_VALUE).sum(), values["coefficient"] > 0
    information = Exhibit(
        exhibit_name("information", result.inputs),
        f"{capital(label(values['feature'].iloc[0]))} tells most of default; {weak} of {len(values)} inputs tell hardly anything",
        f"Information value of the bins of each input, the largest first; below {LEAST_VALUE:g} an input stays off the card, by custom, and so does "
        f"one that the others leave no weight. Not corrected for having chosen the bins on the same loans; {fitted}.",
        table=values.assign(input=[capital(label(name)) for name in values["feature"]], on_the_card=on_the_card.map({True: "yes", False: "no"})),
        columns=columns("input", "bins", "information_value", "on_the_card", bins="count", information_value="score"),
    )  # fmt: skip
    return together(card, information)


def absent() -> Exhibit:
    """Say why there is no scorecard."""
    return Exhibit(text="No scorecard: it is for inputs without pincode, and `-P scorecard=false` turns it off.")


def cost(champion: Evaluation, card: Evaluation, ladder: pd.DataFrame, paired: Mapping[str, float]) -> str:
    """Return what a card costs in accuracy against the champion, on the same test loans.

    Args:
        champion: How the champion does.
        card: How the card does.
        ladder: From `comparisons.ladder`, with the paired difference in F-beta.
        paired: From `paired_differences`, the champion less the card.
    """
    lost, low, high = (paired[f"roc_auc_difference{end}"] for end in ("", "_low", "_high"))
    verdict = "is not shown to cost ranking"
    if low > 0 or high < 0:
        verdict = f"{'costs' if low > 0 else 'gains'} {show(abs(lost), 'score')} of ROC-AUC"
    return (
        f"A points scorecard {verdict} against the champion: ROC-AUC {show(card.test['roc_auc'], 'score')}, a difference of "
        f"{change(paired, 'roc_auc_difference', confidence=champion.confidence, reverse=True)}. In {champion.score.upper()} the difference is "
        f"{change(by_name(ladder)[NAME], 'difference', reverse=True)}. Both are paired over the same {tested(card).removeprefix('n = ')}. "
        "The card is kept as a model of its own, and a promotion asks it the same questions."
    )


def result(
    base: float, points: pd.DataFrame, values: pd.DataFrame, scale: Scale, told: str, paired: Mapping[str, float]
) -> dict[str, Any]:
    """Return what `results/scorecard.json` holds."""
    return {**vars(scale), "card_points": base, "bins": points, "information": values, "told": told, **paired}


def bin_in_words(row: Mapping[Any, Any]) -> str:
    """Return the values of a bin as a person reads them: '10 to 14', 'above 24.5%', 'car, wedding or not known'."""
    if row["missing"]:
        return "not known"
    if row["levels"]:
        text = listed([readable_level(level) for level in row["levels"]]).replace(" and ", " or ")
    else:
        low, high = (None if pd.isna(row[end]) else row[end] for end in ("low", "high"))
        text = _between(row["feature"], low, high)
    return f"{text}, or not known" if row["unknown"] else text


def _between(name: str, low: float | None, high: float | None) -> str:
    levels, form, up_to, below = PLACES.get(name), FEATURE_BY_NAME[name].form, "below", "below "
    first, last = low, high
    if levels or _WHOLE in form:
        # Whole numbers: the lower end is the first of the bin, the upper one the last before the next.
        first, last = None if low is None else -int(-low // 1), None if high is None else -int(-high // 1) - 1
        up_to, below = "up to", ""
    ends = ["" if end is None else levels[int(end)] if levels else written(form, end) for end in (first, last)]
    if first is None:
        return f"{up_to} {ends[1]}"
    if last is None:
        return f"{ends[0]} or more"
    return ends[0] if first == last and not below else f"{ends[0]} to {below}{ends[1]}"
