"""The month's work list: one row a loan, first where acting could save most, with columns that people fill in."""

import numpy as np
import pandas as pd

from loantap.errors import InputError
from loantap.model.economics import Economics
from loantap.watchlist.settings import ActingSettings
from loantap.watchlist.worklist_columns import COLUMNS, IN_DEFAULT, PEOPLES

_ORDER = ("red", IN_DEFAULT, "gone", "unknown", "amber", "green")  # where nobody knows what acting could save
_COMPUTED = ("rank", "expected_loss", "could_save")
_OPTIONAL = "days_past_due_as_of"
_GIVEN = tuple(name for name in COLUMNS if name not in (*_COMPUTED, _OPTIONAL, *PEOPLES))


def worklist(loans: pd.DataFrame, *, economics: Economics, saved: ActingSettings) -> pd.DataFrame:
    """Return the work list, ordered by what acting could save.

    Where that is not known, red loans and those that are gone come first of all, and the others last, by light and exposure.

    Args:
        loans: One row a loan to work on: loan_id, light, since (month its light began, as text), reasons (words), exposure (currency),
            days_past_due, pd_12_months (probability of default within 12 months, a fraction), changed (words), offer (the one that
            fits, or "" where there is none) and its expected_cost (currency); days_past_due_as_of (the month in which they were last
            known, "" for this one) may be absent.
        economics: For its loss given default.
        saved: What acting saves.

    Returns:
        The COLUMNS: rank from 1; expected_loss: pd_12_months x exposure x loss given default, where a loan in default has
        defaulted for sure; could_save: expected_loss x the share that acting saves; amounts with two decimals, days whole; owner,
        status, due_date and note are empty.

    Raises InputError if a column is absent or a loan stands there twice.
    """
    if absent := [name for name in _GIVEN if name not in loans]:
        raise InputError(f"loans: expected the columns {', '.join(_GIVEN)}; {', '.join(absent)} is absent.")
    if loans["loan_id"].duplicated().any():
        raise InputError("loans: expected one row a loan, got several of the same loan.")
    exposure, risk, days, cost = (
        loans[name].to_numpy(dtype=float, na_value=np.nan) for name in ("exposure", "pd_12_months", "days_past_due", "expected_cost")
    )  # fmt: skip
    if ((risk < 0) | (risk > 1)).any():
        raise InputError("loans: expected pd_12_months within 0 to 1, got others. Give fractions, not percentages.")
    inside = loans["light"].to_numpy() == IN_DEFAULT
    risk = np.where(inside, 1.0, risk)
    lost = risk * exposure * economics.loss_given_default
    could_save = lost * np.where(inside, saved.in_default, saved.performing)
    # Where only defaults have a probability, what they cost must not put them before all others.
    ordered = could_save if not np.isnan(risk[~inside]).all() else np.full(len(loans), np.nan)
    words = ("light", "since", "reasons", "changed", "offer")
    table = loans.assign(
        pd_12_months=risk.round(4), exposure=exposure.round(2), expected_loss=lost.round(2), could_save=could_save.round(2),
        expected_cost=cost.round(2), days_past_due=pd.array(np.rint(days), dtype="Int64"),
        **{name: loans[name].fillna("").astype("str") for name in words}, **dict.fromkeys(PEOPLES, ""),
        **{_OPTIONAL: loans[_OPTIONAL].fillna("").astype("str") if _OPTIONAL in loans else ""},
    )  # fmt: skip
    keys = pd.DataFrame(
        {
            "asks": ~(np.isnan(ordered) & loans["light"].isin(("red", "gone")).to_numpy()), "could_save": -ordered, "light": loans["light"].map({light: place for place, light in enumerate(_ORDER)}).to_numpy(),
            "exposure": -exposure, "loan_id": loans["loan_id"].astype("str").to_numpy(),
        }
    ).sort_values(["asks", "could_save", "light", "exposure", "loan_id"], na_position="last")  # fmt: skip
    table = table.iloc[keys.index].reset_index(drop=True)
    return table.assign(rank=np.arange(1, len(table) + 1))[list(COLUMNS)]


def carried(listed: pd.DataFrame, last: pd.DataFrame) -> pd.DataFrame:
    """Return a work list with owner, status, due date and note of the same loans in an earlier one, as from `read_last`."""
    known = last.set_index("loan_id")[list(PEOPLES)].reindex(listed["loan_id"].astype("str")).fillna("")
    return listed.assign(**{name: known[name].to_numpy() for name in PEOPLES})


def totals(listed: pd.DataFrame) -> pd.DataFrame:
    """Return the work list by light, with a last line for all.

    Returns:
        light, loans, exposure, expected_loss and could_save (sums of what is known, currency) and unknown (loans whose expected
        loss is not known).
    """
    counted = listed.assign(loans=1, unknown=listed["expected_loss"].isna().astype(int))
    names = ["loans", "exposure", "expected_loss", "could_save", "unknown"]
    by_light = counted.groupby("light", sort=False)[names].sum(min_count=1).reset_index()
    whole = counted[names].sum(min_count=1).to_frame().T.assign(light="all").fillna({"loans": 0, "unknown": 0})
    kinds = {"loans": "int64", "unknown": "int64", **dict.fromkeys(names[1:4], "float64")}
    return pd.concat([by_light, whole], ignore_index=True).astype(kinds).round(2)
