from io import StringIO
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from schedules import AS_IT_IS, schedules

from loantap.data.annuity import annuity
from loantap.model.economics import Economics
from loantap.watchlist.offers import AT_ONCE, BURDEN, NEVER, OFFERS, RATE_FLOOR, Offer, best_offer, options
from loantap.watchlist.payments import expected_value
from loantap.watchlist.worklist_files import as_written

FREE = Economics(funding_cost=0.0)
LONGER, CHEAPER, HOLIDAY, CONSOLIDATED = (
    Offer(extra_months=12),
    Offer(rate_cut=3.0),
    Offer(extra_months=12, holiday=3),
    Offer(consolidated=0.5),
)
# 1,000 at 1% a month over 12 months; 2,500 of income a month, 500 of it for other debts.
LOAN = {
    "loan_id": 7, "balance": 1_000.0, "int_rate": 12.0, "installment": 88.85, "annual_inc": 30_000.0, "dti": 20.0,
    "revol_bal": 800.0, "probability": 0.0,
}  # fmt: skip
LONG = {"installment": 22.24}  # over 60 months, so that taking over debt lowers the debt payments
CENT = 0.005  # what is written with two decimals is off by half of the last one at most


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
            "probability": rng.uniform(0, 1, n),
        }
    )  # fmt: skip


def test_a_longer_term_lowers_the_installment_and_costs_interest():
    # 1,000 * 0.01 / (1 - 1.01^-24) = 47.0735, 24 times, less 1,000: 129.76. As it is: 12 * 88.8488 - 1,000 = 66.19.
    found = terms(LONGER)
    assert (found["installment"], found["months"], found["int_rate"]) == (47.07, 24, 12)
    assert found["interest"] == pytest.approx(129.76, abs=0.03)
    assert found["interest_change"] == pytest.approx(129.76 - 66.19, abs=0.03)
    # In percent of 2,500: 20 and 88.85 / 25 = 3.554 before, 20 and 47.07 / 25 = 1.8828 after.
    assert (found["dti_before"], found["dti_after"]) == (23.55, 21.88)


def test_a_lower_rate_saves_interest():
    # 1,000 * 0.0075 / (1 - 1.0075^-12) = 87.4515, 12 times, less 1,000: 49.42.
    found = terms(CHEAPER)
    assert (found["installment"], found["months"], found["int_rate"]) == (87.45, 12, 9)
    assert found["interest"] == pytest.approx(49.42, abs=0.03)


def test_a_holiday_is_paid_for_afterwards():
    # 1,000 * 1.01^3 = 1,030.301; times 0.0470735: 48.4998. 24 * 48.4998 - 1,000 = 163.99, after 27 months.
    found = terms(HOLIDAY)
    assert (found["installment"], found["months"]) == (48.50, 27)
    assert found["interest"] == pytest.approx(163.99, abs=0.03)
    assert found["dti_after"] == pytest.approx(20 + 48.50 / 25, abs=CENT)


def test_a_holiday_over_the_same_installments_would_raise_them_and_is_not_made():
    # 1,030.301 * 0.0888488 = 91.54, more than 88.85.
    found = terms(Offer(holiday=3))
    assert found["reason"] == BURDEN
    assert (
        found[["int_rate", "installment", "months", "interest", "dti_after", "expected_cost", "break_even"]]
        .isna()
        .all()
    )
    assert (found["installment_before"], found["dti_before"], found["who_gains"]) == (88.85, 23.55, "")
    assert list(schedules(LOAN, offers=[Offer(holiday=3)])) == [AS_IT_IS]


def test_consolidation_moves_debt_into_the_loan():
    # 1,400 * 0.01 / (1 - 1.01^-60) = 31.1422; of 20% of income go 3% of 400, that is 12 of 2,500 or 0.48%.
    found = terms(CONSOLIDATED, **LONG)
    assert (found["installment"], found["months"]) == (31.14, 60)
    assert found["interest"] == pytest.approx(60 * 31.1422 - 1_400, abs=0.15)  # 60 times a fifth of a cent
    assert found["dti_after"] == pytest.approx(20 - 0.48 + 31.14 / 25, abs=CENT)


def test_debt_is_taken_over_only_where_that_lowers_the_debt_payments():
    # Over 12 months the installment rises by 35.54, and the debt payments fall by 12.
    assert terms(CONSOLIDATED)["reason"] == BURDEN
    loans = random_loans(2_000).assign(probability=0.1)
    found = options(loans, offers=[CONSOLIDATED], economics=FREE)
    made = found["installment"].notna()
    assert 0.02 < made.mean() < 0.9
    assert (found["dti_after"] <= found["dti_before"])[made].all()
    assert (found["reason"][~made] == BURDEN).all()
    # A borrower whose debt payments are not known is not known to gain.
    unknown = terms(CONSOLIDATED, **LONG, dti=np.nan)
    assert (unknown["reason"], np.isnan(unknown["installment"])) == ("dti is missing", True)


def test_no_offer_raises_the_burden():
    found = options(random_loans(2_000), economics=Economics()).dropna(subset="installment")
    assert set(found["offer"]) == {offer.name for offer in OFFERS}
    assert (found["dti_after"] <= found["dti_before"]).all()
    taken = found["offer"] == CONSOLIDATED.name
    assert (found["installment"] <= found["installment_before"])[~taken].all()


def test_debt_payments_are_not_reduced_by_more_than_there_are():
    # 400 taken over would save 12 a month of an income of 2,500, 0.48%, and the borrower pays 0.4%.
    assert terms(CONSOLIDATED, **LONG, dti=0.4)["dti_after"] == pytest.approx(31.14 / 25, abs=CENT)


def test_where_money_is_free_the_lender_gains_what_the_borrower_pays_more():
    for offer in OFFERS:
        found = terms(offer, **LONG)
        assert found["expected_cost"] == pytest.approx(-found["interest_change"], abs=2 * CENT)


def month_by_month(loan: dict[str, Any], schedule: pd.DataFrame, economics: Economics, lent: float = 0.0) -> float:
    """Return the expected present value of a schedule to the cent, with failure, by adding up what each month brings."""
    hazard = 1 - (1 - loan["probability"]) ** (1 / min(12, len(schedule)))
    alive, owed, worth = 1.0, loan["balance"] + lent, -lent
    for month, payment, left in zip(schedule["month"], schedule["payment"], schedule["balance"], strict=True):
        lost_here, alive = alive * hazard, alive * (1 - hazard)
        brings = alive * float(payment) + lost_here * (1 - economics.loss_given_default) * owed
        worth += brings / (1 + economics.funding_cost / 12) ** month
        owed = float(left)
    return worth


def test_the_expected_cost_is_what_the_months_add_up_to():
    economics, seen = Economics(loss_given_default=0.6, funding_cost=0.04), 0
    for loan in random_loans(60).to_dict("records"):
        found = schedules(loan)
        as_is = month_by_month(loan, found.pop(AS_IT_IS), economics)
        table = options(pd.DataFrame([loan]), economics=economics).set_index("offer")
        for offer in (offer for offer in OFFERS if offer.name in found):
            lent = round(offer.consolidated * loan["revol_bal"], 2)
            offered = month_by_month(loan, found[offer.name], economics, lent)
            # A schedule rounds each month's interest: see the totals above.
            assert table.loc[offer.name, "expected_cost"] == pytest.approx(as_is - offered, abs=0.30)
            seen += 1
    assert seen > 150  # of 300; no rate is 0 among them, and no money is free
    free = LOAN | {"balance": 1_066.2, "int_rate": 0.0, "probability": 0.3}
    loan, found = (
        options(pd.DataFrame([free]), offers=[HOLIDAY], economics=economics).iloc[0],
        schedules(free, offers=[HOLIDAY]),
    )
    costs = [month_by_month(free, found[name], economics) for name in (AS_IT_IS, HOLIDAY.name)]
    assert loan["expected_cost"] == pytest.approx(costs[0] - costs[1], abs=0.02)  # one rounded installment


def test_a_loan_that_will_fail_at_once_brings_back_what_is_not_lost():
    # p = 1: the first month brings 25% of the balance.
    one = [np.array([value]) for value in (1_000.0, 12.0, 88.85, 12.0)]
    sure = expected_value(
        *one, probability=np.array([1.0]), economics=Economics(loss_given_default=0.75, funding_cost=0.0)
    )
    assert sure[0] == pytest.approx(250, abs=1e-9)
    # Nothing lost and free money at no interest: whatever the risk, the balance comes back.
    plain = expected_value(
        np.array([1_200.0]), np.array([0.0]), np.array([100.0]), np.array([12.0]), probability=np.array([0.3]),
        economics=Economics(loss_given_default=0.0, funding_cost=0.0),
    )  # fmt: skip
    assert plain[0] == pytest.approx(1_200, abs=1e-9)


def test_what_looked_like_a_gain_costs_where_the_loan_may_fail():
    # All paid, two years more of 12% interest are a gain; with one in three failing they are a loss.
    sure, risky = (terms(Offer(extra_months=24), Economics(), probability=p) for p in (0.0, 0.35))
    assert sure["expected_cost"] < 0 < risky["expected_cost"]
    assert sure["pays_for_itself"] == AT_ONCE
    assert sure["break_even"] == 0


@pytest.mark.parametrize("offer", [LONGER, HOLIDAY, Offer(extra_months=24), Offer(extra_months=12, rate_cut=1.0)])
def test_at_the_break_even_the_offer_costs_nothing(offer: Offer):
    economics, p = Economics(), 0.5
    fall = terms(offer, economics, probability=p)["break_even"] / 100
    assert 0 < fall < p
    loan = LOAN | {"probability": p}
    as_is = month_by_month(loan, schedules(loan)[AS_IT_IS], economics)
    offered = schedules(loan, offers=[offer])[offer.name]
    costs = [
        as_is - month_by_month(loan | {"probability": p - fall + off}, offered, economics) for off in (-0.005, 0, 0.005)
    ]
    # The fall is told to a hundredth of a point, and the schedules are rounded: half a point to either side is clear of both.
    assert costs[0] < 0 < costs[2]
    assert costs[1] == pytest.approx(0, abs=0.15)


def test_an_offer_that_costs_even_if_nothing_fails_would_never_pay_for_itself():
    found = terms(CHEAPER, probability=0.0)
    assert (found["pays_for_itself"], np.isnan(found["break_even"])) == (NEVER, True)
    assert found["expected_cost"] > 0


def test_the_riskier_the_loan_the_more_a_longer_term_costs():
    costs = [terms(LONGER, Economics(), probability=p)["expected_cost"] for p in (0.0, 0.1, 0.2, 0.4)]
    assert costs == sorted(costs)


def test_without_a_probability_the_cost_is_not_told():
    found = terms(LONGER, probability=np.nan)
    assert found["reason"] == "the probability of failing is not known, so neither is the cost"
    assert found[["expected_cost", "break_even"]].isna().all()
    assert (found["installment"], found["pays_for_itself"]) == (47.07, "")
    assert found["who_gains"] == "the borrower pays 64 more interest, what the lender gives up is not known"


def test_files_have_two_decimals_and_whole_months():
    found = options(random_loans(50), economics=Economics())
    assert found["months"].dtype == "Int64"
    numbers = found.drop(columns="probability").select_dtypes("float")
    pd.testing.assert_frame_equal(numbers, numbers.round(2))
    text = as_written(found).to_csv(index=False)
    assert pd.read_csv(StringIO(text), dtype="str")["months"].dropna().str.isdigit().all()
    cells = pd.read_csv(StringIO(text), dtype="str")[list(numbers)].stack().dropna()
    assert cells.str.fullmatch(r"-?[0-9]+\.[0-9]{2}").all()


def test_the_offer_that_fits_is_the_cheapest_that_is_enough():
    table = pd.DataFrame(
        {
            "loan_id": ["a"] * 3 + ["b"] * 3 + ["c"] * 2 + ["d"] * 2 + ["e"] * 2, "offer": list("xyzxyzxyxyxy"),
            "installment_before": 100.0, "installment": [60, 50, 40, 60, 50, 40, np.nan, 100, 60, 50, 60, 50], "months_before": 12, "months": 24,
            "dti_before": [50.0] * 8 + [np.nan] * 2 + [50.0] * 2,
            "dti_after": [38, 36, 34, 48, 44, 46, np.nan, 50, np.nan, np.nan, 38, 36],
            "expected_cost": [30.0, 20, 25, 1, 90, 2, np.nan, 0, 5, 6, np.nan, np.nan], "break_even": 1.0, "probability": 0.2,
        }
    )  # fmt: skip
    found = best_offer(table).set_index("loan_id")
    # a: all are enough, y is the cheapest; b: none is enough, y lowers most; c: one is not made and one lowers nothing; d: without
    # debts the lower installment counts; e: no cost is known, so none fits.
    assert found["offer"].to_dict() == {"a": "y", "b": "y", "c": "", "d": "y", "e": ""}
    assert found.loc["a", "expected_cost"] == 20
    assert found.loc["c", ["installment", "expected_cost"]].isna().all()


def test_an_offer_that_hardly_changes_anything_does_not_fit_before_one_that_helps():
    table = pd.DataFrame(
        {
            "loan_id": "a", "offer": list("xyz"), "installment_before": 100.0, "installment": [98.0, 80, 60], "months_before": 12, "months": 24, "dti_before": 30.0,
            "dti_after": [29.8, 26.0, 22.0], "expected_cost": [1.0, 20, 50], "break_even": [0.0, 5.0, 9.9], "probability": 0.2,
        }
    )  # fmt: skip
    assert best_offer(table)["offer"].tolist() == ["y"]
    # y never pays for itself, or only if more than half of 20 points went away.
    for points in (np.nan, 10.1):
        assert best_offer(table.assign(break_even=[0.0, points, 9.9]))["offer"].tolist() == ["z"]
    assert best_offer(table.assign(break_even=np.nan))["offer"].tolist() == [""]
    assert best_offer(table.assign(probability=0.01))["offer"].tolist() == [""]


def test_one_last_installment_is_not_stretched_over_two_years():
    table = pd.DataFrame(
        {
            "loan_id": "a", "offer": ["short", "long"], "installment_before": 100.0, "installment": [60.0, 9.0], "months_before": 2, "months": [4, 26],
            "dti_before": 30.0, "dti_after": [26.0, 20.0], "expected_cost": [20.0, 1.0], "break_even": 1.0, "probability": 0.2,
        }
    )  # fmt: skip
    assert best_offer(table)["offer"].tolist() == ["short"]


def test_what_the_lender_gains_makes_no_offer_fit_better():
    table = pd.DataFrame(
        {
            "loan_id": "a", "offer": ["dear", "mild"], "installment_before": 100.0, "installment": [80.0, 70.0], "months_before": 24, "months": 48,
            "dti_before": 30.0, "dti_after": [28.0, 27.0], "expected_cost": [-900.0, -1.0], "break_even": 0.0, "probability": 0.2,
        }
    )  # fmt: skip
    assert best_offer(table)["offer"].tolist() == ["mild"]


def test_who_gains_is_said_in_words():
    # Money is free: the 64 that the borrower pays more over 24 months are the lender's, the 17 that he saves at 9% it gives up.
    assert terms(LONGER)["who_gains"] == "the borrower pays 64 more interest, the lender expects to gain 64"
    assert terms(CHEAPER)["who_gains"] == "the borrower saves 17 of interest, the lender expects to give up 17"
    # At 12% the interest is what money costs, and at 24% the lender loses by waiting.
    assert terms(LONGER, Economics(funding_cost=0.12))["who_gains"] == (
        "the borrower pays 64 more interest, the lender expects neither a gain nor a loss"
    )
    assert terms(LONGER, Economics(funding_cost=0.24))["who_gains"].startswith(
        "the borrower pays 64 more interest, the lender expects to give up "
    )


def test_a_loss_or_gain_of_less_than_one_is_none():
    # A hundredth of the loan: the borrower pays 0.31 less interest, and 0.64 more.
    for offer in (CHEAPER, LONGER):
        found = terms(offer, balance=5.0, installment=0.45)
        assert abs(found["interest_change"]) < 0.5
        assert found["who_gains"] == (
            "the borrower pays as much interest as before, the lender expects neither a gain nor a loss"
        )


def test_where_money_costs_the_loans_rate_only_a_lower_rate_costs():
    # Payments at 1% a month are worth their balance at 1% a month: 88.85 and 47.07 alike.
    dear = Economics(funding_cost=0.12)
    costs = [terms(offer, dear, **LONG)["expected_cost"] for offer in (LONGER, HOLIDAY, CONSOLIDATED)]
    assert costs == pytest.approx([0, 0, 0], abs=0.01)
    # 87.4515 at 1%: 87.4515 * (1 - 1.01^-12) / 0.01 = 984.27.
    assert terms(CHEAPER, dear)["expected_cost"] == pytest.approx(1_000 - 984.27, abs=0.03)


def test_a_rate_is_not_cut_below_the_floor_nor_raised_to_it():
    rates = pd.DataFrame([LOAN | {"int_rate": rate} for rate in (12.0, 7.5, 6.0, 4.0)])
    found = options(rates, offers=[Offer(rate_cut=3.0, extra_months=1)], economics=FREE)
    assert found["int_rate"].tolist() == [9, 6, 6, 4]
    assert Economics().funding_cost < RATE_FLOOR / 100


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
        made = [offer for offer in OFFERS if not np.isnan(table.loc[(loan["loan_id"], offer.name), "installment"])]
        assert list(found) == [offer.name for offer in made]
        for offer in made:
            row, schedule = table.loc[(loan["loan_id"], offer.name)], found[offer.name].astype(float)
            payment = schedule["payment"].to_numpy()
            assert row["months"] == len(schedule)
            assert row["installment"] == pytest.approx(payment[offer.holiday], abs=0.01 + 1e-9)
            assert row["int_rate"] == pytest.approx(offer.new_rate(loan["int_rate"]), abs=1e-9)
            differences.append(row["interest"] - schedule["interest"].sum())
            as_it_was = row["interest"] - row["interest_change"]
            differences.append(as_it_was - float(as_is["interest"].sum()))
    # Interest is rounded each month, by half a cent at most, and what is rounded bears interest until the end; so are the totals.
    assert np.abs(differences).max() < 0.31
    assert np.quantile(np.abs(differences), 0.9) < 0.07
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
    assert found[["installment", "months", "interest", "interest_change", "dti_after", "expected_cost"]].isna().all()
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
    assert found["expected_cost"] == terms(LONGER)["expected_cost"]


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


def test_thirty_thousand_loans_take_less_than_two_seconds():
    loans = random_loans(30_000)
    start = process_time()  # a busy machine must not count
    assert len(options(loans, economics=FREE)) == 30_000 * len(OFFERS)
    assert process_time() - start < 2
