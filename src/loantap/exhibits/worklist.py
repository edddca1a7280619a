"""What the work list shows: whom to act on first, the offers that fit, and what became of last month's rows."""

import pandas as pd

from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.words import ABSENT, bullets, columns, percent, plain, show
from loantap.model.economics import DEFAULTS
from loantap.watchlist.last_worklist import Outcomes
from loantap.watchlist.settings import ActingSettings
from loantap.watchlist.worklist import totals

_NO_OFFER = "none fits"
WHAT_SAVES = (
    f"The expected loss is the probability of default within 12 months, times the exposure, times a loss given default of "
    f"{percent(DEFAULTS['loss_given_default'])}."
)
_LONGEST = 60  # signs of what people wrote that are shown


def work(listed: pd.DataFrame, *, month: str, saved: ActingSettings, no_risk: str) -> Exhibit:
    """Show the work list of a month; `no_risk` says why the probability of default within 12 months is not known, if it is not."""
    caption = f"{order_sentence(no_risk)} {saved.words} n = {show(len(listed), 'count')} loans."
    return Exhibit("worklist", work_title(listed, month), caption, table=as_shown(listed), columns=work_columns(listed))


def as_shown(listed: pd.DataFrame) -> pd.DataFrame:
    """Return a work list as it is shown: days past due with the month they are of, the strongest reasons, a dash for no offer."""
    late = [
        show(days, "count") + (f" (known in {month})" if month and not pd.isna(days) else "")
        for days, month in zip(listed["days_past_due"], listed["days_past_due_as_of"], strict=True)
    ]
    since = listed["since"].str.replace("-", "\N{NON-BREAKING HYPHEN}")
    offers = listed["offer"].replace("", ABSENT)
    return with_main_reasons(listed).assign(days_past_due=late, offer=offers, light_since=since)


def work_columns(listed: pd.DataFrame) -> dict[str, str]:
    """Return the columns of a work list that anything is known of."""
    known = [name for name in ("pd_12_months", "expected_loss", "could_save") if listed[name].notna().any()]
    first = ("rank", "loan_id", "light", "light_since", "mainly", "exposure", "days_past_due")
    return columns(*first, *known, "changed", "offer", days_past_due="text")


def order_sentence(no_risk: str) -> str:
    """Return in which order a work list stands."""
    if no_risk:
        return f"Red first, then in default, unknown and amber; the largest exposure first. {no_risk}"
    return f"First red and gone loans whose expected loss is not known, then those where acting could save most. {WHAT_SAVES}"


def with_main_reasons(listed: pd.DataFrame) -> pd.DataFrame:
    """Return a list with the strongest reasons of each loan in a column of their own, and how many more there are."""
    parts = [text.split("; ") for text in listed["reasons"]]
    more = [f", and {len(reasons) - 2} more" if len(reasons) > 2 else "" for reasons in parts]
    return listed.assign(mainly=["; ".join(reasons[:2]) + rest for reasons, rest in zip(parts, more, strict=True)])


def work_title(listed: pd.DataFrame, month: str) -> str:
    """Return how many loans there are to act on, and what that could save."""
    line = totals(listed).iloc[-1]
    unknown = f"; of {show(line['unknown'], 'count')} the expected loss is not known" if line["unknown"] else ""
    if line["unknown"] == line["loans"]:
        return f"Work list of {month}: {show(line['loans'], 'count')} loans with an exposure of {show(line['exposure'], 'money')}"
    return (
        f"Work list of {month}: {show(line['loans'], 'count')} loans with an expected loss of {show(line['expected_loss'], 'money')}, of which acting "
        f"is assumed to save {show(line['could_save'], 'money')}{unknown}"
    )  # fmt: skip


def by_light(listed: pd.DataFrame) -> Exhibit:
    """Show the work list in money, by light; it names no loan."""
    caption = f"Sums of what is known; n = {show(len(listed), 'count')} loans."
    shown = columns("light", "loans", "exposure", "expected_loss", "could_save", "unknown")
    return Exhibit("worklist-by-light", "The work list by light", caption, table=totals(listed), columns=shown)


def fitting(chosen: pd.DataFrame, *, dti_at_most: float, relief: float, fall: float) -> Exhibit:
    """Show how often each offer is the one that fits: `restructuring.best_offer` under its assumptions."""
    grouped = chosen.assign(offer=chosen["offer"].replace("", _NO_OFFER)).groupby("offer", sort=False)
    cost = grouped["expected_cost"]
    n = grouped.size()
    table = pd.DataFrame({"n": n, "expected_cost": cost.sum(min_count=1), "unknown": n - cost.count()})
    table = table.reset_index().sort_values("n", ascending=False, kind="stable", ignore_index=True)
    table.loc[table["offer"] == _NO_OFFER, "unknown"] = 0
    fits = int((chosen["offer"] != "").sum())
    caption = (
        f"What fits is the cheapest offer that brings debt-to-income to {dti_at_most:g}% or less and lowers the debt payments by {percent(relief)} or "
        f"more. Where there is none, it is the one that lowers them most. No offer fits that pays for itself only by taking away more than {percent(fall)} of "
        f"the risk. These limits are assumptions. Expected cost: sum of what is known; n = {show(len(chosen), 'count')} loans."
    )
    title, shown = f"An offer fits {fits:,} of {len(chosen):,} loans", columns("offer", "n", "expected_cost", "unknown")
    return Exhibit("worklist-offers", title, caption, table=table, columns=shown)


def became(outcomes: Outcomes) -> Exhibits:
    """Show what became of last month's rows, together and by owner and status; it names no loan."""
    count, notes = f"{outcomes.counts['loans'].sum():,}", bullets(map(plain, outcomes.notes))
    written = [" ".join(text.split())[:_LONGEST] for text in outcomes.by["value"]]  # in one line, or a row would break
    return together(
        Exhibit(
            "worklist-outcomes", f"What became of the {count} loans of the last work list", f"n = {count} loans.", text=notes,
            table=outcomes.counts, columns=columns("outcome", "loans"),
        ),
        Exhibit(
            "worklist-outcomes-by", "The same by owner and by status", f"n = {count} loans, in each of the two.",
            table=outcomes.by.assign(value=written), columns=columns("kind", "value", "outcome", "loans"),
        ),
    )  # fmt: skip
