"""What may be recommended: a policy's gain is shown, depends on an assumption, or is not shown."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

SHOWN, DEPENDS, NOT_SHOWN = "shown", "depends", "not shown"
# Policies that sentences speak of by name.
APPROVE_ALL, COMBINED, PLAIN, LEAST_DISPARATE = "approve all", "combined", "plain", "least_disparate"
OWN_PRICE, RISK_CUT_OFF = "own_price", "risk_cut_off"
FOUR_FIFTHS = 0.8  # approval ratio, see `FairnessTables`
# Why a gain is not shown, the first that holds.
NOBODY, NO_GAIN, NOT_LATER, LATER_LOSES = "refuses nobody", "no gain", "not judged", "loses later"


def verdicts(effects: pd.DataFrame, scenarios: pd.DataFrame, later: pd.DataFrame | None) -> pd.DataFrame:
    """Return the verdict on the gain of each policy.

    The gain is shown if its interval, which holds for all policies at once, lies above 0; the same rules, made from earlier loans,
    gained on the last ones too; and it stays above 0 when any one assumption is varied over its range. It depends on the
    assumptions that fail the last part alone. Else it is not shown.

    Args:
        effects: One row per policy, from `simulate` on the loans that neither chose nor fitted it: name, n_refused, gain_low.
        scenarios: From `scenarios`, for the same refusals.
        later: Effects on the last loans of policies that were made from earlier ones; None where there was no judging them.

    Returns:
        One row per policy: name, verdict, why (why it is not shown, else empty) and turning: the assumptions that it depends on.
    """
    least = scenarios.pivot(index="name", columns="assumption", values="gain_least")
    later_gain = {} if later is None else dict(zip(later["name"], later["gain"], strict=True))
    rows = []
    for row in effects.to_dict("records"):
        name = row["name"]
        after = later_gain.get(name, np.nan)
        failed = {
            NOBODY: row["n_refused"] == 0,
            NO_GAIN: not row["gain_low"] > 0,
            NOT_LATER: bool(np.isnan(after)),
            LATER_LOSES: not after > 0,
        }
        why = next((reason for reason, fails in failed.items() if fails), "")
        turning = tuple(str(one) for one in least.columns[~(least.loc[name] > 0)])
        verdict = NOT_SHOWN if why else DEPENDS if turning else SHOWN
        rows.append({"name": name, "verdict": verdict, "why": why, "turning": () if why else turning})
    return pd.DataFrame(rows, columns=["name", "verdict", "why", "turning"])


@dataclass(frozen=True)
class Choice:
    """Which policy the committee is asked about.

    Attributes:
        verdict: The best that any policy has: shown, depends or not shown.
        name: The policy of that verdict that gains most; None where none is shown or depends.
    """

    verdict: str
    name: str | None


def choose(effects: pd.DataFrame, verdicts: pd.DataFrame) -> Choice:
    """Return the policy of the best verdict that gains most, and that verdict."""
    judged = effects.merge(verdicts, on="name", validate="one_to_one")
    for verdict in (SHOWN, DEPENDS):
        some = judged[judged["verdict"] == verdict].sort_values("gain", ascending=False, kind="stable")
        if len(some):
            return Choice(verdict, str(some["name"].iloc[0]))
    return Choice(NOT_SHOWN, None)
