"""From coded columns to the raw file's 27 columns: strings, dates, instalments, in the file's order and formats."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from loantap.data.annuity import annuity
from loantap.data.synthetic import text
from loantap.data.synthetic.coding import FIRST_YEAR, STATUSES, month_label
from loantap.data.synthetic.copula import Columns, draw_status
from loantap.data.synthetic.plan import Plan
from loantap.data.synthetic.reference import Reference

TERM_MONTHS = np.array([36, 60])
EARLIEST_CREDIT_LINE = (1944 - FIRST_YEAR) * 12  # January 1944 and October 2013 are the published extremes
LATEST_CREDIT_LINE = (2013 - FIRST_YEAR) * 12 + 9


def chunks(reference: Reference, rows: int, *, seed: int, chunk_rows: int) -> Iterator[pd.DataFrame]:
    """Yield the table in chunks of at most `chunk_rows` loans whose quotas add up to those of the whole."""
    plan = Plan(reference, rows)
    seeds = np.random.SeedSequence(seed)
    for first_row in range(0, rows, chunk_rows):
        size = min(chunk_rows, rows - first_row)
        rng = np.random.default_rng(seeds.spawn(1)[0])
        columns = coded_columns(reference, plan, size, rng)
        frame = raw_frame(reference, plan, columns, first_row=first_row, table_rows=rows, rng=rng)
        frame.index = pd.RangeIndex(first_row, first_row + size)
        yield frame


def coded_columns(reference: Reference, plan: Plan, rows: int, rng: np.random.Generator) -> Columns:
    """Return the next `rows` loans as codes, the statuses mixed at random."""
    parts = []
    for code, (status, quotas) in enumerate(plan.take(rows).items()):
        parts.append(draw_status(reference, status, quotas, rng))
        parts[-1]["loan_status"] = np.full(quotas.rows, code, dtype=np.int16)
    order = rng.permutation(rows)
    return {name: np.concatenate([part.pop(name) for part in parts])[order] for name in list(parts[0])}


def raw_frame(
    reference: Reference, plan: Plan, columns: Columns, *, first_row: int, table_rows: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return coded loans in the raw file's 27 columns."""

    def levels(name: str) -> tuple:
        return reference.categories[name].levels

    def category(name: str) -> pa.Array:
        return text.pick(levels(name), columns[name])

    def measure(name: str) -> NDArray[np.float64]:
        return np.round(columns[name].astype(float) * reference.measures[name].step, 2)

    issued = np.asarray(levels("issue_d"))[columns["issue_d"]]
    opened = np.clip(issued - columns["credit_months"], EARLIEST_CREDIT_LINE, LATEST_CREDIT_LINE)
    dates = month_label(np.arange(EARLIEST_CREDIT_LINE, issued.max() + 1))
    sub_grades = levels("sub_grade")
    amount, rate, months = measure("loan_amnt"), columns["int_rate"] / 100, TERM_MONTHS[columns["term"]]
    purposes = levels("purpose")
    menus = [list(reference.titles[purpose]) for purpose in purposes]
    utilisation = measure("revol_util")
    return pd.DataFrame(
        {
            "loan_amnt": amount,
            "term": text.pick([f" {term}" for term in levels("term")], columns["term"]).to_pandas(),
            "int_rate": rate,
            "installment": np.round(annuity(amount, rate, months), 2),
            "grade": text.pick([name[0] for name in sub_grades], columns["sub_grade"]).to_pandas(),
            "sub_grade": category("sub_grade").to_pandas(),
            "emp_title": text.employment_titles(
                columns["emp_title"], levels("emp_title"), first_row=first_row, table_rows=table_rows, rng=rng
            ).to_pandas(),
            "emp_length": category("emp_length").to_pandas(),
            "home_ownership": category("home_ownership").to_pandas(),
            "annual_inc": measure("annual_inc"),
            "verification_status": category("verification_status").to_pandas(),
            "issue_d": text.pick(dates, issued - EARLIEST_CREDIT_LINE).to_pandas(),
            "loan_status": text.pick(STATUSES, columns["loan_status"]).to_pandas(),
            "purpose": category("purpose").to_pandas(),
            "title": text.loan_titles(columns["purpose"], issued, purposes, menus, plan, rng).to_pandas(),
            "dti": measure("dti"),
            "earliest_cr_line": text.pick(dates, opened - EARLIEST_CREDIT_LINE).to_pandas(),
            "open_acc": measure("open_acc"),
            "pub_rec": columns["pub_rec"],
            "revol_bal": measure("revol_bal"),
            "revol_util": np.where(utilisation < 0, np.nan, utilisation),
            "total_acc": measure("total_acc"),
            "initial_list_status": category("initial_list_status").to_pandas(),
            "application_type": category("application_type").to_pandas(),
            "mort_acc": columns["mort_acc"],
            "pub_rec_bankruptcies": columns["pub_rec_bankruptcies"],
            "address": text.addresses(category("pincode"), category("state"), rng).to_pandas(),
        },
        copy=False,
    )
