"""The price list: each sub-grade's interest rates in time order, with counts by status.

`facts` is published_facts.json, `summaries` is sample_summaries.json.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from loantap.data.synthetic.coding import STATUSES
from loantap.data.synthetic.quotas import largest_remainder
from synthetic_reference.calibration import Floats, calibrate
from synthetic_reference.cells import SMALLEST_CELL, STATUS_COUNTS
from synthetic_reference.statements import QUARTILES, Facts, Statements, published


def price_counts(facts: Facts, summaries: Facts) -> dict[str, dict[str, Any]]:
    """Return each sub-grade's rates in time order with counts by status.

    The prior is the sample's price list; published are loans by sub-grade and status, the commonest rates, and mean,
    standard deviation, quartiles and maximum by status.
    """
    described = published(facts, "describe", "by_loan_status")["int_rate"]
    overall = published(facts, "describe", "overall")["int_rate"]
    known = [*(d[key] for d in (*described.values(), overall) for key, _ in QUARTILES)]
    known += published(facts, "describe", "quantile_5_95")["int_rate"]
    owner, rates, weights = expand_prices(summaries, overall, known)
    sub_grades = list(summaries["price_list"])
    crosstab = published(facts, "by_loan_status", "sub_grade")
    by_grade = {
        s: np.array([crosstab[g][s.lower().replace(" ", "_")] for g in sub_grades], dtype=float) for s in STATUSES
    }
    within = weights / np.bincount(owner, weights)[owner]
    prior = np.array([by_grade[s][owner] * within for s in STATUSES])

    def below(value: float, inclusive: bool) -> Floats:
        return ((rates <= value + 1e-9) if inclusive else (rates < value - 1e-9)).astype(float)

    statements = Statements(below, rates, rates**2, dict(STATUS_COUNTS), prior)
    statements.constraints.exact.clear()  # the totals by sub-grade imply those by status
    for grade in range(len(sub_grades)):
        for status in STATUSES:
            statements.constraints.equal(statements.of((owner == grade).astype(float), status), by_grade[status][grade])
    for status in STATUSES:
        statements.moments(described[status]["mean"], described[status]["std"], status)
        for key, share in QUARTILES:
            statements.quantile(described[status][key], share, status)
        statements.constraints.within(
            statements.of(below(described[status]["max"], False), status), 0, STATUS_COUNTS[status] - 1
        )
    for key, share in QUARTILES:
        statements.quantile(overall[key], share, None)
    for rate, share in zip(known[-2:], (0.05, 0.95), strict=True):
        statements.quantile(rate, share, None)
    heads = {
        float(rate): int(n)
        for rate, n in published(facts, "value_counts_head_tail", "int_rate").items()
        if n >= SMALLEST_CELL
    }
    for rate, count in heads.items():
        statements.constraints.equal(statements.of((np.abs(rates - rate) < 1e-9).astype(float), None), count)
    counts = calibrate(prior.ravel(), statements.constraints).reshape(2, -1)
    whole = np.zeros(counts.shape, dtype=np.int64)
    for grade in range(len(sub_grades)):
        cells = np.flatnonzero(owner == grade)
        for row, status in enumerate(STATUSES):
            whole[row, cells] = largest_remainder(counts[row, cells], int(by_grade[status][grade]))
    settle_heads(whole, owner, rates, heads)
    return {
        name: {
            "rates": rates[owner == grade].round(2).tolist(),
            "counts": {s: whole[row, owner == grade].tolist() for row, s in enumerate(STATUSES)},
        }
        for grade, name in enumerate(sub_grades)
    }


def expand_prices(
    summaries: Facts, described: dict[str, float], known: list[float]
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return sub-grade, rate and weight of every price.

    Pools become evenly spaced rates; the published quantiles (`known`) are rates that exist, so each takes the place
    of the nearest pooled one; the published maximum is added to G5.
    """
    prices: list[tuple[int, float, float]] = []
    for grade, entries in enumerate(summaries["price_list"].values()):
        merged: dict[float, float] = {}
        for entry in entries:
            for rate in np.linspace(entry["first"], entry["last"], entry["rates"]):
                kept = float(np.clip(rate, described["min"], described["max"]).round(2))
                merged[kept] = merged.get(kept, 0) + entry["loans"] / entry["rates"]
        prices += [(grade, rate, weight) for rate, weight in merged.items()]
    last = len(summaries["price_list"]) - 1
    if not any(rate == described["max"] for grade, rate, _ in prices if grade == last):
        prices.append((last, described["max"], 0.1))
    owner, rates, weights = (np.array(column) for column in zip(*prices, strict=True))
    pooled = np.ones(len(rates), dtype=bool)
    for grade, entries in enumerate(summaries["price_list"].values()):
        single = [entry["first"] for entry in entries if entry["rates"] == 1]
        pooled[(owner == grade) & np.isin(rates, single)] = False
    pooled[-1] = False
    for rate in sorted(set(known) - set(rates.tolist())):
        nearest = int(np.argmin(np.where(pooled, np.abs(rates - rate), np.inf)))
        rates[nearest], pooled[nearest] = rate, False
    return owner.astype(np.int64), rates, weights


def settle_heads(whole: NDArray[np.int64], owner: NDArray[np.int64], rates: Floats, heads: dict[float, int]) -> None:
    """Move the few loans that rounding cost or gave the commonest rates, within a sub-grade and status."""
    is_head = np.isin(rates.round(2), list(heads))
    for rate, count in heads.items():
        cells = np.flatnonzero(np.abs(rates - rate) < 1e-9)
        largest = cells[np.argmax(whole[1, cells])]
        others = np.flatnonzero((owner == owner[largest]) & ~is_head)
        other = others[np.argmax(whole[1, others])]
        missing = count - int(whole[:, cells].sum())
        whole[1, largest] += missing
        whole[1, other] -= missing
