"""Numbers as a reader wants them, and tables as Markdown, which both report engines take."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from loantap.exhibits.heads import heads, value_in_words

_FORMATS = {
    "count": "{:,.0f}", "money": "{:,.0f}", "number": "{:,.2f}", "ratio": "{:.2f}", "rate": "{:.1%}", "score": "{:.3f}", "text": "{}",
}  # fmt: skip
# The kind of value in a column follows from its name, since names are the field's terms. What is not named here is a text.
_KINDS = {
    "count": "n loans records rows copies superseded matched loans_without rows_without compared differ defaults levels pure_levels "
    "loans_in_pure n_refused n_granted decile rank unknown days_past_due months lead_median points amber red right",
    "money": "amount_lent median_loan balance limit gain gain_least gain_most worst_corner later_loans exposure expected_loss could_save",
    "number": "seconds alerts_per_1000 defaulted repaid expected expected_gain expected_if_short realised realised_gain profit "
    "profit_change profit_per_100 per_year installment installment_before interest_change dti dti_before dti_after revol_util expected_cost break_even",
    "ratio": "odds_ratio or_low or_high observed observed_low observed_high adjusted adjusted_low adjusted_high within_grade "
    "within_grade_low within_grade_high min_detectable_or min_detectable_or_below lift ratio approval_ratio strictness",
    "rate": "default_rate other_rate share share_of_loans share_of_amount ci_low ci_high difference diff_low diff_high predicted recall "
    "precision red_precision false_positive_rate approved refused default_rate_approved defaults_avoided good_refused gap rate low "
    "default high threshold probability cumulative_defaults by_chance flip_flop missing turns_at refits_against refits_left_nothing pd_12_months",
    "score": "rho auc auc_low auc_high auc_ceiling roc_auc f2 f2_low f2_high f2_at_half brier brier_uncalibrated expected_calibration_error C psi chance_high estimate smote",
    "p": "p_value p_adjusted p_against_adjusted f2_p_adjusted homogeneity_p",
}
_KIND = {name: kind for kind, names in _KINDS.items() for name in names.split()}
ABSENT = "–"
_NOTHING, _LEAST = 1e-9, 0.0005  # a rate below the one is none; below the other it would print as none
WITH_INTERVAL = " with interval"
_ENDS = {"odds_ratio": "or", "difference": "diff"}  # whose ends have names of their own
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#@$|~^])")


def plain(text: str) -> str:
    """Return the text with every sign escaped that Markdown would read as markup: what people wrote must not become tags of a page."""
    return _MARKUP.sub(r"\\\1", text)


def show(value: float | int | str | None, kind: str) -> str:
    """Return a value as text: count, money, number, ratio, rate (a fraction as percent), score, p (p-value) or text."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ABSENT
    if kind == "p":
        return "< 0.001" if float(value) < 0.001 else f"{value:.3f}"
    if kind == "ratio" and float(value) >= 100:
        return f"{value:,.0f}"
    if kind == "rate" and abs(float(value)) < _NOTHING:
        return "0%"
    if kind == "rate" and 0 < float(value) < _LEAST:
        return f"< {_LEAST:.1%}"
    text = _FORMATS[kind].format(value)
    if kind != "text" and not re.search("[1-9]", text):
        text = text.removeprefix("-")  # what rounds to nothing has no sign
    return text


def interval(low: float | None, high: float | None, kind: str) -> str:
    """Return an interval as text, such as '18.2 to 19.1%'."""
    first, second = show(low, kind), show(high, kind)
    if first == second and not re.search("[1-9]", first.removeprefix("< 0.1")):
        return first  # nobody reads '0 to 0%'
    return f"{first.removesuffix('%')} to {second}" if ABSENT not in (first, second) else ABSENT


def estimate(value: float | None, low: float | None, high: float | None, *, kind: str, confidence: float | None = None) -> str:  # fmt: skip
    """Return a value with its interval, such as '18.7% (18.2 to 19.1%)'; a sentence says the confidence once."""
    return f"{show(value, kind)} ({of_confidence(confidence)}{interval(low, high, kind)})"


def of_confidence(confidence: float | None) -> str:
    """Return what stands before an interval: its confidence, where that is said."""
    return "" if confidence is None else f"{percent(confidence)} interval "


def bullets(texts: Iterable[str]) -> str:
    """Return texts as a Markdown list."""
    return "\n".join(f"- {text}" for text in texts)


def percent(share: float) -> str:
    """Return a share that people chose, such as the confidence of an interval, as text: '95%'."""
    return f"{100 * share:g}%"


def at_the_edge(chosen: float, tried: Sequence[float], name: str) -> str:
    """Return a sentence where a search chose the smallest or the largest value tried, else nothing."""
    if len(tried) < 2 or min(tried) < chosen < max(tried):
        return ""
    side = "smallest" if chosen == min(tried) else "largest"
    return f"{name} = {chosen:g} is the {side} that was tried; one beyond might do better."


def columns(*names: str, confidence: Any = None, **kinds: str) -> dict[str, str]:
    """Return the columns of a table to show, each with its kind of value; 'default_rate with interval' shows the interval in the cell.

    Args:
        names: Of the columns.
        confidence: Of all intervals, in (0, 1), for the heads to name; None for none.
        kinds: Of columns that mean something else here, such as profit="rate" where it is a share of the money.
    """
    of_level = "" if confidence is None else f" of {percent(confidence)}"
    split = [name.partition(WITH_INTERVAL)[:2] for name in names]
    return {name: (_KIND | kinds).get(name, "text") + (merged and merged + of_level) for name, merged in split}


def by_name(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the rows of a table by their name."""
    return {str(row["name"]): {str(key): value for key, value in row.items()} for row in table.to_dict("records")}


def ends_of(name: str, table: pd.DataFrame) -> tuple[str, str]:
    """Return the columns that hold the ends of a value's interval: its own, or those of all intervals of the table."""
    prefix = next(one for one in (name, _ENDS.get(name), "ci") if f"{one}_low" in table)
    return f"{prefix}_low", f"{prefix}_high"


def capital(text: str) -> str:
    """Return a text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def listed(texts: Sequence[str]) -> str:
    """Return texts as a sentence lists them: 'one, two and three'."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def to_markdown(table: pd.DataFrame, formats: Mapping[str, str]) -> str:
    """Return the table as Markdown, with the columns and kinds of `formats`, texts left, numbers right.

    A kind WITH_INTERVAL takes the ends that `ends_of` names; a confidence after it goes into the head: 'Default rate (95% CI)'.
    """
    texts = [_cells(table, name, kind) for name, kind in formats.items()]
    levels = [kind.partition(f"{WITH_INTERVAL} of ")[2] for kind in formats.values()]
    names = [f"{head} ({level} CI)" if level else head for head, level in zip(heads(formats), levels, strict=True)]
    sides = tuple("left" if kind == "text" else "right" for kind in formats.values())
    rows = [list(row) for row in zip(*texts, strict=True)]
    return pd.DataFrame(rows, columns=names).to_markdown(index=False, disable_numparse=True, colalign=sides)


def _cells(table: pd.DataFrame, name: str, kind: str) -> list[str]:
    base, merged, _ = kind.partition(WITH_INTERVAL)
    texts = [value_in_words(name, show(value, base)) if base == "text" else show(value, base) for value in table[name]]
    if merged:
        low, high = ends_of(name, table)
        intervals = [interval(*ends, base) for ends in zip(table[low], table[high], strict=True)]
        pairs = zip(texts, intervals, strict=True)
        texts = [text if ABSENT in (text, ends) else f"{text} ({ends})" for text, ends in pairs]
    return [plain(text) for text in texts]
