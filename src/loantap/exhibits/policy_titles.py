"""What the tables and figures of the policy are headed by, each computed from the table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from loantap.exhibits import policy_sentences as say
from loantap.exhibits.words import capital, interval, listed, show
from loantap.policy.groupings import words_of
from loantap.policy.segments import EARNS, LOSES
from loantap.policy.verdicts import APPROVE_ALL, DEPENDS, SHOWN

if TYPE_CHECKING:
    from loantap.policy.limits import Found

_TENTH = 0.1


def tornado(swings: pd.DataFrame) -> str:
    """Return how far the assumption with the widest swing moves profit."""
    first = swings.iloc[0]
    return (
        f"The {first['label']} moves profit most: from {show(first['profit_low'], 'number')} to "
        f"{show(first['profit_high'], 'number')} per 100 lent over its range"
    )


def curve(curve: pd.DataFrame) -> str:
    """Return how many defaults declining one in ten of the good customers avoids, along the thresholds of the model."""
    near = curve.iloc[(curve["good_refused"] - _TENTH).abs().argmin()]
    return f"Avoiding {show(near['defaults_avoided'], 'rate')} of defaults by risk means declining {show(near['good_refused'], 'rate')} of good customers"


def sheet(sheet: pd.DataFrame) -> str:
    """Return how many of the policies are shown to gain, and how many depend on an assumption."""
    tried = sheet[sheet["n_refused"] > 0] if "n_refused" in sheet else sheet
    counts = tried["verdict"].value_counts()
    gains, depends = (int(counts.get(verdict, 0)) for verdict in (SHOWN, DEPENDS))
    rest = f"; for {depends} it depends on an assumption" if depends else ""
    found = f"{gains} of {len(tried)} policies {_is_are(gains)}" if gains else f"None of {len(tried)} policies is"
    return f"{found} shown to earn more than approving everyone{rest}"


def surety(gains: pd.DataFrame) -> str:
    """Return how many gains lie above nothing with their whole interval."""
    above = int((gains["gain_low"] > 0).sum())
    return (
        f"{above} of {len(gains)} gains {_is_are(above)} above zero with the whole interval"
        if above
        else "Every policy may lose money: no interval lies above zero"
    )


def stress(shifts: pd.DataFrame) -> str:
    """Return which of the shifts takes most from approving everyone, and what is left."""
    everyone = shifts[shifts["name"] == APPROVE_ALL]
    worst = everyone.iloc[int(everyone["profit_per_100"].argmin())]
    return f"The worst of these years for approving everyone: {worst['label']} ({show(worst['profit_per_100'], 'number')} per 100 lent)"


def composition(who: pd.DataFrame) -> str:
    """Return which grade each policy of a table declines most; of grades declined alike, the last."""
    shares = who[who["attribute"] == "grade"].set_index("level").drop(columns=["attribute", "who", "loans"])
    if not len(shares.columns):
        return "None of the policies compared declines anybody"
    most = shares.iloc[::-1].idxmax()
    told = [
        f"{level} by {listed(most.index[most == level].tolist())}" for level in shares.index if (most == level).any()
    ]
    return f"The grade declined most: {'; '.join(told)}"


def expected_loss(losses: pd.DataFrame) -> str:
    """Return the expected loss of each policy's granted loans as a share of the money lent: of the first policy, and the least."""
    total = losses.groupby("policy", sort=False)[["expected_loss", "amount"]].sum()
    share = (total["expected_loss"] / total["amount"])[total["amount"] > 0]
    if share.empty:
        return "No policy lends anything, so none expects a loss"
    told = f"Expected loss: {show(share.iloc[0], 'rate')} of the money lent under “{share.index[0]}”"
    return (
        f"{told}, least under “{share.idxmin()}” ({show(share.min(), 'rate')})" if share.min() < share.iloc[0] else told
    )


def levers(levers: pd.DataFrame) -> str:
    """Return for how many levers a limit was found, and how many of those are shown to gain by themselves."""
    gains = int((levers["gain_low"] > 0).sum())
    shown = f"{gains} {_is_are(gains)}" if gains else "none is"
    return f"Limits one by one: {levers['gain'].notna().sum()} of {len(levers)} were found, {shown} shown to gain"


def limits(caps: Mapping[str, "Found"]) -> str:
    """Return where the fit of expected profit turns negative, what loans beyond realised, and why other numbers have no limit."""
    turning, without = [], []
    for name, one in caps.items():
        if one.lever is None:
            without.append(f"no limit on {words_of(name)}: {one.finding}")
            continue
        beyond = one.evidence.iloc[0]
        realised = interval(beyond["realised_low"], beyond["realised_high"], "number")
        turning.append(
            f"{words_of(name)} above {beyond['limit']:g} (realised there {show(beyond['realised'], 'number')} per 100 lent, {realised})"
        )
    found = [f"expected profit turns negative for {' and for '.join(turning)}"] if turning else []
    return capital("; ".join([*found, *without]))


def steps(steps: pd.DataFrame) -> str:
    """Return how many limits were adopted; those have the reason ADOPTED."""
    taken = steps.loc[steps["reason"] == say.ADOPTED, "lever"]
    return f"{len(taken) or 'None'} of {len(steps)} limits {_is_are(max(len(taken), 1))} adopted{': ' if len(taken) else ''}{', '.join(taken)}"


def segments(products: pd.DataFrame) -> str:
    """Return how many segments are shown to lose money and to earn."""
    count = {name: int((products["verdict"] == name).sum()) for name in (LOSES, EARNS)}
    loses = f"{count[LOSES]} of {len(products)} segments {_is_are(count[LOSES])}" if count[LOSES] else "No segment is"
    earns = f"{count[EARNS]} of {len(products)} {_is_are(count[EARNS])}" if count[EARNS] else "none is"
    return f"{loses} significantly loss-making; {earns} significantly profitable"


def _is_are(count: int) -> str:
    return "is" if count == 1 else "are"
