"""Default rates of a portfolio by factor and filter, with small cells held back."""

import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from loantap_serving.explore import Portfolio, factors


@pytest.fixture(scope="module")
def portfolio(loans: pd.DataFrame) -> Portfolio:
    return Portfolio(loans)


def test_rates_are_counts_with_wilson_intervals(portfolio: Portfolio, loans: pd.DataFrame):
    found = portfolio.rates("grade", {})
    level = found.levels.set_index("level").loc["B"]
    b = loans.loc[loans["grade"] == "B", "default"]
    assert (level["n"], level["defaults"]) == (len(b), b.sum())
    assert (level["ci_low"], level["ci_high"]) == pytest.approx(proportion_confint(b.sum(), len(b), method="wilson"))
    assert found.loans == len(loans)
    assert found.default_rate == pytest.approx(loans["default"].mean())


@pytest.mark.parametrize("factor", factors())
def test_every_factor_accounts_for_every_loan_and_shows_no_small_cell(factor: str, portfolio: Portfolio, loans: pd.DataFrame):  # fmt: skip
    levels = portfolio.rates(factor, {}).levels
    assert levels["n"].sum() == len(loans)
    assert levels["defaults"].sum() == loans["default"].sum()
    assert levels["n"].min() >= 10
    for cell in (levels["defaults"], levels["n"] - levels["defaults"]):
        assert not ((cell > 0) & (cell < 10)).any()


def test_filters_of_several_factors_all_have_to_match(portfolio: Portfolio, loans: pd.DataFrame):
    found = portfolio.rates("term", {"grade": ["B", "C"], "home_ownership": ["RENT"], "purpose": []})
    expected = loans.loc[loans["grade"].isin(["B", "C"]) & (loans["home_ownership"] == "RENT")]
    assert found.loans == len(expected) == found.levels["n"].sum()
    assert found.default_rate == pytest.approx(expected["default"].mean())


def test_numbers_are_filtered_by_the_bins_that_are_shown(portfolio: Portfolio, loans: pd.DataFrame):
    lowest = portfolio.levels("dti")[0]
    found = portfolio.rates("grade", {"dti": [lowest]})
    edge = float(lowest.removeprefix("under "))
    assert found.loans == (loans["dti"] < edge).sum()


def test_missing_values_are_a_level_that_can_be_asked_for(portfolio: Portfolio, loans: pd.DataFrame):
    assert portfolio.levels("mort_acc")[-1] == "Missing"
    assert portfolio.rates("grade", {"mort_acc": ["Missing"]}).loans == loans["mort_acc"].isna().sum()


def test_ordered_levels_keep_their_order(portfolio: Portfolio):
    levels = portfolio.rates("emp_length", {}).levels["level"].tolist()
    assert levels.index("2 years") < levels.index("10+ years")
    years = [level for level in portfolio.levels("issue_year") if "pooled" not in level]
    assert years == sorted(years)


def test_too_few_loans_give_no_number_at_all(portfolio: Portfolio):
    found = portfolio.rates("term", {"purpose": ["wedding"], "grade": ["G"]})
    assert found.loans is None
    assert found.default_rate is None
    assert found.levels.empty
    assert "too few to say anything" in found.note


def test_a_slice_of_one_outcome_gives_no_number(loans: pd.DataFrame):
    good = Portfolio(loans.loc[loans["default"] == 0].reset_index(drop=True))
    assert good.rates("grade", {}).default_rate is None


def test_addresses_come_with_the_reason_not_to_use_them(portfolio: Portfolio):
    assert "may give the outcome away" in portfolio.rates("pincode", {}).note


def test_one_level_cannot_be_compared(portfolio: Portfolio):
    found = portfolio.rates("grade", {"grade": ["B"]})
    assert len(found.levels) == 1
    assert "have one level" in found.note


def test_the_loans_stay_as_they_were(loans: pd.DataFrame):
    before = loans.copy()
    Portfolio(loans).rates("profession_group", {"dti": []})
    pd.testing.assert_frame_equal(loans, before)


def with_rare_owners(loans: pd.DataFrame) -> pd.DataFrame:
    """Three loans of one rare kind of ownership and five of another, among thousands."""
    owners = loans["home_ownership"].astype("object")
    owners.iloc[:3], owners.iloc[3:8] = "NONE", "ANY"
    return loans.assign(home_ownership=owners)


def test_filters_offer_small_levels_pooled_only(loans: pd.DataFrame):
    rare = Portfolio(with_rare_owners(loans))
    pooled = rare.levels("home_ownership")[-1]
    assert pooled.endswith("(pooled)")
    assert {"NONE", "ANY"}.isdisjoint(rare.levels("home_ownership"))
    assert rare.rates("grade", {"home_ownership": ["NONE"]}).loans is None
    everybody = rare.rates("grade", {"home_ownership": rare.levels("home_ownership")})
    assert everybody.loans == len(loans)


@pytest.mark.parametrize("factor", factors())
def test_no_small_cell_is_the_difference_of_a_filter_and_none(factor: str, loans: pd.DataFrame):
    rare = Portfolio(with_rare_owners(loans))
    everybody = rare.rates("term", {})
    assert everybody.default_rate is not None
    levels = rare.levels(factor)
    for left_out in levels:
        found = rare.rates("term", {factor: [level for level in levels if level != left_out]})
        if found.loans is None or found.default_rate is None or len(levels) == 1:
            continue
        n = len(loans) - found.loans
        defaults = round(everybody.default_rate * len(loans) - found.default_rate * found.loans)
        assert n >= 10
        assert all(cell == 0 or cell >= 10 for cell in (defaults, n - defaults))


def test_filters_that_leave_out_few_loans_together_or_one_by_one_are_refused(loans: pd.DataFrame):
    """All but three loans of purpose car own; 'all' and 'those who own' would differ by these three."""
    purpose, owner = loans["purpose"].astype("object"), pd.Series("RENT", index=loans.index)
    owner.iloc[:900] = "OWN"
    purpose.iloc[:900], purpose.iloc[900:] = "car", "medical"
    owner.iloc[:3] = "RENT"
    made = Portfolio(loans.assign(purpose=purpose, home_ownership=owner))
    cars = {"purpose": ["car"]}
    assert made.rates("grade", cars).loans == 900
    refused = made.rates("grade", cars | {"home_ownership": ["OWN"]})
    assert refused.loans is None
    assert refused.levels.empty
    assert "leave out fewer than 10 loans" in refused.note
