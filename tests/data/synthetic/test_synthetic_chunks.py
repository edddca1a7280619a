import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loantap.data.synthetic import generate_loans, iter_loans
from loantap.data.synthetic.plan import Plan
from loantap.data.synthetic.reference import load_reference
from loantap.errors import InputError

CROSSED = ["grade", "sub_grade", "term", "home_ownership", "purpose", "emp_length", "verification_status", "title"]


def counts(loans):
    tables = {c: pd.crosstab(loans[c].fillna("missing"), loans["loan_status"]) for c in CROSSED[:-1]}
    tables["pincode"] = pd.crosstab(loans["address"].str[-5:], loans["loan_status"])
    tables["mort_acc"] = pd.crosstab(loans["mort_acc"].fillna(-1), loans["loan_status"])
    tables["bankruptcies"] = pd.crosstab(loans["pub_rec_bankruptcies"].fillna(-1), loans["loan_status"])
    tables["int_rate"] = pd.crosstab(loans["int_rate"], loans["loan_status"])
    return tables


def test_the_same_seed_gives_the_same_loans():
    pd.testing.assert_frame_equal(generate_loans(3_000, seed=4), generate_loans(3_000, seed=4))


def test_another_seed_gives_other_loans_with_the_same_counts():
    one, other = generate_loans(3_000, seed=4), generate_loans(3_000, seed=5)
    assert not one.equals(other)
    for name, table in counts(one).items():
        pd.testing.assert_frame_equal(table, counts(other)[name])


@pytest.mark.parametrize("chunk_rows", [700, 1_999, 5_000])
def test_counts_of_the_whole_do_not_depend_on_the_chunks(chunk_rows):
    whole = generate_loans(5_000, seed=2)
    parts = pd.concat(iter_loans(5_000, seed=2, chunk_rows=chunk_rows))
    for name, table in counts(whole).items():
        pd.testing.assert_frame_equal(table, counts(parts)[name], obj=name)


def test_chunks_have_the_size_asked_for_and_a_running_index():
    parts = list(iter_loans(2_500, seed=0, chunk_rows=1_000))
    assert [len(part) for part in parts] == [1_000, 1_000, 500]
    assert list(pd.concat(parts).index) == list(range(2_500))


@settings(max_examples=15)
@given(st.integers(1, 3_000), st.integers(1, 3_000))
def test_the_shares_of_chunks_sum_to_the_plan(rows, chunk_rows):
    reference = load_reference()
    chunk_rows = max(chunk_rows, rows // 8)
    whole = Plan(reference, rows).take(rows)
    plan = Plan(reference, rows)
    taken = [plan.take(min(chunk_rows, rows - start)) for start in range(0, rows, chunk_rows)]
    for status, quotas in whole.items():
        for name, expected in quotas.categories.items():
            assert sum(part[status].categories[name] for part in taken).tolist() == expected.tolist()
        for name, expected in quotas.prices.items():
            assert sum(part[status].prices[name] for part in taken).tolist() == expected.tolist()


@settings(max_examples=25)
@given(st.integers(1, 60), st.integers(0, 1_000))
def test_small_tables_hold_no_impossible_loan(rows, seed):
    loans = generate_loans(rows, seed=seed)
    assert len(loans) == rows
    assert (loans["open_acc"] <= loans["total_acc"]).all()
    assert (loans["mort_acc"].fillna(0) <= loans["total_acc"]).all()
    assert (loans["pub_rec_bankruptcies"].fillna(0) <= loans["pub_rec"]).all()
    assert not ((loans["revol_bal"] == 0) & (loans["revol_util"] > 0)).any()


def test_other_sizes_scale_by_largest_remainder():
    pure = generate_loans(1_000)
    assert (pure["loan_status"] == "Charged Off").sum() == round(1_000 * 77_673 / 396_030)


@pytest.mark.parametrize("rows", [0, -5])
def test_too_few_rows_are_refused_with_what_to_do(rows):
    with pytest.raises(InputError, match=rf"expected rows to be 1 or more, got {rows}.*give rows a whole number"):
        generate_loans(rows)


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="expected seed to be 0 or more"):
        generate_loans(10, seed=-1)


def test_chunks_of_no_rows_are_refused_before_the_first_is_asked_for():
    with pytest.raises(InputError, match="expected chunk_rows to be 1 or more"):
        iter_loans(10, chunk_rows=0)
