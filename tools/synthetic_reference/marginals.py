"""Counts by status for columns of which only summaries are published: measures, months, counts of accounts.

`facts` is published_facts.json, `summaries` is sample_summaries.json.
"""

from typing import Any

import numpy as np

from loantap.data.synthetic.coding import MEASURE_GRAINS, STATUSES
from loantap.data.synthetic.quotas import largest_remainder
from synthetic_reference.calibration import Floats, calibrate
from synthetic_reference.cells import STATUS_COUNTS, Cells, month_prior
from synthetic_reference.statements import (
    QUARTILES,
    Counts,
    Facts,
    Statements,
    published,
    round_by_status,
)

FIRST_MORTGAGE_MONTH = 62  # March 2012: in the sample, the first month with a mort_acc and the last without


def measure_counts(name: str, facts: Facts, summaries: Facts, *, zeros: dict[str, int] | None = None) -> dict[str, Any]:
    """Return the cells and counts by status of a numeric column; `zeros` says how many zeros it has at the least."""
    cells = Cells.of_measure(name, facts, summaries)
    missing = dict.fromkeys(STATUSES, 0)
    if name == "revol_util":
        missing = published(facts, "missing", "revol_util_missing_by_status")
    totals = {s: STATUS_COUNTS[s] - missing[s] for s in STATUSES}
    statements = Statements(cells.below, cells.mean, cells.square, totals, cells.prior)

    described = published(facts, "describe", "by_loan_status").get(name)
    medians = published(facts, "describe", "median_by_loan_status").get(name, {})
    overall = published(facts, "describe", "overall").get(name)
    outer = published(facts, "describe", "quantile_5_95").get(name)

    if described:
        for status in STATUSES:
            for key, share in QUARTILES:
                statements.quantile(described[status][key], share, status)
            statements.moments(described[status]["mean"], described[status]["std"], status)
    elif overall:
        for key, share in QUARTILES:
            statements.quantile(overall[key], share, None)
        statements.moments(overall["mean"], overall["std"], None)
        for status, median in medians.items():
            statements.quantile(median, 0.5, status)
    else:
        statements.moments(mean_credit_months(facts), None, None)
    if outer:
        for value, share in zip(outer, (0.05, 0.95), strict=True):
            statements.quantile(value, share, None)
    for cell, count in cells.heads.items():
        statements.constraints.equal(statements.of(np.eye(len(cells.mean))[cell], None), count)
    for cell, status in cells.extremes:
        statements.constraints.equal(statements.of(np.eye(len(cells.mean))[cell], status), 1)
    for status, least in (zeros or {}).items():
        is_zero = ((cells.first == 0) & (cells.last == 0)).astype(float)
        statements.constraints.within(statements.of(is_zero, status), least, np.inf)
    counts = calibrate(cells.prior.ravel(), statements.constraints).reshape(2, -1)
    for cell, status in cells.extremes:
        counts[STATUSES.index(status), cell] = 1
    whole = round_by_status(counts, cells.heads, totals)
    first, last = cells.first.tolist(), cells.last.tolist()
    if sum(missing.values()):
        first, last = [-1, *first], [-1, *last]
        whole = {s: [missing[s], *whole[s]] for s in STATUSES}
    used = [i for i in range(len(first)) if any(whole[s][i] for s in STATUSES)]
    return {
        "step": cells.step,
        "grain": MEASURE_GRAINS.get(name, 1),
        "first": [first[i] for i in used],
        "last": [last[i] for i in used],
        "counts": {s: [whole[s][i] for i in used] for s in STATUSES},
    }


def mean_credit_months(facts: Facts) -> float:
    """Return the mean months from earliest_cr_line to issue_d, the difference of the two published mean dates."""
    issued, opened = (
        np.datetime64(published(facts, "describe", name)["mean"][:19]) for name in ("issue_d", "earliest_cr_line")
    )
    return float((issued - opened) / np.timedelta64(1, "D")) / 365.2425 * 12


def count_levels(name: str, facts: Facts) -> tuple[list[float], Counts]:
    """Return levels and counts by status of mort_acc or pub_rec: totals by level and moments by status are published."""
    published_counts = {float(k): int(n) for k, n in published(facts, "value_counts", name).items()}
    levels = np.array(sorted(published_counts))
    totals_by_level = np.array([published_counts[x] for x in levels])
    described = published(facts, "describe", "by_loan_status")[name]
    totals = {s: int(described[s]["count"]) for s in STATUSES}

    def below(value: float, inclusive: bool) -> Floats:
        return ((levels <= value) if inclusive else (levels < value)).astype(float)

    shares = np.array([totals[s] / sum(totals.values()) for s in STATUSES])
    prior = shares[:, None] * totals_by_level
    statements = Statements(below, levels, levels**2, totals, prior)
    for row, status in enumerate(STATUSES):
        prior[row, levels > described[status]["max"]] = 0
        for key, share in QUARTILES:
            statements.quantile(described[status][key], share, status)
    late = described["Charged Off"]  # the moments of the others follow, up to their printed digits
    statements.moments(late["mean"], late["std"], "Charged Off")
    for level, total in enumerate(totals_by_level.tolist()):
        statements.constraints.equal(statements.of(np.eye(len(levels))[level], None), total)
    counts = calibrate(prior.ravel(), statements.constraints).reshape(2, -1)
    whole = np.minimum(largest_remainder(counts[0], totals["Charged Off"]), totals_by_level)
    top = int(np.flatnonzero(levels == late["max"])[0])
    whole[top] = max(1, whole[top])  # the highest published value exists
    paid_top = int(np.flatnonzero(levels == described["Fully Paid"]["max"])[0])
    whole[paid_top] = min(whole[paid_top], totals_by_level[paid_top] - 1)
    whole[0] += totals["Charged Off"] - whole.sum()
    return levels.tolist(), {"Charged Off": whole.tolist(), "Fully Paid": (totals_by_level - whole).tolist()}


def month_counts(facts: Facts, summaries: Facts) -> tuple[list[int], Counts]:
    """Return issue months (since January 2007) and counts by status.

    Published: the largest and smallest months, loans by calendar month, quartiles, mean, and mort_acc missing by
    status, which holds for loans issued before about mid-March 2012. From the sample: the shape in between, and the
    default rate by half-year.
    """
    months, prior, heads = month_prior(facts, summaries)
    totals = dict(STATUS_COUNTS)

    def below(value: float, inclusive: bool) -> Floats:
        return ((months <= value) if inclusive else (months < value)).astype(float)

    statements = Statements(below, months.astype(float), months.astype(float) ** 2, totals, prior)
    described = published(facts, "describe", "issue_d")
    for key, share in QUARTILES:
        year, month, _ = (int(part) for part in described[key].split("-"))
        statements.quantile((year - 2007) * 12 + month - 1, share, None)
    for calendar, count in published(facts, "value_counts", "issue_month").items():
        statements.constraints.equal(statements.of((months % 12 == int(calendar) - 1).astype(float), None), count)
    highest = sorted(heads.values())[-5]
    smallest = max(n for n in heads.values() if n < highest)
    for cell in range(len(months)):
        only = statements.of(np.eye(len(months))[cell], None)
        if cell in heads:
            statements.constraints.equal(only, heads[cell])
        else:
            statements.constraints.within(only, smallest if cell else 1, highest)
    for status, missing in published(facts, "missing", "mort_acc_missing_by_status").items():
        statements.constraints.within(
            statements.of(below(FIRST_MORTGAGE_MONTH, False), status), -np.inf, 0.995 * missing
        )
        statements.constraints.within(statements.of(below(FIRST_MORTGAGE_MONTH, True), status), 1.005 * missing, np.inf)
    counts = calibrate(prior.ravel(), statements.constraints).reshape(2, -1)
    # Loans by calendar month are published, so round within each, and give the statuses their totals last.
    overall = np.zeros(len(months), dtype=np.int64)
    for calendar, count in published(facts, "value_counts", "issue_month").items():
        cells = np.flatnonzero(months % 12 == int(calendar) - 1)
        free = np.array([c for c in cells.tolist() if c not in heads])
        overall[[c for c in cells.tolist() if c in heads]] = [heads[c] for c in cells.tolist() if c in heads]
        overall[free] = largest_remainder(counts.sum(axis=0)[free], count - int(overall[cells].sum()))
    late = np.minimum(largest_remainder(counts[0], totals["Charged Off"]), overall)
    late[int(np.argmax(overall - late))] += totals["Charged Off"] - late.sum()
    return months.tolist(), {"Charged Off": late.tolist(), "Fully Paid": (overall - late).tolist()}


def whole_loan_counts(facts: Facts, summaries: Facts) -> Counts:
    """Return initial_list_status f and w by status: published totals, the sample's difference between statuses."""
    total = published(facts, "value_counts", "initial_list_status")["w"]
    seen = summaries["whole_loans_by_status"]
    weights = [STATUS_COUNTS[s] * seen[s]["whole"] / seen[s]["loans"] for s in STATUSES]
    whole = dict(zip(STATUSES, largest_remainder(weights, total).tolist(), strict=True))
    return {s: [STATUS_COUNTS[s] - whole[s], whole[s]] for s in STATUSES}
