"""What early warning says of probabilities over time: who defaults within a year, whether that came true, and what it may cost."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from loantap.data.panel import DEFAULT_DAYS
from loantap.exhibits.exhibit import Exhibit, Notice
from loantap.exhibits.plots import early_warning as plots
from loantap.exhibits.words import bullets, columns, listed, percent, plain, show
from loantap.watchlist.expected_loss import MIN_DEFAULTS, ExpectedLoss
from loantap.watchlist.hazards import HORIZON, Hazards
from loantap.watchlist.hazards_backtest import FEW, HazardBacktest

_FEW = f"Groups of fewer than {FEW} loans are left out."
_SCENARIOS = ("better", "base", "worse")
SKETCH = Notice(
    "A sketch of IFRS 9",
    "Stages and losses are for steering, not for a balance sheet. Scenarios multiply the odds of default by assumed factors with assumed "
    "weights; no economy is forecast. What the application let expect is computed with today's hazards, not kept from the day of the loan.",
)
SIMPLIFIED = (
    "The rise in risk is judged loan by loan, by probabilities of 12 months, in the base scenario.",
    "Beyond 12 months the hazards of the last months go on: a projection that nobody has seen come true.",
    "Exposure follows the schedule, with three installments unpaid at default. Losses are discounted at the loan's own rate.",
    "Loss given default is one assumption for all loans and scenarios.",
    "Interest after a default, costs and loans already charged off are left out.",
    "Stages are no lights. A stage asks whether the risk has risen since the loan was granted, a light whether somebody should look now.",
    "Exposures by light and by days past due tell the loss of twelve months on what is owed today: another number.",
)


def probability_now(
    now: pd.DataFrame | None, hazards: Hazards | None, why_not: str, *, month: str, confidence: float
) -> Exhibit:
    """Show the 12-month probability of default of the live loans of a month, by group as from `by_group`."""
    if hazards is None or now is None:
        return Exhibit(text=plain(why_not))
    first, last = hazards.months
    caption = (
        f"{percent(confidence)} intervals, robust to what the months of a loan share; they tell how well the mean is known. Default: "
        f"{DEFAULT_DAYS} days past due or charged off. From {show(hazards.defaults, 'count')} defaults and "
        f"{show(hazards.repayments, 'count')} early repayments of {show(hazards.loans, 'count')} loans, {first} to {last}. {_FEW}"
    )
    shown = columns("group", "loans", "pd with interval", "repaid_early", pd="rate", repaid_early="rate")
    return Exhibit("probability-over-time", now_title(now, month), caption, table=now, columns=shown)


def now_title(now: pd.DataFrame, month: str) -> str:
    """Return what share of the live loans is expected to default within a year, and where it is highest."""
    if now.empty:
        return f"No group of live loans in {month} is large enough to be told"
    whole, groups = now.iloc[0], now.iloc[1:]
    share = f"{show(whole['pd'], 'rate')} of the live loans in {month} are expected to default within {HORIZON} months"
    if groups.empty:
        return share
    top = groups.iloc[int(groups["pd"].to_numpy().argmax())]
    return f"{share}; of those in “{top['group']}” {show(top['pd'], 'rate')}"


def came_true(backtest: HazardBacktest | None, why_not: str) -> Exhibit:
    """Show the defaults that came against those expected, by group."""
    if backtest is None:
        return Exhibit(text=plain(why_not))
    groups = backtest.groups
    caption = (
        f"Hazards of the months until {backtest.fitted_until} against the {backtest.horizon} months after it; {percent(backtest.confidence)} "
        f"intervals. Tenths are of the probability of loans that are not late, the lowest first. What moves all loans at once, such as a "
        f"recession, is in no interval. {_FEW} n = {show(groups.loc[groups['kind'] == 'all', 'loans'].sum(), 'count')} loans."
    )
    shown = columns("group", "loans", "defaults", "expected_rate with interval", "observed_rate with interval", "agrees", expected_rate="rate", observed_rate="rate")  # fmt: skip
    named = groups.assign(group=np.where(groups["kind"] == "tenth", "tenth " + groups["group"].astype(str), groups["group"]))  # fmt: skip
    return Exhibit(
        "probability-came-true", came_true_title(backtest), caption,
        "Two dots with intervals for each group of loans: the share expected to default, and the share that did.",
        table=named, columns=shown, figure=plots.plot_expected_observed(named),
    )  # fmt: skip


def came_true_title(backtest: HazardBacktest) -> str:
    """Return whether as many loans defaulted as were expected, of all and by group."""
    whole, parts = (backtest.groups[(backtest.groups["kind"] == "all") == is_all] for is_all in (True, False))
    if whole.empty:
        return "Too few live loans to hold probabilities against what came"
    row = whole.iloc[0]
    expected, more = show(row["expected_rate"], "rate"), row["observed_rate"] > row["expected_rate"]
    verdict = f", {'more' if more else 'fewer'} than the {expected} expected"
    if row["agrees"]:
        verdict = f"; {expected} were expected, a difference within chance"
    tenths = backtest.groups[backtest.groups["kind"] == "tenth"]
    same_way = int(((tenths["observed_rate"] > tenths["expected_rate"]) == more).sum())
    missed, chance = int((~parts["agrees"].astype(bool)).sum()), show((1 - backtest.confidence) * len(parts), "number")
    return (
        f"Within {backtest.horizon} months {show(row['observed_rate'], 'rate')} of loans defaulted{verdict}. "
        f"{same_way} of {len(tenths)} tenths err to the same side; of {len(parts)} groups {missed} differ{'s' if missed == 1 else ''} by more than chance "
        f"(about {chance} would)"
    )


def stages(losses: ExpectedLoss | None, why_not: str, *, month: str) -> Exhibit:
    """Show stages and expected credit loss in money, by scenario."""
    if losses is None:
        return Exhibit(text=plain(why_not))
    rules, scenarios = losses.settings, [getattr(losses.settings, name) for name in _SCENARIOS]
    odds, weights = listed([f"{one.odds:g}" for one in scenarios]), listed([f"{one.weight:.0%}" for one in scenarios])
    second = losses.loans[losses.loans["stage"] == 2]
    cut = ""
    if short := int(((second["cut"] > 0) | second["cut"].isna()).sum()):
        cut = f" Of {short:,} {'loan' if short == 1 else 'loans'} in stage 2 the whole term cannot be told: less is counted than will be lost."
    caption = (
        f"Odds of default times {odds} in the better, base and worse scenario, with weights of {weights}: assumptions. "
        f"Loss given default: {show(losses.loss_given_default, 'rate')}. {percent(losses.confidence)} intervals tell how well the hazards are known, "
        f"as if the assumptions were certain. In currency.{cut}"
    )
    rule = (
        f"Stage 3 is default, its probation included. Stage 2 is a loan {rules.backstop_days} days past due or more, one of which nobody knows how "
        f"late it is, or one whose probability has risen. It has risen if it is {rules.relative:g} times what the application let expect of a "
        f"loan of that age, and {100 * rules.absolute:g} percentage points more. Stage 1 is the rest."
    )
    money: Any = dict.fromkeys(_SCENARIOS, "money")
    shown = columns("stage", "loans", "exposure", *_SCENARIOS, "expected_loss with interval", "coverage", coverage="rate", **money)  # fmt: skip
    text = f"{plain(rule)}\n\n{bullets(SIMPLIFIED)}"
    return Exhibit("expected-loss", stages_title(losses, month), caption, "", text, losses.stages, shown, notice=SKETCH)


def stages_title(losses: ExpectedLoss, month: str) -> str:
    """Return what is expected to be lost, and how much of it in stage 2."""
    by_stage = {row["stage"]: row for row in losses.stages.to_dict("records")}
    whole, second = by_stage["all"], by_stage["2"]
    if not whole["exposure"] > 0:
        return f"Nothing is owed in {month}, so nothing can be lost"
    share_of_loans = second["loans"] / whole["loans"]
    share_of_loss = second["expected_loss"] / whole["expected_loss"] if whole["expected_loss"] > 0 else 0.0
    return (
        f"Of {show(whole['exposure'], 'money')} owed in {month}, {show(whole['expected_loss'], 'money')} ({show(whole['coverage'], 'rate')}) are expected "
        f"to be lost; stage 2 holds {show(share_of_loans, 'rate')} of loans and {show(share_of_loss, 'rate')} of the loss"
    )


def record(
    hazards: Hazards | None, now: pd.DataFrame | None, backtest: HazardBacktest | None, losses: ExpectedLoss | None,
    withheld: Mapping[str, int], *, why_not: str, why_no_backtest: str, month: str, confidence: float,
) -> dict[str, Any]:  # fmt: skip
    """Return what the run's results hold of probabilities over time, with the sentences that follow from them.

    Args:
        hazards: Fitted, or None, and `why_not`.
        now: As in `probability_now`.
        backtest: As from `backtest_hazards`, or None, and `why_no_backtest`.
        losses: As from `expected_loss`, or None.
        withheld: How many live loans have no lifetime probability, by reason.
        why_not: Why there are no hazards.
        why_no_backtest: Why they were not held against what came.
        month: Of the probabilities.
        confidence: Of the intervals.
    """
    if hazards is None or now is None:
        return {"why_not": why_not, "sentence": why_not}
    outlook = {
        "month": month, "horizon": HORIZON, "confidence": confidence, "defaults": hazards.defaults, "early_repayments": hazards.repayments,
        "loans": hazards.loans, "fitted_to": hazards.fitted_to, "oldest": hazards.oldest, "groups": now.to_dict("records"),
        "sentence": f"{now_title(now, month)}.", "lifetime_withheld": dict(withheld), "lifetime_sentence": lifetime_sentence(withheld),
    }  # fmt: skip
    outlook["backtest"] = {"why_not": why_no_backtest, "sentence": why_no_backtest} if backtest is None else {
        "fitted_until": str(backtest.fitted_until), "horizon": backtest.horizon, "groups": backtest.groups.to_dict("records"),
        "sentence": f"{came_true_title(backtest)}.",
    }  # fmt: skip
    if losses is not None:
        outlook["expected_loss"] = {
            "stages": losses.stages.to_dict("records"), "settings": losses.settings.model_dump(), "loss_given_default": losses.loss_given_default,
            "sentence": f"{stages_title(losses, month)}.",
        }  # fmt: skip
    return outlook


def lifetime_sentence(withheld: Mapping[str, int]) -> str:
    """Return of how many loans the lifetime probability is told, and why not of the others."""
    missing = {reason: count for reason, count in withheld.items() if reason and count}
    rule = f"It needs {MIN_DEFAULTS} defaults, and loans that were seen at every age until the last installment."
    if not missing:
        return f"The probability until the last installment is a projection, told of every live loan. {rule}"
    reasons = listed([f"of {show(count, 'count')}, since {reason}" for reason, count in missing.items()])
    return f"The probability until the last installment is a projection. It is withheld {reasons}. {rule}"
