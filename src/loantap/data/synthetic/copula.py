"""One status's loans of one chunk: exact quotas, arranged by the ranks of correlated normal draws."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from loantap.data.synthetic.coding import LATENTS
from loantap.data.synthetic.plan import StatusQuotas
from loantap.data.synthetic.quotas import Counts
from loantap.data.synthetic.reference import Measure, Reference
from loantap.data.synthetic.repairs import bankruptcies_within, raise_by_swaps

Floats = NDArray[np.floating]
Columns = dict[str, NDArray[Any]]


def by_rank(latent: Floats, ordered: NDArray[Any]) -> NDArray[Any]:
    """Return the `ordered` values in the order of `latent`: the smallest gets the first."""
    values = np.empty(len(latent), ordered.dtype)
    values[np.argsort(latent, kind="stable")] = ordered
    return values


def level_codes(counts: Counts) -> NDArray[np.int16]:
    """Return each level's code as often as its count, in order."""
    return np.repeat(np.arange(len(counts), dtype=np.int16), counts)


def spread(measure: Measure, counts: Counts, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the ordered values, in steps: every cell's loans evenly over its values, each place jittered."""
    cell = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(cell)) - (np.cumsum(counts) - counts)[cell]
    share = (place + rng.random(len(cell))) / counts[cell]
    wide = (measure.last > measure.first)[cell]
    steps = measure.first[cell]
    steps[wide] = measure.between_spikes(cell[wide], share[wide])
    return np.sort(steps)


def rates_over_time(
    sub_grade: NDArray[Any], time: Floats, reference: Reference, quotas: StatusQuotas
) -> NDArray[np.int64]:
    """Return interest rates in hundredths of a percent: each sub-grade's price list, walked through in time."""
    asked = [np.repeat(reference.prices[name].rates, counts) for name, counts in quotas.prices.items()]
    rates = np.empty(len(sub_grade), dtype=np.int64)
    rates[np.lexsort((time, sub_grade))] = np.concatenate(asked)
    return rates


def draw_status(reference: Reference, status: str, quotas: StatusQuotas, rng: np.random.Generator) -> Columns:
    """Return the coded columns of `quotas.rows` loans of one status.

    Categories are int16 positions in the reference's levels, measures are whole numbers of steps, `int_rate` is in
    hundredths of a percent; missing is the last level of emp_length and emp_title, NaN in the counts of records and
    mortgages, -1 in revol_util. Marginal counts are those of `quotas`.
    """
    rows, counts = quotas.rows, quotas.categories
    columns: Columns = {"purpose": rng.permutation(level_codes(counts["purpose"]))}
    normal = rng.standard_normal((rows, len(LATENTS)), dtype=np.float32) @ reference.cholesky[status].T
    normal += reference.purpose_shifts[columns["purpose"]]
    latent = {name: normal[:, i] for i, name in enumerate(LATENTS)}

    for name in ("sub_grade", "home_ownership", "verification_status", "issue_d"):
        columns[name] = by_rank(latent[name], level_codes(counts[name]))
    for name in ("loan_amnt", "annual_inc", "dti", "open_acc", "total_acc", "revol_bal", "credit_months"):
        columns[name] = by_rank(latent[name], spread(reference.measures[name], quotas.measures[name], rng))
    band = np.searchsorted(reference.amount_edges, columns["loan_amnt"])
    shift = reference.grade_shifts[columns["sub_grade"] // 5] + reference.amount_shifts[band]
    columns["term"] = by_rank(latent["term"] + shift, level_codes(counts["term"]))

    issued = columns["issue_d"] + rng.random(rows)
    columns["int_rate"] = rates_over_time(columns["sub_grade"], issued, reference, quotas)
    # Who owes nothing on credit lines comes first: revol_util is then missing (-1 step, the lowest cell) or 0.
    owing = columns["revol_bal"] > 0
    used = spread(reference.measures["revol_util"], quotas.measures["revol_util"], rng)
    columns["revol_util"] = by_rank(np.where(owing, latent["revol_util"], -np.inf), used)
    columns["revol_util"][~owing & (columns["revol_util"] > 0)] = 0
    columns["pub_rec"] = by_rank(latent["pub_rec"], _numbers(reference, "pub_rec", counts["pub_rec"]))
    columns["pub_rec_bankruptcies"] = _bankruptcies(columns, issued, latent, reference, quotas, rng)
    columns["mort_acc"] = _mortgages(issued, latent["mort_acc"], reference, quotas)
    raise_by_swaps(columns["total_acc"], np.fmax(columns["open_acc"], columns["mort_acc"]), rng)

    columns["emp_length"] = _employment(latent, counts["emp_length"])
    unemployed = columns["emp_length"] == len(counts["emp_length"]) - 1
    columns["emp_title"] = by_rank(rng.random(rows) + unemployed, level_codes(counts["emp_title"]))
    whole = columns["issue_d"] >= reference.first_whole_loan_month
    columns["initial_list_status"] = by_rank(
        np.where(whole, latent["initial_list_status"], -np.inf), level_codes(counts["initial_list_status"])
    )
    joint = columns["issue_d"] >= reference.first_joint_loan_month
    columns["application_type"] = by_rank(rng.random(rows) + joint, level_codes(counts["application_type"]))
    for name in ("pincode", "state"):
        columns[name] = rng.permutation(level_codes(counts[name]))
    return columns


def _numbers(reference: Reference, name: str, counts: Counts) -> NDArray[np.float64]:
    """Return the numeric levels of a column as often as their counts, ascending; missing ones first, as NaN."""
    levels = np.array([np.nan if level is None else level for level in reference.categories[name].levels], dtype=float)
    return np.repeat(levels, counts)


def _oldest_first(issued: Floats, missing: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of the `missing` oldest loans, which the lender had not asked yet, and the others."""
    order = np.argsort(issued, kind="stable")
    return order[:missing], np.sort(order[missing:])


def _mortgages(issued: Floats, latent: Floats, reference: Reference, quotas: StatusQuotas) -> NDArray[np.float64]:
    """Return mort_acc, missing for the oldest loans."""
    counts = quotas.categories["mort_acc"]
    _, asked = _oldest_first(issued, int(counts[0]))
    mortgages = np.full(len(issued), np.nan)
    mortgages[asked] = by_rank(latent[asked], _numbers(reference, "mort_acc", counts)[counts[0] :])
    return mortgages


def _bankruptcies(
    columns: Columns,
    issued: Floats,
    latent: dict[str, Floats],
    reference: Reference,
    quotas: StatusQuotas,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return pub_rec_bankruptcies, missing for the oldest loans; raises pub_rec where it would be exceeded."""
    counts = quotas.categories["pub_rec_bankruptcies"]
    _, asked = _oldest_first(issued, int(counts[0]))
    bankruptcies = np.full(len(issued), np.nan)
    records = np.asarray(columns["pub_rec"], dtype=float)
    bankruptcies[asked] = bankruptcies_within(records[asked], latent["pub_rec_bankruptcies"][asked], counts[1:], rng)
    columns["pub_rec"] = np.fmax(records, bankruptcies)
    return bankruptcies


def _employment(latent: dict[str, Floats], counts: Counts) -> NDArray[np.int16]:
    """Return emp_length codes; the last level is missing, and goes to the highest `no_employment`."""
    order = np.argsort(latent["no_employment"], kind="stable")
    known = np.sort(order[: len(order) - counts[-1]])
    codes = np.full(len(order), len(counts) - 1, dtype=np.int16)
    codes[known] = by_rank(latent["emp_length"][known], level_codes(counts[:-1]))
    return codes
