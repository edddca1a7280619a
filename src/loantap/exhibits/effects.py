"""The model's curves: what each input does to the odds of default, exactly, with a band and the loans beneath."""

import pandas as pd

from loantap.data.columns import FEATURE_BY_NAME
from loantap.data.declarations import readable_level, written
from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.heads import label
from loantap.exhibits.plots.effects import plot_effects
from loantap.exhibits.tuning import exhibit_name
from loantap.exhibits.words import capital, columns, estimate, percent, show
from loantap.model.fitted import FittedModel
from loantap.model.inputs import PLACES

_GRADE = 5  # every so many sub-grades one is named below the curve


def effects(curves: pd.DataFrame, champion: FittedModel, *, refits: int, min_cell: int, confidence: float) -> Exhibits:
    """Show the curve of each input.

    Args:
        curves: From `effect_curves`.
        champion: The model.
        refits: How many are behind the bands.
        min_cell: The fewest loans that a share is told of.
        confidence: Of the bands.
    """
    name, numbers = exhibit_name("effects", champion.recipe.inputs), curves[curves["level"] == ""]
    called = {feature: capital(label(feature)) for feature in curves["feature"].unique()}
    drawn = {called[str(feature)]: table for feature, table in numbers.groupby("feature", sort=False)}
    ticks = {
        called[feature]: {float(k): level for k, level in enumerate(levels) if k % _GRADE == 0}
        for feature, levels in PLACES.items() if feature in called
    }  # fmt: skip
    basis = (
        f"Odds of default against those at the median (categories: at the commonest level), all else equal, as the model computes them. "
        f"{percent(confidence)} bands, value by value, from {show(refits, 'count')} refits to loans drawn again, features and sampler as chosen; "
        f"n = {show(champion.train_rows, 'count')} training loans."
    )
    title = "No input moves the odds of default"
    if len(curves):  # inputs stand in the order of how far they spread the odds
        widest = curves[curves["feature"] == curves["feature"].iloc[0]].sort_values("odds_ratio", kind="stable")
        ends = [estimate(*row, kind="ratio") for row in widest[["odds_ratio", "ci_low", "ci_high"]].to_numpy()]
        title = f"{called[widest['feature'].iloc[0]]} moves the odds of default most: from {ends[0]} to {ends[-1]} times those of a typical loan"
    figure = Exhibit(
        name, title, f"{basis} Beneath each curve: how many loans lie where; values of fewer than {min_cell} loans are not drawn, nor the outer "
        "percent of either end. A diamond above “?”: not known.",
        "A panel for each number: a line of the odds ratio with its band around one, and bars of the share of loans beneath.",
        figure=plot_effects(drawn, ticks=ticks),
    )  # fmt: skip
    table = Exhibit(
        name, "The effect of each value of each input on the odds of default", basis,
        table=curves.assign(input=curves["feature"].map(called), at=[_at(*row) for row in curves[["feature", "value", "level"]].to_numpy()]),
        columns=columns("input", "at", "share", "odds_ratio with interval"),
    )  # fmt: skip
    return together(figure, table)


def _at(feature: str, value: float, level: str) -> str:
    if level:
        return readable_level(level)
    if pd.isna(value):
        return "not known"
    if levels := PLACES.get(feature):
        return levels[round(value)]
    return written(FEATURE_BY_NAME[feature].form, value)
