"""Summarise a sample of real loans into data/reference/sample_summaries.json, with no cell below ten loans.

    python tools/summarise_sample.py SAMPLE.csv.gz

The sample itself stays outside the project; only what this script writes is committed.
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from loantap.data.synthetic.coding import LATENTS, LEVEL_ORDER, MEASURE_STEPS, code_columns, month_number
from loantap.files import write_text
from loantap.settings import reference_dir

SMALLEST_CELL = 10
LOANS_PER_INTERVAL = 70
CONTRAST_BINS = 20
LOANS_PER_PURPOSE_POOL = 30
HEAPED = ("loan_amnt", "annual_inc")  # borrowers ask for, and report, round sums
COUNTS = ("open_acc", "total_acc")
STATUSES = ("Charged Off", "Fully Paid")


def two_digits(values: np.ndarray) -> np.ndarray:
    """Round to two significant digits, so that an interval's edge is no borrower's own value."""
    scale = 10.0 ** (np.floor(np.log10(np.maximum(np.abs(values), 1e-12))) - 1)
    return np.round(values / scale) * scale


def merge_small(edges: np.ndarray, *groups: np.ndarray) -> np.ndarray:
    """Drop edges until every group has at least SMALLEST_CELL loans in every interval (edge, next edge]."""
    kept = list(edges)
    i = 1
    while i < len(kept):
        smallest = min(((g > kept[i - 1]) & (g <= kept[i])).sum() for g in groups)
        if smallest >= SMALLEST_CELL:
            i += 1
        elif i == len(kept) - 1:
            del kept[i - 1 if i > 1 else i]
            i = max(1, i - 1)
        else:
            del kept[i]
    return np.array(kept)


def summarise_measure(values: pd.Series, charged_off: pd.Series, name: str) -> dict[str, Any]:
    """Return spikes, intervals (first, last, loans) and the contrast between statuses of one numeric column."""
    step = MEASURE_STEPS[name]
    known = values.notna()
    units = (values[known] / step).round().astype(np.int64)
    late = charged_off[known]
    counts = units.value_counts().sort_index()
    heaped = counts[counts >= SMALLEST_CELL] if name in HEAPED + COUNTS else counts[[0]] if 0 in counts else counts[:0]
    spikes = heaped[heaped >= SMALLEST_CELL]
    rest = units[~units.isin(spikes.index)].to_numpy()
    wanted = max(2, len(rest) // LOANS_PER_INTERVAL)
    inner = two_digits(np.quantile(rest, np.arange(1, wanted) / wanted))
    edges = merge_small(np.unique([-1, *np.round(inner), np.inf]), rest)
    intervals = [
        [int(low) + 1, None if np.isinf(high) else int(high), int(((rest > low) & (rest <= high)).sum())]
        for low, high in pairwise(edges)
    ]
    cuts = np.unique(np.quantile(units, np.arange(1, CONTRAST_BINS) / CONTRAST_BINS, method="lower"))
    cuts = merge_small(np.array([-1, *cuts, np.inf]), units[late].to_numpy(), units[~late].to_numpy())
    return {
        "step": step,
        "spikes": [[int(u), int(n)] for u, n in zip(spikes.index, spikes, strict=True)],
        "intervals": intervals,
        "contrast": {
            "last": [None if np.isinf(c) else int(c) for c in cuts[1:]],
            **{
                status: np.histogram(units[late == (status == "Charged Off")], [*(cuts[:-1] + 0.5), np.inf])[0].tolist()
                for status in STATUSES
            },
        },
    }


def long_terms(loans: pd.DataFrame) -> dict[str, Any]:
    """Return loans of 36 and 60 months by grade (F with G) and by amount, ten or more of each in every cell."""
    grades = loans.grade.replace("G", "F")  # G has too few loans of 36 months
    steps = (loans.loan_amnt / MEASURE_STEPS["loan_amnt"]).round()
    long = loans.term == " 60 months"
    cuts = np.unique(np.quantile(steps, np.arange(1, CONTRAST_BINS) / CONTRAST_BINS, method="lower"))
    cuts = merge_small(np.array([-1, *cuts, np.inf]), steps[long].to_numpy(), steps[~long].to_numpy())
    edges = [*(cuts[:-1] + 0.5), np.inf]
    return {
        "grade": {str(g): [int((~part).sum()), int(part.sum())] for g, part in long.groupby(grades)},
        "amount": {
            "last": [None if np.isinf(c) else int(c) for c in cuts[1:]],
            "loans": np.array([np.histogram(steps[long == flag], edges)[0] for flag in (False, True)]).T.tolist(),
        },
    }


def price_list(loans: pd.DataFrame) -> dict[str, list[dict[str, float]]]:
    """Return, per sub-grade in time order, the rates that ten or more loans share, and pools of the rarer ones."""
    prices: dict[str, list[dict[str, float]]] = {}
    pools: dict[str, pd.DataFrame] = {}
    for sub_grade in LEVEL_ORDER["sub_grade"]:
        cells = loans[loans.sub_grade == sub_grade].groupby("int_rate").month.agg(["size", "mean"]).reset_index()
        common = cells[cells["size"] >= SMALLEST_CELL]
        prices[sub_grade] = [
            {"first": rate, "last": rate, "rates": 1, "loans": int(n), "month": round(month, 1)}
            for rate, n, month in common.itertuples(index=False)
        ]
        rare = cells[cells["size"] < SMALLEST_CELL].sort_values("mean").reset_index(drop=True)
        for i, part in rare.groupby(rare["size"].cumsum() // (2 * SMALLEST_CELL)):
            pools[f"{sub_grade}/{i}"] = part
    names = list(pools)
    for i, name in enumerate(names):  # too small: share the figures of the neighbours
        part, reach = pools[name], 1
        while part["size"].sum() < SMALLEST_CELL:
            part = pd.concat([pools[n] for n in names[max(0, i - reach) : i + reach + 1]])
            reach += 1
        rates = np.repeat(part.int_rate, part["size"])
        spread = np.sqrt(3) * rates.std(ddof=0)
        own = int(pools[name]["size"].sum())
        prices[name[:2]].append(
            {
                "first": round(rates.mean() - spread, 2),
                "last": round(rates.mean() + spread, 2),
                "rates": len(part),
                "loans": own if own >= SMALLEST_CELL else SMALLEST_CELL // 2,
                "month": round(float(np.average(part["mean"], weights=part["size"])), 1),
            }
        )
    return {k: sorted(v, key=lambda price: price["month"]) for k, v in prices.items()}


def rank_correlations(codes: pd.DataFrame, charged_off: pd.Series) -> dict[str, list[list[float]]]:
    """Return Spearman correlations per status, the difference between statuses shrunk by its sampling noise."""
    late, paid = (codes[charged_off == flag].corr("spearman").fillna(0).to_numpy() for flag in (True, False))
    n_late, n_paid = int(charged_off.sum()), int((~charged_off).sum())
    pooled = (late * n_late + paid * n_paid) / (n_late + n_paid)
    difference = late - paid
    upper = np.triu_indices(len(LATENTS), 1)
    kept = max(0.0, 1 - (1 / n_late + 1 / n_paid) / np.mean(difference[upper] ** 2))
    shares = {"Charged Off": n_paid / (n_late + n_paid), "Fully Paid": -n_late / (n_late + n_paid)}
    return {
        status: [np.round(row[: i + 1], 3).tolist() for i, row in enumerate(pooled + share * kept * difference)]
        for status, share in shares.items()
    }


def purpose_pools(purpose: pd.Series) -> list[list[str]]:
    """Return groups of purposes, the rarest together until they hold enough loans."""
    pools: list[list[str]] = []
    waiting: list[str] = []
    loans = 0
    for name, n in purpose.value_counts(ascending=True).items():
        waiting.append(str(name))
        loans += int(n)
        if loans >= LOANS_PER_PURPOSE_POOL:
            pools.append(waiting)
            waiting, loans = [], 0
    return pools


def purpose_scores(codes: pd.DataFrame, charged_off: pd.Series, purpose: pd.Series) -> list[dict[str, Any]]:
    """Return the mean normal score of every column by purpose, ranked within status (0: as all loans)."""
    ranks = codes.groupby(charged_off).rank()
    scores = pd.DataFrame(norm.ppf((ranks - 0.5) / codes.notna().groupby(charged_off).transform("sum")), ranks.index)
    scores.columns = pd.Index(LATENTS)
    scores -= scores.groupby(charged_off).transform("mean")
    return [
        {
            "purposes": pool,
            "loans": int(purpose.isin(pool).sum()),
            "scores": scores[purpose.isin(pool)].mean().round(3).to_dict(),
        }
        for pool in purpose_pools(purpose)
    ]


def loan_titles(loans: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return, per purpose, the loan titles that ten or more loans carry."""
    cells = loans.groupby(["purpose", "title"]).size()
    menus: dict[str, dict[str, int]] = {}
    for purpose, title, n in cells[cells >= SMALLEST_CELL].reset_index().itertuples(index=False):
        menus.setdefault(str(purpose), {})[str(title)] = int(n)
    return menus


def months(loans: pd.DataFrame) -> dict[str, Any]:
    """Return loans by issue month and by half-year and status; sparse months are one cell."""
    counts = loans.month.value_counts().sort_index()
    dense = counts[counts >= SMALLEST_CELL]
    edges = np.arange(-1, 126, 6, dtype=float)
    late = loans.loan_status == "Charged Off"
    edges = merge_small(edges, loans.month[late].to_numpy(), loans.month[~late].to_numpy())
    years = loans.month[~loans.month.isin(dense.index)] // 12
    year_edges = merge_small(np.arange(-1, 11, dtype=float), years.to_numpy())
    return {
        "loans": {str(m): int(n) for m, n in dense.items()},
        "sparse_years": {"last": year_edges[1:].tolist(), "loans": np.histogram(years, year_edges + 0.5)[0].tolist()},
        "contrast": {
            "last": edges[1:].tolist(),
            **{s: np.histogram(loans.month[loans.loan_status == s], edges + 0.5)[0].tolist() for s in STATUSES},
        },
    }


def summarise(loans: pd.DataFrame) -> dict[str, Any]:
    """Return all summaries of a raw sample of loans (27 columns)."""
    loans = loans.assign(month=month_number(loans.issue_d))
    charged_off = loans.loan_status == "Charged Off"
    codes = code_columns(loans)
    return {
        "loans": {"total": len(loans), "charged_off": int(charged_off.sum())},
        "measures": {name: summarise_measure(codes[name], charged_off, name) for name in MEASURE_STEPS},
        "price_list": price_list(loans),
        "issue_months": months(loans),
        "terms": long_terms(loans),
        "whole_loans_by_status": {
            s: {"loans": int(n), "whole": int(w)}
            for s, n, w in zip(
                STATUSES,
                [charged_off.sum(), (~charged_off).sum()],
                [((loans.initial_list_status == "w") & (charged_off == f)).sum() for f in (True, False)],
                strict=True,
            )
        },
        "loan_titles": loan_titles(loans),
        "columns": list(LATENTS),
        "rank_correlations": rank_correlations(codes, charged_off),
        "purpose_scores": purpose_scores(codes, charged_off, loans.purpose),
    }


def main() -> None:
    """Read the sample and write the summaries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sample", type=Path, help="raw loans as CSV, 27 columns")
    parser.add_argument("--out", type=Path, default=reference_dir() / "sample_summaries.json")
    options = parser.parse_args()
    loans = pd.read_csv(options.sample)
    blocks = (f'  "{name}": {json.dumps(value)}' for name, value in summarise(loans).items())
    write_text(options.out, "{\n" + ",\n".join(blocks) + "\n}\n")


if __name__ == "__main__":
    main()
