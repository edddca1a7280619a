"""What a loan is worth and what is outstanding, by hand and payment by payment; and the file of the assumptions."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from loantap.data.annuity import annuity
from loantap.errors import InputError
from loantap.model.economics import (
    ASSUMPTIONS,
    FILE_NAME,
    Economics,
    balance_after,
    balance_years_if_default,
    balance_years_if_repaid,
    expected_balance_years,
    expected_profit,
    load_assumptions,
    loan_profit,
    realised_balance_years,
    value_if_default,
    value_if_repaid,
)
from loantap.runs.notebooks import stages_of
from loantap.runs.parameters import parameters
from loantap.settings import notebooks_dir, reference_dir

FREE = Economics(loss_given_default=0.6, default_after=0.5, settled_after=1.0, funding_cost=0.0)


def one_loan(amount: float = 1_000.0, rate: float = 12.0, term: int = 12, default: int = 0) -> pd.DataFrame:
    installment = annuity(amount, rate, term) if rate else amount / term
    return pd.DataFrame(
        {"loan_amnt": [amount], "int_rate": [rate], "term": [term], "installment": [installment], "default": [default]}
    )


def test_a_repaid_loan_earns_its_interest_where_money_is_free():
    # 1,000 over 12 months at 1% a month: the installment is 88.8488, twelve of them are 1,066.185.
    assert value_if_repaid(one_loan(), FREE)[0] == pytest.approx(66.185, abs=0.001)


def test_a_default_loses_a_share_of_the_balance_and_keeps_what_was_paid():
    # After six installments the balance is 88.8488 (1 - 1.01^-6) / 0.01 = 514.921; 40% of it comes back:
    # 6 * 88.8488 + 0.4 * 514.921 - 1,000 = -260.939.
    assert value_if_default(one_loan(), FREE)[0] == pytest.approx(-260.939, abs=0.001)


def test_money_that_costs_what_the_loan_earns_leaves_nothing():
    assert value_if_repaid(one_loan(), Economics(settled_after=1.0, funding_cost=0.12))[0] == pytest.approx(0, abs=1e-9)


def test_settling_early_forgoes_the_interest_to_come():
    # After six months the balance of 514.921 is paid at once: 6 * 88.8488 + 514.921 - 1,000 = 48.014.
    early = Economics(settled_after=0.5, funding_cost=0.0)
    assert value_if_repaid(one_loan(), early)[0] == pytest.approx(48.014, abs=0.001)


def test_expected_profit_weighs_both_ends_by_the_probability():
    # 0.8 * 66.185 - 0.2 * 260.939 = 0.760.
    assert expected_profit(one_loan(), np.array([0.2]), FREE)[0] == pytest.approx(0.760, abs=0.001)


def test_profit_given_the_outcome_is_one_of_the_two():
    both = pd.concat([one_loan(default=0), one_loan(default=1)], ignore_index=True)
    assert loan_profit(both, FREE) == pytest.approx([66.185, -260.939], abs=0.001)


@given(
    amount=st.floats(500, 40_000),
    rate=st.sampled_from([0.0, 5.3, 13.6, 30.9]),
    term=st.sampled_from([36, 60]),
    loss=st.floats(0, 1),
    after=st.floats(0, 1),
    cost=st.sampled_from([0.0, 0.03, 0.1]),
)
def test_values_are_those_of_the_payments_one_by_one(
    amount: float, rate: float, term: int, loss: float, after: float, cost: float
):
    loan = one_loan(amount, rate, term)
    installment, balance, worth, paid = float(loan["installment"].iloc[0]), amount, -amount, round(after * term)
    for month in range(1, paid + 1):
        worth += installment / (1 + cost / 12) ** month
        balance = balance * (1 + rate / 1200) - installment
    worth += (1 - loss) * max(balance, 0) / (1 + cost / 12) ** paid
    economics = Economics(loss_given_default=loss, default_after=after, funding_cost=cost)
    # A thousandth of a cent in a thousand: rounding of sixty multiplications.
    assert value_if_default(loan, economics)[0] == pytest.approx(worth, abs=1e-8 * amount)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_loss_never_earns_more(first: float, second: float):
    low, high = sorted((first, second))
    worth = [value_if_default(one_loan(), FREE.with_("loss_given_default", loss))[0] for loss in (low, high)]
    assert worth[1] <= worth[0]


def test_no_balance_is_left_after_the_last_installment():
    assert balance_after(np.array([1_000.0]), np.array([12.0]), np.array([88.8488]), np.array([12])) == pytest.approx(0, abs=1e-3)  # fmt: skip


def test_a_share_beyond_one_is_refused():
    with pytest.raises(ValueError, match="funding_cost: expected a share within 0 to 1, got 4"):
        Economics(funding_cost=4)


def test_the_notebooks_start_from_the_same_assumptions():
    for name in ("04_tuning", "05_policy"):
        declared = parameters(notebooks_dir() / f"{name}.ipynb")
        assert {one: float(declared[one].default) for one in vars(Economics())} == vars(Economics()), name


def test_balance_years_of_a_loan_of_two_installments_by_hand():
    # 201 at 1% a month in two installments of 102.01: 201 is owed for a month, then 203.01 - 102.01 = 101. (201 + 101) / 12.
    loan = pd.DataFrame({"loan_amnt": [201.0], "int_rate": [12.0], "term": [2], "installment": [102.01]})
    free = Economics(settled_after=1.0, default_after=0.5, funding_cost=0.0)
    assert balance_years_if_repaid(loan, free)[0] == pytest.approx(302 / 12, abs=1e-9)
    assert balance_years_if_default(loan, free)[0] == pytest.approx(201 / 12, abs=1e-9)


def test_balance_years_are_discounted_as_the_payments_are():
    # At 2% a month: 201 / 1.02 + 101 / 1.02^2 = 294.137.
    loan = pd.DataFrame({"loan_amnt": [201.0], "int_rate": [12.0], "term": [2], "installment": [102.01]})
    dear = Economics(settled_after=1.0, funding_cost=0.24)
    assert balance_years_if_repaid(loan, dear)[0] == pytest.approx(294.137 / 12, abs=1e-4)


def test_a_loan_without_interest_is_outstanding_for_the_sum_of_its_installments():
    # 1,200 in twelve installments of 100: 1,200 + 1,100 + ... + 100 = 7,800, over twelve months of a year.
    free = Economics(settled_after=1.0, funding_cost=0.0)
    assert balance_years_if_repaid(one_loan(1_200, rate=0.0), free)[0] == pytest.approx(650)


@pytest.mark.parametrize("term", [12, 36, 60])
@pytest.mark.parametrize("settled", [0.1, 0.5, 0.7, 1.0])
def test_a_repaid_loan_at_12_percent_with_money_at_5_earns_7_per_100_and_year(term: int, settled: float):
    loan, economics = one_loan(term=term), Economics(settled_after=settled, funding_cost=0.05)
    per_year = 100 * value_if_repaid(loan, economics) / balance_years_if_repaid(loan, economics)
    assert per_year[0] == pytest.approx(7, abs=1e-8)


def test_a_defaulted_loan_earns_the_same_less_what_it_loses():
    loan, economics = one_loan(term=36), Economics(loss_given_default=0.6, default_after=0.5, funding_cost=0.05)
    balance = 1_000.0
    for _ in range(18):
        balance = balance * 1.01 - annuity(1_000.0, 12.0, 36)
    lost = 0.6 * balance * (1 + 0.05 / 12) ** -18
    earned = 0.07 * balance_years_if_default(loan, economics)[0]
    assert value_if_default(loan, economics)[0] == pytest.approx(earned - lost, abs=1e-8)


@given(
    amount=st.floats(500, 40_000),
    rate=st.sampled_from([0.0, 5.0, 13.6, 30.9]),
    term=st.sampled_from([36, 60]),
    settled=st.floats(0, 1),
    after=st.floats(0, 1),
    cost=st.sampled_from([0.0, 0.05, 0.1]),
    overpaid=st.sampled_from([1.0, 1.3]),
)
def test_balance_years_are_those_of_the_payments_one_by_one(
    amount: float, rate: float, term: int, settled: float, after: float, cost: float, overpaid: float
):
    loan = one_loan(amount, rate, term)
    loan["installment"] *= overpaid  # the balance is gone before the term is, and stays at 0
    economics = Economics(settled_after=settled, default_after=after, funding_cost=cost)
    for measure, share in ((balance_years_if_repaid, settled), (balance_years_if_default, after)):
        balance, total = amount, 0.0
        for month in range(1, round(share * term) + 1):
            total += balance / (1 + cost / 12) ** month / 12
            balance = max(balance * (1 + rate / 1200) - float(loan["installment"].iloc[0]), 0)
        # A thousandth of a cent in a thousand: rounding of sixty multiplications.
        assert measure(loan, economics)[0] == pytest.approx(total, abs=1e-8 * amount)


def test_expected_and_realised_balance_years_weigh_both_ends():
    loans = pd.concat([one_loan(default=0), one_loan(term=36, default=1)], ignore_index=True)
    repaid, default = balance_years_if_repaid(loans, Economics()), balance_years_if_default(loans, Economics())
    assert expected_balance_years(loans, np.array([0.0, 1.0]), Economics()) == pytest.approx([repaid[0], default[1]])
    assert expected_balance_years(loans, np.array([0.25, 0.25]), Economics()) == pytest.approx(
        0.75 * repaid + 0.25 * default
    )
    assert realised_balance_years(loans, Economics()) == pytest.approx([repaid[0], default[1]])


def test_no_loans_have_no_balance():
    assert balance_years_if_repaid(one_loan().iloc[:0], Economics()).shape == (0,)


def written(folder: Path, **changes: Any) -> Path:
    """Write the project's file with something changed in its first assumption; None takes it out."""
    known = yaml.safe_load((reference_dir() / FILE_NAME).read_text("utf-8"))
    known[0] = {name: value for name, value in (known[0] | changes).items() if value is not None}
    path = folder / FILE_NAME
    path.write_text(yaml.safe_dump(known), "utf-8")
    return path


def test_the_defaults_of_the_economics_are_those_of_the_file():
    assert {one.name: one.default for one in ASSUMPTIONS} == vars(Economics())


def test_a_default_of_another_file_is_read(tmp_path: Path):
    assert load_assumptions(written(tmp_path, default=0.6))[0].default == 0.6


def test_each_range_leaves_room_on_both_sides():
    assert all(one.low < one.default < one.high for one in ASSUMPTIONS)


def test_what_is_said_to_be_checked_has_a_passage_that_was_read():
    assert all(one.passages for one in ASSUMPTIONS if one.checked)
    assert not next(one for one in ASSUMPTIONS if one.name == "loss_given_default").checked


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"default": 0.3}, "expected a range around the default 0.3, got 0.4 to 1"),
        ({"low": 0.8}, "expected a range around the default 0.75, got 0.8 to 1"),
        ({"high": 1.2}, "less than or equal to 1"),
        ({"source": "  "}, "at least 1 character"),
        ({"source": None}, "Field required"),
        ({"checked": True, "passages": []}, "expected a passage that was read, since it is said to be checked"),
        ({"passages": [{"title": "T", "by": "B", "date": "2020", "at": "somewhere", "says": "S"}]}, "should match pattern"),
        ({"other": 1}, "Extra inputs are not permitted"),
        ({"name": "default_after"}, "loss_given_default, default_after, settled_after, funding_cost, each once, got default_after, default_after"),
    ],
)  # fmt: skip
def test_a_file_that_breaks_its_promises_is_refused(tmp_path: Path, changes: dict[str, Any], words: str):
    with pytest.raises(InputError, match=words):
        load_assumptions(written(tmp_path, **changes))


def test_no_file_is_told(tmp_path: Path):
    with pytest.raises(InputError, match="expected the assumptions behind profit, found no file"):
        load_assumptions(tmp_path / FILE_NAME)


def test_the_policy_is_computed_again_when_the_file_changes():
    assert {stage.name for stage in stages_of({}) if FILE_NAME in stage.reference} == {"policy"}


def test_the_page_on_policy_repeats_none_of_the_ranges():
    page = (reference_dir().parents[1] / "docs" / "policy.md").read_text("utf-8")
    assert FILE_NAME in page
    assert not [one.name for one in ASSUMPTIONS if f"{100 * one.low:g} to {100 * one.high:g}%" in page]
    assert not [one.name for one in ASSUMPTIONS if f"{one.name}={one.default:g}" in page]
