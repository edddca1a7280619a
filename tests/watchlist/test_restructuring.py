from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loantap.data.annuity import annuity
from loantap.errors import InputError
from loantap.model.economics import Economics
from loantap.watchlist.restructuring import AS_IT_IS, OFFERS, Offer, action, options, schedules
from loantap.watchlist.who_gains import who_gains

FREE = Economics(funding_cost=0.0)
LONGER, CHEAPER, HOLIDAY, CONSOLIDATED = (
    Offer(extra_months=12),
    Offer(rate_cut=3.0),
    Offer(holiday=3),
    Offer(consolidated=0.5),
)
# 1,000 at 1% a month over 12 months; 2,500 of income a month, 500 of it for other debts.
LOAN = {
    "loan_id": 7, "balance": 1_000.0, "int_rate": 12.0, "installment": 88.85, "annual_inc": 30_000.0, "dti": 20.0,
    "revol_bal": 800.0,
}  # fmt: skip


def terms(offer: Offer, economics: Economics = FREE, **changes: Any) -> pd.Series:
    return options(pd.DataFrame([LOAN | changes]), offers=[offer], economics=economics).iloc[0]


def random_loans(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    amount, rate, term = rng.uniform(1_000, 40_000, n).round(2), rng.uniform(7, 31, n).round(2), rng.choice([36, 60], n)
    return pd.DataFrame(
        {
            "loan_id": np.arange(n), "balance": (amount * rng.uniform(0.2, 1, n)).round(2), "int_rate": rate,
            "installment": annuity(amount, rate, term).round(2), "annual_inc": rng.uniform(15_000, 120_000, n).round(),
            "dti": rng.uniform(0, 45, n).round(2), "revol_bal": rng.uniform(1, 40_000, n).round(),
        }
    )  # fmt: skip


def test_a_longer_term_lowers_the_installment_and_costs_interest():
    # 1,000 * 0.01 / (1 - 1.01^-24) = 47.0735, 24 times, less 1,000: 129.76. As it is: 12 * 88.8488 - 1,000 = 66.19.
    found = terms(LONGER)
    assert (found["installment"], found["months"], found["int_rate"]) == (47.07, 24, 12)
    assert found["interest"] == pytest.approx(129.76, abs=0.03)
    assert found["interest_change"] == pytest.approx(129.76 - 66.19, abs=0.03)
    # In percent of 2,500: 20 and 88.85 / 25 = 3.554 before, 20 and 47.07 / 25 = 1.8828 after.
    assert (found["dti_before"], found["dti_after"]) == pytest.approx((23.554, 21.8828), abs=1e-12)


def test_a_lower_rate_saves_interest():
    # 1,000 * 0.0075 / (1 - 1.0075^-12) = 87.4515, 12 times, less 1,000: 49.42.
    found = terms(CHEAPER)
    assert (found["installment"], found["months"], found["int_rate"]) == (87.45, 12, 9)
    assert found["interest"] == pytest.approx(49.42, abs=0.03)


def test_a_holiday_is_paid_for_afterwards():
    # 1,000 * 1.01^3 = 1,030.301; times 0.0888488: 91.5411. 12 * 91.5411 - 1,000 = 98.49, after 15 months.
    found = terms(HOLIDAY)
    assert (found["installment"], found["months"]) == (91.54, 15)
    assert found["interest"] == pytest.approx(98.49, abs=0.03)
    assert found["dti_after"] == pytest.approx(20 + 91.54 / 25, abs=1e-12)


def test_consolidation_moves_debt_into_the_loan():
    # 1,400 * 0.0888488 = 124.3883; of 20% of income go 3% of 400, that is 12 of 2,500 or 0.48%.
    found = terms(CONSOLIDATED)
    assert (found["installment"], found["months"]) == (124.39, 12)
    assert found["interest"] == pytest.approx(12 * 124.3883 - 1_400, abs=0.03)
    assert found["dti_after"] == pytest.approx(20 - 0.48 + 124.39 / 25, abs=1e-12)


def test_debt_payments_are_not_reduced_by_more_than_there_are():
    assert terms(CONSOLIDATED, dti=0.1)["dti_after"] == pytest.approx(124.39 / 25, abs=1e-12)


def test_where_money_is_free_the_lender_gains_what_the_borrower_pays_more():
    for offer in OFFERS:
        found = terms(offer)
        assert found["cost"] == pytest.approx(-found["interest_change"], abs=1e-9)


def test_who_gains_is_said_in_words():
    # Money is free: the 64 that the borrower pays more over 24 months are the lender's, the 17 that he saves at 9% it gives up.
    assert terms(LONGER)["who_gains"] == "the borrower pays 64 more interest, the lender gains 64"
    assert terms(CHEAPER)["who_gains"] == "the borrower saves 17 of interest, the lender gives up 17"
    # At 12% the interest is what money costs, and at 24% the lender loses by waiting.
    assert terms(LONGER, Economics(funding_cost=0.12))["who_gains"] == (
        "the borrower pays 64 more interest, the lender neither gains nor gives up anything"
    )
    assert terms(LONGER, Economics(funding_cost=0.24))["who_gains"].startswith(
        "the borrower pays 64 more interest, the lender gives up "
    )


def test_a_loss_or_gain_of_less_than_one_is_none():
    offers = pd.DataFrame({"interest_change": [0.4, -0.4, 1_234.5, np.nan], "cost": [-0.4, 0.4, -1_000.0, 2.0]})
    none = "the borrower pays as much interest as before, the lender neither gains nor gives up anything"
    assert who_gains(offers) == [none, none, "the borrower pays 1,234 more interest, the lender gains 1,000", ""]


def test_where_money_costs_the_loans_rate_only_a_lower_rate_costs():
    # Payments at 1% a month are worth their balance at 1% a month: 88.85 and 47.07 alike.
    dear = Economics(funding_cost=0.12)
    assert [terms(offer, dear)["cost"] for offer in (LONGER, HOLIDAY, CONSOLIDATED)] == pytest.approx(
        [0, 0, 0], abs=0.01
    )
    # 87.4515 at 1%: 87.4515 * (1 - 1.01^-12) / 0.01 = 984.27.
    assert terms(CHEAPER, dear)["cost"] == pytest.approx(1_000 - 984.27, abs=0.03)


def test_a_rate_is_not_cut_below_the_floor_nor_raised_to_it():
    rates = pd.DataFrame([LOAN | {"int_rate": rate} for rate in (12.0, 6.5, 5.0, 4.0)])
    found = options(rates, offers=[Offer(rate_cut=3.0, rate_floor=5.0, extra_months=1)], economics=FREE)
    assert found["int_rate"].tolist() == [9, 5, 5, 4]
    assert Offer().rate_floor / 100 > Economics().funding_cost


def test_offers_can_be_combined():
    found = terms(Offer(extra_months=12, rate_cut=3.0, holiday=3))
    # 1,000 * 1.0075^3 * 0.0075 / (1 - 1.0075^-24) = 46.7200.
    assert (found["installment"], found["months"]) == (46.72, 27)
    assert found["offer"] == "12 months longer, rate 3 points lower, no payment for 3 months"


def test_options_agree_with_the_schedules():
    loans = random_loans(60)
    table = options(loans, economics=Economics(funding_cost=0.04)).set_index(["loan_id", "offer"])
    differences = []
    for loan in loans.to_dict("records"):
        found = schedules(loan)
        as_is = found.pop(AS_IT_IS)
        assert list(found) == [offer.name for offer in OFFERS]
        for offer in OFFERS:
            row, schedule = table.loc[(loan["loan_id"], offer.name)], found[offer.name].astype(float)
            payment = schedule["payment"].to_numpy()
            assert row["months"] == len(schedule)
            assert row["installment"] == pytest.approx(payment[offer.holiday], abs=0.01)
            assert row["int_rate"] == offer.new_rate(loan["int_rate"])
            worth = [
                sum(paid / (1 + 0.04 / 12) ** month for month, paid in enumerate(payments, start=1))
                for payments in (as_is["payment"].astype(float), payment)
            ]
            added = round(offer.consolidated * loan["revol_bal"], 2)
            assert row["cost"] == pytest.approx(worth[0] - worth[1] + added, abs=0.30)
            differences.append(row["interest"] - schedule["interest"].sum())
            as_it_was = row["interest"] - row["interest_change"]
            differences.append(as_it_was - float(as_is["interest"].sum()))
    # Interest is rounded each month, by half a cent at most, and what is rounded bears interest until the end.
    assert np.abs(differences).max() < 0.30
    assert np.quantile(np.abs(differences), 0.9) < 0.06
    assert np.mean(differences) == pytest.approx(0, abs=0.02)


@given(
    balance=st.floats(20, 200).map(lambda amount: round(amount, 2)),
    rate=st.sampled_from([1.0, 5.3, 13.6, 30.9]),
    share=st.floats(0.03, 1.2),
)
def test_small_balances_agree_with_their_schedules_too(balance: float, rate: float, share: float):
    loan = LOAN | {"balance": balance, "int_rate": rate, "installment": max(round(balance * share, 2), 0.01)}
    table = options(pd.DataFrame([loan]), economics=FREE).set_index("offer")
    found = schedules(loan)
    assert set(found) - {AS_IT_IS} == set(table.index[table["installment"].notna()])
    for offer in set(found) - {AS_IT_IS}:
        # Half a cent more or less of interest a month may move the end of a loan of a few units of currency by a month.
        assert len(found[offer]) == pytest.approx(table.loc[offer, "months"], abs=1)
        # Half a cent of each month, which bears interest until the end, and what a month more or less costs.
        monthly = table.loc[offer, "int_rate"] / 1200
        most = 0.5 + 0.005 * ((1 + monthly) ** len(found[offer]) - 1) / monthly
        assert float(found[offer]["interest"].sum()) == pytest.approx(table.loc[offer, "interest"], abs=most)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"balance": 0.0}, "nothing is owed"),
        ({"balance": np.nan}, "balance is missing"),
        ({"int_rate": None}, "int_rate is missing"),
        ({"balance": 0.004}, "nothing is owed"),
        ({"installment": 10.0}, "the installment does not exceed the interest"),
        ({"balance": 0.02, "installment": 0.01}, "too little is owed to be spread so far"),
    ],
)
def test_what_cannot_be_computed_has_a_reason(changes: dict[str, Any], reason: str):
    found = terms(Offer(extra_months=120), **changes)
    assert found["reason"] == reason
    assert found[["installment", "months", "interest", "interest_change", "dti_after", "cost"]].isna().all()
    assert list(schedules(LOAN | changes, offers=[Offer(extra_months=120)])) in ([], [AS_IT_IS])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"annual_inc": 0.0}, "no income is stated"),
        ({"annual_inc": np.nan}, "annual_inc is missing"),
        ({"dti": np.nan}, "dti is missing"),
    ],
)
def test_without_income_or_debts_the_installment_is_still_known(changes: dict[str, Any], reason: str):
    found = terms(LONGER, **changes)
    assert found["reason"] == reason
    assert found[["dti_before", "dti_after"]].isna().all()
    assert found["installment"] == 47.07
    assert found["cost"] == terms(LONGER)["cost"]


def test_an_offer_that_would_change_nothing_is_none():
    for found in (terms(CONSOLIDATED, revol_bal=0.0), terms(CHEAPER, int_rate=5.0), terms(Offer())):
        assert found["reason"] == "it would change nothing"
        assert np.isnan(found["installment"])
    assert terms(CONSOLIDATED, revol_bal=np.nan)["reason"] == "revol_bal is missing"
    assert terms(LONGER, revol_bal=np.nan)["reason"] == ""


def test_the_offers_of_a_loan_stand_together_in_the_order_given():
    loans = random_loans(3).assign(loan_id=["c", "a", "b"]).set_index(pd.Index([5, 5, 1]))
    before = loans.copy()
    table = options(loans, offers=[HOLIDAY, LONGER], economics=FREE)
    assert table["loan_id"].tolist() == ["c", "c", "a", "a", "b", "b"]
    assert table["offer"].tolist() == [HOLIDAY.name, LONGER.name] * 3
    pd.testing.assert_frame_equal(loans, before)


def test_no_loans_have_no_options():
    table = options(pd.DataFrame([LOAN]).iloc[:0], economics=FREE)
    assert table.empty
    assert list(table) == list(terms(LONGER).index)


def test_a_column_that_is_absent_is_named():
    with pytest.raises(InputError, match="revol_bal is absent"):
        options(pd.DataFrame([LOAN]).drop(columns="revol_bal"), economics=FREE)


def test_thirty_thousand_loans_take_less_than_two_seconds():
    loans = random_loans(30_000)
    start = perf_counter()
    assert len(options(loans, economics=FREE)) == 30_000 * len(OFFERS)
    assert perf_counter() - start < 2


def test_each_light_has_its_action():
    assert [action(light) for light in ("red", "amber", "green")] == [
        "restructuring offer",
        "financial counselling",
        "none",
    ]
    with pytest.raises(InputError, match="light: expected one of red, amber, green, got 'blue'"):
        action("blue")


@pytest.mark.parametrize("field", [{"extra_months": -1}, {"consolidated": 1.5}, {"rate_cut": float("nan")}])
def test_terms_that_make_no_sense_are_refused(field: dict[str, float]):
    with pytest.raises(ValueError, match=f"{next(iter(field))}: expected"):
        Offer(**field)
