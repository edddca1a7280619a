"""Compare the synthetic loans with the published facts and the sample's summaries; write docs/fidelity.md.

python tools/fidelity.py
"""

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd
from synthetic_reference.fidelity import (
    count_errors,
    crosstab_errors,
    describe_by_status,
    describe_overall,
    distinct_values,
    joint_structure,
    purpose_table,
    with_parts,
)

from loantap.data.synthetic import ROWS, generate_loans
from loantap.files import write_text
from loantap.settings import project_root, reference_dir

Facts = dict[str, Any]

INTRODUCTION = """# How near the synthetic loans come

Written by `tools/fidelity.py` from {rows:,} synthetic loans (seed {seed}), `data/reference/published_facts.json`
("published", all 396,030 real loans) and `data/reference/sample_summaries.json` ("sample", {sampled:,} real loans).

Most of what is compared here was a target when the reference was built, so agreement shows that the generator does
what it should; it is no evidence about loans. The tables say which figures were **not** targets.
"""

LIMITS = """## What the synthetic loans cannot carry

- **Interactions.** Columns hang together through rank correlations within each status, shifts by purpose and the term
  by grade. Thresholds, links that rise and fall, and effects of two columns that differ from the sum of both are
  lost. What a flexible model gains over a logistic regression here says nothing about real loans; do not rank model
  families or tune on this table.
- **Linear correlations and group means.** Only ranks are fitted: Pearson correlations of heavy-tailed columns and of
  records with bankruptcies come out too strong, and mort_acc differs more between renters and mortgagors than it
  does in the sample.
- **Vintages.** Loans by month and status rest on published margins and the sample's half-years. Drift of columns over
  time is a rank correlation with the issue month and no more: an out-of-time test shows the method, not the lender's
  history.
- **Pincode, state, address.** Pincode and state are exact by status and independent of everything else, as far as is
  published. Streets, names and towns are synthetic.
- **Employers, jobs, loan titles.** Only the published titles have counts by status; all others are synthetic, from word
  lists and carry no signal. Titles do not go with income. Counts by title without status are met only where the table
  above says so.
- **Columns published without status** (pub_rec, application_type, initial_list_status, annual_inc but for its median):
  the split is an estimate from the sample or the base rate.
- **Price list.** Rates that fewer than ten sampled loans share are pooled and spread evenly, so the rarer rates are
  not the lender's. Within a sub-grade the rate follows the issue month alone.
- **Records and bankruptcies.** Two or more bankruptcies fall at random among the loans with enough records.
- **Tails.** Beyond the sample's last interval values follow a power law up to the published maximum.
- **Tests and scores.** A significant result on this table reproduces its design. Never quote a score from it as the
  lender's.
"""


def markdown(frame: pd.DataFrame) -> str:
    """Return a frame as a Markdown table."""
    lines = [" | ".join(map(str, frame.columns)), " | ".join("---" for _ in frame.columns)]
    lines += [" | ".join(map(str, row)) for row in frame.itertuples(index=False)]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def page(loans: pd.DataFrame, facts: Facts, summaries: Facts, seed: int) -> str:
    """Return the whole page."""
    raw, loans = loans, with_parts(loans)
    sections = [
        INTRODUCTION.format(rows=len(loans), seed=seed, sampled=summaries["loans"]["total"]),
        "## Counts by loan_status\n\nLargest absolute error over all cells, in loans.\n",
        markdown(crosstab_errors(loans, facts)),
        "## Counts of all loans\n\nLargest absolute error over the published levels, in loans.\n",
        markdown(count_errors(loans, facts)),
        "## Describe by loan_status\n\nPublished / synthetic. All were targets.\n",
        markdown(describe_by_status(loans, facts)),
        "## Other figures\n",
        markdown(describe_overall(loans, facts)),
        "## Different values\n",
        markdown(distinct_values(raw, facts)),
        "## Joint structure\n\nTargets from the sample, met as far as quotas and repairs allow.\n",
        markdown(joint_structure(raw, summaries)),
        "Mean normal score of the ranks within status, by purpose (0: as all loans; sample / synthetic). Scores of small\n"
        "purposes are drawn towards 0, since few sampled loans carry them.\n",
        markdown(purpose_table(raw, summaries)),
        LIMITS,
    ]
    return "\n".join(sections)


def main() -> None:
    """Generate the loans and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=project_root() / "docs" / "fidelity.md")
    options = parser.parse_args()
    facts, summaries = (
        json.loads((reference_dir() / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("published_facts", "sample_summaries")
    )
    write_text(options.out, page(generate_loans(ROWS, seed=options.seed), facts, summaries, options.seed))


if __name__ == "__main__":
    main()
