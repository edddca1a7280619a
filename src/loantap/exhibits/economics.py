"""The assumptions behind profit, in words: wherever an amount of profit is said, they are said with it."""

import pandas as pd

from loantap.exhibits.words import show
from loantap.model.economics import ASSUMPTIONS, Economics


def told(economics: Economics) -> str:
    """Return the assumptions as the clauses of a sentence."""
    early = (
        "nobody repays early"
        if economics.settled_after == 1
        else f"a repaid loan is settled after {show(economics.settled_after, 'rate')} of its term"
    )
    return (
        f"a default loses {show(economics.loss_given_default, 'rate')} of the balance outstanding once "
        f"{show(economics.default_after, 'rate')} of the installments are paid, {early}, and money costs "
        f"{show(economics.funding_cost, 'rate')} a year"
    )


def assumption_table(economics: Economics) -> pd.DataFrame:
    """Return the assumptions as rows: name, label, meaning, low, default (as assumed here), high, checked and source, in words."""
    return pd.DataFrame(
        {
            **one.model_dump(include={"name", "label", "meaning", "low"}),
            "default": getattr(economics, one.name),
            **one.model_dump(include={"high", "checked"}),
            "source": one.source if one.checked else f"judgement: {one.source}",
        }
        for one in ASSUMPTIONS
    )
