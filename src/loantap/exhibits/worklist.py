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
_MAY_LACK = ("pd_12_months", "expected_loss", "could_save")
_REASONS = 2
_NO_BREAK = "\N{NON-BREAKING HYPHEN}"
_LONGEST = 60  # signs of what people wrote that are shown


def work(listed: pd.DataFrame, *, month: str, saved: ActingSettings, no_risk: str) -> Exhibit:
    """Show the work list.

    Args:
        listed: As from `worklist.worklist`.
        month: Of which month, such as 2016-05.
        saved: What acting is assumed to save.
        no_risk: Why the probability of default within 12 months is not known, or "".
    """
    caption = f"{order_sentence(no_risk)} {saved.words} n = {show(len(listed), 'count')} loans."
    return Exhibit("worklist", work_title(listed, month), caption, table=as_shown(listed), columns=work_columns(listed))


def as_shown(listed: pd.DataFrame) -> pd.DataFrame:
    """Return a work list as it is shown: days past due with the month they are of, the strongest reasons, a dash for no offer."""
    return with_main_reasons(listed).assign(
        days_past_due=_days(listed), offer=listed["offer"].replace("", ABSENT), light_since=listed["since"].str.replace("-", _NO_BREAK)
    )  # fmt: skip


def work_columns(listed: pd.DataFrame) -> dict[str, str]:
    """Return the columns of a work list that anything is known of."""
    known = [name for name in _MAY_LACK if listed[name].notna().any()]
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
    more = [f", and {len(part) - _REASONS} more" if len(part) > _REASONS else "" for part in parts]
    return listed.assign(mainly=["; ".join(part[:_REASONS]) + rest for part, rest in zip(parts, more, strict=True)])


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
    table = grouped.agg(n=("loan_id", "size"), expected_cost=("expected_cost", lambda costs: costs.sum(min_count=1)), unknown=("expected_cost", lambda costs: int(costs.isna().sum())))  # fmt: skip
    table = table.reset_index().sort_values("n", ascending=False, kind="stable", ignore_index=True)
    table.loc[table["offer"] == _NO_OFFER, "unknown"] = 0
    fits = int((chosen["offer"] != "").sum())
    caption = (
        f"What fits is the cheapest offer that brings debt-to-income to {dti_at_most:g}% or less and lowers the debt payments by {percent(relief)} or "
        f"more. Where there is none, it is the one that lowers them most. No offer fits that pays for itself only by taking away more than {percent(fall)} of "
        f"the risk. These limits are assumptions. Expected cost: sum of what is known; n = {show(len(chosen), 'count')} loans."
    )
    title = f"An offer fits {show(fits, 'count')} of {show(len(chosen), 'count')} loans"
    return Exhibit(
        "worklist-offers", title, caption, table=table, columns=columns("offer", "n", "expected_cost", "unknown")
    )


def became(found: Outcomes) -> Exhibits:
    """Show what became of last month's rows, together and by owner and status; it names no loan."""
    count = show(int(found.counts["loans"].sum()), "count")
    notes = bullets(map(plain, found.notes))
    whole = Exhibit(
        "worklist-outcomes", f"What became of the {count} loans of the last work list", f"n = {count} loans.", text=notes, table=found.counts,
        columns=columns("outcome", "loans"),
    )  # fmt: skip
    shown = columns("kind", "value", "outcome", "loans")
    written = [" ".join(text.split())[:_LONGEST] for text in found.by["value"]]  # in one line, or a row would break
    parts = Exhibit(
        "worklist-outcomes-by", "The same by owner and by status", f"n = {count} loans, in each of the two.", table=found.by.assign(value=written), columns=shown
    )  # fmt: skip
    return together(whole, parts)


def _days(listed: pd.DataFrame) -> list[str]:
    """Return days past due as a reader wants them: '45', '45 (known in 2016-02)'."""
    return [
        show(days, "count") + (f" (known in {month})" if month and not pd.isna(days) else "")
        for days, month in zip(listed["days_past_due"], listed["days_past_due_as_of"], strict=True)
    ]
