"""Build data/reference/synthetic_reference.json from published_facts.json and sample_summaries.json.

python tools/build_synthetic_reference.py            write the file (about a minute)
python tools/build_synthetic_reference.py --check    build it and compare with the committed one
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from synthetic_reference.cells import LOANS, STATUS_COUNTS
from synthetic_reference.fitting import fit_latents
from synthetic_reference.marginals import (
    count_levels,
    measure_counts,
    month_counts,
    whole_loan_counts,
)
from synthetic_reference.prices import price_counts
from synthetic_reference.statements import published

from loantap.data.synthetic.coding import LEVEL_ORDER, MEASURE_STEPS, STATUSES
from loantap.data.synthetic.quotas import largest_remainder
from loantap.data.synthetic.reference import FILE_NAME
from loantap.files import write_text
from loantap.settings import reference_dir

Facts = dict[str, Any]
LATENT_TOLERANCE = 0.02  # another build of numpy may sum in another order; counts have to agree exactly
JOINT_LOANS_START = 105  # October 2015, when the lender opened to joint applications
WHOLE_LOANS_START = 68  # September 2012, when it began to list whole loans ("w")


def category(levels: list[Any], counts: dict[str, list[int]]) -> Facts:
    """Return the JSON form of a category, after a check that its counts are all loans."""
    for status in STATUSES:
        if sum(counts[status]) != STATUS_COUNTS[status] or min(counts[status]) < 0:
            raise ValueError(
                f"levels {levels[:3]}...: {sum(counts[status])} loans {status}, want {STATUS_COUNTS[status]}"
            )
    return {"levels": levels, "counts": counts}


def crosstab(facts: Facts, name: str, levels: list[str]) -> dict[str, list[int]]:
    """Return the published counts by status of these levels."""
    table = published(facts, "by_loan_status", name)
    return {
        "Charged Off": [int(table[level]["charged_off"]) for level in levels],
        "Fully Paid": [int(table[level]["fully_paid"]) for level in levels],
    }


def with_missing(counts: dict[str, list[int]], *, first: bool) -> dict[str, list[int]]:
    """Return the counts with a missing level, which takes the loans that the other levels leave."""
    rest = {s: STATUS_COUNTS[s] - sum(counts[s]) for s in STATUSES}
    return {s: [rest[s], *counts[s]] if first else [*counts[s], rest[s]] for s in STATUSES}


def state_counts(facts: Facts) -> tuple[list[str], dict[str, list[int]]]:
    """Return states; of the three military ones only the sum by status is published, and is shared out."""
    totals = published(facts, "value_counts", "state")
    known = published(facts, "by_loan_status", "state")
    late = {state: int(known[state]["charged_off"]) for state in totals if state in known}
    military = [state for state in totals if state not in known]
    left = STATUS_COUNTS["Charged Off"] - sum(late.values())
    late.update(zip(military, largest_remainder([totals[s] for s in military], left).tolist(), strict=True))
    states = list(totals)
    return states, {
        "Charged Off": [late[s] for s in states],
        "Fully Paid": [int(totals[s]) - late[s] for s in states],
    }


def title_counts(facts: Facts) -> tuple[list[str | None], dict[str, list[int]]]:
    """Return emp_title: those published by status, "" for any other, None for missing.

    Every loan without emp_length is taken to lack emp_title too (the sample has hardly any other); the rest of the
    published missing titles falls on the other loans at random.
    """
    table = published(facts, "by_loan_status", "emp_title_n_ge_1000")
    unemployed = published(facts, "missing", "emp_length_missing_by_status")
    missing_only = published(facts, "missing", "counts")["emp_title"] - sum(unemployed.values())
    others = [STATUS_COUNTS[s] - unemployed[s] for s in STATUSES]
    missing = {
        s: unemployed[s] + n for s, n in zip(STATUSES, largest_remainder(others, missing_only).tolist(), strict=True)
    }
    titles = list(table)
    named = {"Charged Off": [table[t][1] for t in titles], "Fully Paid": [table[t][0] - table[t][1] for t in titles]}
    counts = {s: [*named[s], STATUS_COUNTS[s] - sum(named[s]) - missing[s], missing[s]] for s in STATUSES}
    return [*titles, "", None], counts


def application_counts(facts: Facts) -> tuple[list[str], dict[str, list[int]]]:
    """Return application_type in time order; by status it is not published, so the base rate is used."""
    totals = published(facts, "value_counts", "application_type")
    levels = ["DIRECT_PAY", "INDIVIDUAL", "JOINT"]
    late = largest_remainder([totals[level] for level in levels], STATUS_COUNTS["Charged Off"]).tolist()
    return levels, {
        "Charged Off": late,
        "Fully Paid": [totals[level] - n for level, n in zip(levels, late, strict=True)],
    }


def all_categories(facts: Facts, summaries: Facts) -> Facts:
    """Return every column of levels."""
    categories: Facts = {}
    for name in ("sub_grade", "term", "home_ownership", "verification_status", "emp_length"):
        levels = list(LEVEL_ORDER[name])
        counts = crosstab(facts, name, levels)
        if name == "emp_length":
            categories[name] = category([*levels, None], with_missing(counts, first=False))
        else:
            categories[name] = category(levels, counts)
    for name in ("purpose", "pincode"):
        levels = list(published(facts, "by_loan_status", name))
        categories[name] = category(levels, crosstab(facts, name, levels))
    numbers = sorted(published(facts, "by_loan_status", "pub_rec_bankruptcies"), key=float)
    counts = with_missing(crosstab(facts, "pub_rec_bankruptcies", numbers), first=True)
    categories["pub_rec_bankruptcies"] = category([None, *map(float, numbers)], counts)
    categories["pub_rec"] = category(*count_levels("pub_rec", facts))
    mortgages, counts = count_levels("mort_acc", facts)
    categories["mort_acc"] = category([None, *mortgages], with_missing(counts, first=True))
    categories["issue_d"] = category(*month_counts(facts, summaries))
    categories["state"] = category(*state_counts(facts))
    categories["emp_title"] = category(*title_counts(facts))
    categories["application_type"] = category(*application_counts(facts))
    categories["initial_list_status"] = category(["f", "w"], whole_loan_counts(facts, summaries))
    return categories


def all_measures(facts: Facts, summaries: Facts) -> Facts:
    """Return every numeric column; who owes nothing (revol_bal 0) uses nothing or has no limit to use."""
    measures = {}
    zeros: dict[str, int] | None = None
    for name in MEASURE_STEPS:
        measures[name] = measure_counts(name, facts, summaries, zeros=zeros if name == "revol_util" else None)
        if name == "revol_bal":
            nothing = measures[name]["first"].index(0)
            no_limit = published(facts, "missing", "revol_util_missing_by_status")
            zeros = {s: measures[name]["counts"][s][nothing] - no_limit[s] for s in STATUSES}
    return measures


def loan_titles(facts: Facts, summaries: Facts, purposes: Facts) -> Facts:
    """Return each purpose's loan titles: the published totals, shared out as in the sample; other titles are free."""
    totals = published(facts, "value_counts", "title_top20")
    menus = summaries["loan_titles"]
    loans = dict(zip(purposes["levels"], np.sum(list(purposes["counts"].values()), axis=0).tolist(), strict=True))
    titles: dict[str, dict[str, int]] = {purpose: {} for purpose in loans}
    for title, total in totals.items():
        seen = {purpose: menu[title] for purpose, menu in menus.items() if title in menu} or {"other": 1}
        for purpose, n in zip(seen, largest_remainder(list(seen.values()), total).tolist(), strict=True):
            titles[purpose][title] = n
    for purpose, menu in menus.items():
        for title, n in menu.items():
            if title not in totals:
                titles[purpose][title] = round(n * LOANS / summaries["loans"]["total"])
    missing = largest_remainder(list(loans.values()), published(facts, "missing", "counts")["title"]).tolist()
    document = {}
    for (purpose, named), absent in zip(titles.items(), missing, strict=True):
        free = loans[purpose] - absent - sum(named.values())
        if free < 0:
            raise ValueError(f"purpose {purpose}: its titles outnumber its loans by {-free}")
        document[purpose] = {"titles": named, "free_text": free, "missing": absent}
    return document


def build(facts: Facts, summaries: Facts) -> tuple[Facts, dict[str, float]]:
    """Return the reference document and the errors that the fit of the rank correlations leaves."""
    document: Facts = {
        "rows": LOANS,
        "statuses": STATUS_COUNTS,
        "first_whole_loan_month": WHOLE_LOANS_START,
        "first_joint_loan_month": JOINT_LOANS_START,
        "categories": all_categories(facts, summaries),
        "measures": all_measures(facts, summaries),
        "prices": price_counts(facts, summaries),
    }
    document["titles"] = loan_titles(facts, summaries, document["categories"]["purpose"])
    document["latents"], errors = fit_latents(document, summaries)
    return document, errors


def as_text(document: Facts) -> str:
    """Return the document as JSON with one line for each column, so that a change shows where it is."""
    blocks = []
    for name, value in document.items():
        if isinstance(value, dict) and all(isinstance(v, dict) for v in value.values()):
            rows = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in value.items())
            blocks.append(f"  {json.dumps(name)}: {{\n{rows}\n  }}")
        else:
            blocks.append(f"  {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def differences(built: Any, committed: Any, path: str = "") -> list[str]:
    """Return where two documents differ: counts at all, latent parameters by more than LATENT_TOLERANCE."""
    if isinstance(built, dict) and isinstance(committed, dict) and built.keys() == committed.keys():
        return [d for k in built for d in differences(built[k], committed[k], f"{path}/{k}")]
    if isinstance(built, list) and isinstance(committed, list) and len(built) == len(committed):
        pairs = enumerate(zip(built, committed, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{path}/{i}")]
    numbers = isinstance(built, float) and isinstance(committed, int | float)
    if numbers and path.startswith("/latents") and abs(built - committed) <= LATENT_TOLERANCE:
        return []
    return [] if built == committed else [f"{path}: built {built}, committed {committed}"]


def main() -> None:
    """Build the reference and write it, or compare it with the committed one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare instead of writing; exit 1 on a difference")
    parser.add_argument("--out", type=Path, default=reference_dir() / FILE_NAME)
    options = parser.parse_args()
    facts, summaries = (
        json.loads((reference_dir() / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("published_facts", "sample_summaries")
    )
    document, errors = build(facts, summaries)
    print("largest errors left by the fit:", {name: round(error, 4) for name, error in errors.items()})
    if not options.check:
        write_text(options.out, as_text(document))
        return
    found = differences(document, json.loads(options.out.read_text(encoding="utf-8")))
    print("\n".join(found[:20]) or f"{options.out.name} is what its sources give")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
