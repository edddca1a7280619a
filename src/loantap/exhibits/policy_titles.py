"""What the tables and figures of the policy are headed by, each computed from the table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from loantap.decisions.policy.verdicts import DEPENDS, SHOWN
from loantap.exhibits import policy_sentences as say
from loantap.exhibits.words import interval, listed, show

if TYPE_CHECKING:
    from loantap.decisions.policy.limits import Found

_TENTH = 0.1


def tornado(swings: pd.DataFrame) -> str:
    """Return how far the assumption with the widest swing moves profit."""
    first = swings.iloc[0]
    return (
        f"Of the assumptions, each between the ends of its range, the {first['label']} moves what these loans earn most: "
        f"{show(first['profit_low'], 'number')} to {show(first['profit_high'], 'number')} per 100 lent"
    )


def curve(curve: pd.DataFrame) -> str:
    """Return what refusing one loan in ten of the good ones buys, along the thresholds of the model."""
    near = curve.iloc[(curve["good_refused"] - _TENTH).abs().argmin()]
    return f"Refusing {show(near['good_refused'], 'rate')} of the good customers by risk avoids {show(near['defaults_avoided'], 'rate')} of the defaults"


def sheet(sheet: pd.DataFrame) -> str:
    """Return how many of the policies are shown to gain, and how many depend on an assumption."""
    counts = sheet["verdict"].value_counts()
    parts = [
        f"{counts.get(verdict, 0)} {words}"
        for verdict, words in ((SHOWN, "shown to gain"), (DEPENDS, "that depend on an assumption"))
    ]
    return f"Policies side by side: of {len(sheet)}, {listed(parts)}"


def composition(who: pd.DataFrame) -> str:
    """Return whom the policies of a table refuse most: the levels with the largest share refused of each."""
    shares = who[who["attribute"] == "grade"].set_index("level").drop(columns=["attribute", "who", "loans"])
    told = [f"{name}: {shares[name].idxmax()} ({show(shares[name].max(), 'rate')})" for name in shares]
    return f"Whom each policy refuses most, by grade. {'; '.join(told) or 'None of those compared refuses anybody'}"


def expected_loss(losses: pd.DataFrame) -> str:
    """Return the expected loss of each policy's granted loans, in currency and as a share of the money lent."""
    total = losses.groupby("policy", sort=False)[["expected_loss", "amount"]].sum()
    told = [
        f"{name} {show(row['expected_loss'], 'money')} ({show(row['expected_loss'] / row['amount'], 'rate')})"
        for name, row in total.iterrows()
        if row["amount"]
    ]
    return f"Expected loss of the granted: {listed(told)}"


def levers(levers: pd.DataFrame) -> str:
    """Return for how many levers a limit was found, and how many of those are shown to gain by themselves."""
    found = levers["gain"].notna()
    gains = int((levers["gain_low"] > 0).sum())
    return f"Every lever by itself: a limit was found for {found.sum()} of {len(levers)}, and {gains} of the limits {'gains' if gains == 1 else 'gain'}"


def limits(caps: Mapping[str, "Found"]) -> str:
    """Return where the fit of expected profit turns negative, what loans beyond realised, and why other numbers have no limit."""
    turning, without = [], []
    for name, one in caps.items():
        if one.lever is None:
            without.append(f"no limit on {name}: {one.finding}")
            continue
        beyond = one.evidence.iloc[0]
        realised = interval(beyond["realised_low"], beyond["realised_high"], "number")
        turning.append(
            f"{name} above {beyond['limit']:g} (realised there {show(beyond['realised'], 'number')} per 100 lent, {realised})"
        )
    found = [f"the fit of expected profit turns negative for {' and for '.join(turning)}"] if turning else []
    said = "; ".join([*found, *without])
    return said[:1].upper() + said[1:]


def steps(steps: pd.DataFrame) -> str:
    """Return how many levers were adopted; those have the reason ADOPTED."""
    taken = steps.loc[steps["reason"] == say.ADOPTED, "lever"]
    return f"{len(taken)} of {len(steps)} levers are adopted: {', '.join(taken) or 'none'}"


def segments(products: pd.DataFrame, level: str) -> str:
    """Return how many products are shown to earn and to lose at a level in words."""
    counts = products["verdict"].value_counts()
    words = {"earns": ("earns", "earn"), "loses": ("loses money", "lose money")}
    told = [f"{counts[name]} {one if counts[name] == 1 else many}" for name, (one, many) in words.items() if name in counts]  # fmt: skip
    shown = " and ".join(told) or "none is shown to earn or to lose money"
    return f"Of {len(products)} products {shown}, at {level} after correction for their number"
