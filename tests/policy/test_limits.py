"""Limits found where profit is made to turn, and none where it does not."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_books import random_book, small_book

from loantap.data.annuity import annuity
from loantap.errors import InputError
from loantap.model.bootstrap import drawn_sums, percentile_interval
from loantap.model.economics import expected_profit
from loantap.policy.groupings import Grouping
from loantap.policy.level_limits import exclusions, term_limits
from loantap.policy.levers import AmountLimits, Cap, Exclusion, LongestTerm
from loantap.policy.limits import amount_limits, cap_limit, found
from loantap.policy.margins import margins

GRADE = Grouping("grade")


def turning_at_24(n: int = 4_000, *, noise: float = 0.05):
    """Loans whose expected profit per unit lent falls with DTI and crosses 0 at 24; a twentieth has no DTI."""
    rng = np.random.default_rng(0)
    dti, amount = rng.uniform(0, 48, n).round(2), rng.integers(2, 60, n) * 500.0
    expected = amount * (0.1 * (24 - dti) / 24 + rng.normal(0, noise, n))
    default = (rng.random(n) < 0.2).astype(int)
    realised = expected + amount * (0.2 - default) / 10
    dti[rng.random(n) < 0.05] = np.nan
    return small_book(expected=expected, realised=realised, amount=amount, default=default, dti=dti)


def test_the_planted_turning_point_is_found():
    # Noise of 0.05 per unit against a slope of 0.004 a point: the fit is good to about a point, and 24.x becomes 25.
    found_cap = cap_limit(turning_at_24(), "dti", min_cell=10)
    assert isinstance(found_cap.lever, Cap)
    assert found_cap.lever.limit in {23, 24, 25, 26}
    assert found_cap.finding == found_cap.lever.rule


def test_without_noise_the_turning_point_is_found_exactly():
    dti = np.arange(1.0, 49.0).repeat(20)
    book = small_book(expected=24 - dti, dti=dti, default=np.tile([0, 1], 480))
    found_cap = cap_limit(book, "dti", min_cell=2)
    assert found_cap.lever == Cap("dti", 24)
    row = found_cap.evidence.iloc[0]
    # 24 values above it with 20 loans of 100 each; they lose 1 to 24, 12.5 on average.
    assert row[["limit", "n", "defaults"]].tolist() == [24, 480, 240]
    assert (row["expected"], row["realised"], row["verdict"]) == (
        pytest.approx(-12.5),
        pytest.approx(-12.5),
        "loses money",
    )


@pytest.mark.parametrize(
    ("column", "turn", "limit"), [("dti", 24.3, 25), ("revol_util", 82.0, 85), ("annual_inc", 30_010, 30_500), ("loan_amnt", 9_500, 9_500)]
)  # fmt: skip
def test_limits_are_rounded_outward_to_figures_a_policy_can_state(column, turn, limit):
    value = np.array([turn / 2, turn, 2 * turn]).repeat(10)
    book = small_book(expected=np.array([1.0, 1.0, -1.0]).repeat(10), **{"amount" if column == "loan_amnt" else column: value})  # fmt: skip
    assert cap_limit(book, column, min_cell=1).lever == Cap(column, limit)


def never_rising_fit(ratio: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Isotonic regression by its minimax formula (Robertson, Wright and Dykstra 1988, theorem 1.4.4)."""
    n = len(ratio)
    mean = lambda start, end: (ratio * weight)[start : end + 1].sum() / weight[start : end + 1].sum()  # noqa: E731
    return np.array([min(max(mean(a, b) for b in range(i, n)) for a in range(i + 1)) for i in range(n)])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-4, 4), st.sampled_from([1, 2, 4])), min_size=1, max_size=9))
def test_the_limit_is_where_the_minimax_formula_turns_negative(loans: list[tuple[int, int]]):
    # Amounts are powers of two and profits whole, so that a mean of 0 is 0 in both.
    expected, amount = (np.array(part, dtype=float) for part in zip(*loans, strict=True))
    dti = np.arange(1.0, len(loans) + 1)
    kept = dti[never_rising_fit(expected / amount, amount) >= 0]
    lever = cap_limit(small_book(expected=expected, amount=amount, dti=dti), "dti", min_cell=1).lever
    assert lever == (Cap("dti", kept.max()) if 0 < len(kept) < len(loans) else None)


def test_a_fit_that_starts_high_on_a_few_loans_is_not_followed():
    expected = np.array([1.0] * 5 + [-1.0] * 95)
    book = small_book(expected=expected, dti=np.arange(100.0), default=np.tile([0, 1], 50))
    assert cap_limit(book, "dti", min_cell=5).lever == Cap("dti", 4)
    assert cap_limit(book, "dti", min_cell=6).finding == "expected profit is negative at every value"


def test_where_profit_never_turns_negative_there_is_no_cap():
    rising = small_book(expected=np.arange(1.0, 41.0), dti=np.arange(40.0))
    none = cap_limit(rising, "dti", min_cell=2)
    assert (none.lever, none.finding) == (None, "expected profit never turns negative")
    assert none.evidence[["n", "verdict"]].to_numpy().tolist() == [[0, "no loans"]]


def test_a_column_without_a_value_has_no_cap():
    none = cap_limit(small_book(expected=[1, -1], revol_util=np.nan), "revol_util", min_cell=1)
    assert (none.lever, none.finding) == (None, "expected profit never turns negative")


def test_a_cap_that_rounding_moves_beyond_every_loan_is_no_lever():
    book = small_book(expected=[1] * 10 + [-1] * 10, dti=[20.2] * 10 + [20.9] * 10)
    none = cap_limit(book, "dti", min_cell=1)
    assert (none.lever, none.finding) == (None, "declines nobody")


def test_a_cap_that_refuses_fewer_than_may_be_published_is_no_lever():
    book = small_book(expected=[1] * 20 + [-1] * 4, dti=np.arange(24.0))
    assert cap_limit(book, "dti", min_cell=4).lever == Cap("dti", 19)
    none = cap_limit(book, "dti", min_cell=5)
    assert (none.lever, none.finding) == (None, "declines too few loans to tell")
    assert none.evidence[["n", "expected", "realised"]].isna().all(axis=None)


def test_a_cap_on_the_outcome_is_not_looked_for():
    with pytest.raises(InputError, match="column 'default'"):
        cap_limit(turning_at_24(50), "default", min_cell=1)


def test_bins_hold_every_loan_with_a_value_and_tell_its_profit():
    book = turning_at_24()
    bins = cap_limit(book, "dti", min_cell=10).bins
    assert len(bins) == 20
    dti = book.loans["dti"].to_numpy()
    assert bins["n"].sum() == np.isfinite(dti).sum()
    inside = (dti > bins.loc[6, "low"]) & (dti <= bins.loc[6, "high"])
    assert bins.loc[6, "n"] == inside.sum()
    for name, profit in (("expected", book.expected), ("realised", book.realised)):
        assert bins.loc[6, name] == pytest.approx(100 * profit[inside].sum() / book.amount[inside].sum())
    assert bins.loc[6, "middle"] == np.median(dti[inside])
    assert bins["fitted"].is_monotonic_decreasing
    # Isotonic regression keeps the weighted mean.
    lent = [book.amount[(dti > low) & (dti <= high)].sum() for low, high in zip([-1, *bins["high"][:-1]], [*bins["high"][:-1], 99], strict=True)]  # fmt: skip
    known = np.isfinite(dti)
    assert np.average(bins["fitted"], weights=lent) == pytest.approx(100 * book.expected[known].sum() / book.amount[known].sum())  # fmt: skip


@settings(deadline=None)
@given(st.integers(0, 30))
def test_no_bin_is_too_small_to_be_published(seed: int):
    rng = np.random.default_rng(seed)
    book = random_book(300, seed=seed, dti=rng.integers(0, 9, 300) ** 2.0)
    bins = cap_limit(book, "dti", min_cell=10).bins
    assert bins["n"].sum() == 300
    assert min(bins["n"].min(), bins["defaults"].min(), (bins["n"] - bins["defaults"]).min()) >= 10
    assert (bins["low"] <= bins["high"]).all()


def test_the_ends_of_the_bins_are_nobodys_own_value():
    book = random_book(600)
    bins, dti = cap_limit(book, "dti", min_cell=10).bins, book.loans["dti"]
    assert (dti <= bins["low"].iloc[0]).sum() == 10
    assert (dti >= bins["high"].iloc[-1]).sum() == 10


def planted_amounts():
    """Grade A turns at 12,000 by a wide margin, B never, C has 8 loans, D loses at every amount."""
    n = 900
    amount = np.tile(np.arange(1, 31) * 1_000.0, n // 30)
    grade = np.array(["A"] * 400 + ["B"] * 200 + ["C"] * 8 + ["D"] * 292)
    ratio = np.select([grade == "A", grade == "D"], [0.05 * (12_000 - amount) / 1_000, -0.1], 0.1)
    return small_book(expected=ratio * amount, amount=amount, grade=grade, default=np.tile([0, 0, 1], n // 3))


def test_each_level_has_the_amount_at_which_it_turns():
    limits = amount_limits(planted_amounts(), GRADE, min_cell=10)
    assert limits.lever == AmountLimits(GRADE, {"A": 12_000, "D": 0})
    rows = limits.evidence.set_index("level")
    assert rows["verdict"].to_dict() == {"A": "loses money", "B": "never turns negative", "C": "too few loans", "D": "loses money"}  # fmt: skip
    assert rows.loc["C", ["limit", "n", "defaults", "expected", "realised"]].isna().all()
    above = (planted_amounts().loans["grade"] == "A") & (planted_amounts().amount > 12_000)
    assert rows.loc["A", "n"] == above.sum()
    assert set(limits.bins["level"]) == {"A", "B", "D"}


def test_a_limit_within_a_level_needs_realised_losses_too():
    book = planted_amounts()
    wrong = small_book(expected=book.expected, realised=book.amount * 0.1, amount=book.amount, default=book.default.astype(int), grade=book.loans["grade"])  # fmt: skip
    limits = amount_limits(wrong, GRADE, min_cell=10)
    assert (limits.lever, limits.finding) == (
        None,
        "above an amount, no level is shown to lose money at 95% after correction for the levels judged",
    )
    # Realised profit is above 0 beyond doubt where expected profit is below: the two contradict each other.
    assert limits.evidence.set_index("level").loc["A", "verdict"] == "unclear"


def test_long_terms_are_refused_where_they_lose_beyond_doubt():
    rng, n = np.random.default_rng(1), 2_400
    grade, term = rng.choice(list("ABC"), n), rng.choice([36, 60], n)
    default = (rng.random(n) < 0.3).astype(int)
    ratio = np.where((grade == "B") & (term == 60), -0.1, 0.02)
    book = small_book(expected=ratio * 100, realised=(ratio + 0.3 - default) * 100, grade=grade, term=term, default=default)  # fmt: skip
    limits = term_limits(book, GRADE, min_cell=10)
    assert limits.lever == LongestTerm(GRADE, ("B",), 36)
    rows = limits.evidence.set_index("level")
    assert rows["n"].to_dict() == {level: ((grade == level) & (term == 60)).sum() for level in "ABC"}
    assert rows.loc["B", "verdict"] == "loses money"
    assert rows.loc["A", "verdict"] == "unclear"  # gains by the model, but realised profit cannot tell 0.02 from 0


def test_a_shorter_term_is_valued_at_the_same_rate_and_risk():
    book = random_book(300)
    rows = term_limits(book, GRADE, min_cell=5).evidence.set_index("level")
    inside = ((book.loans["grade"] == "B") & (book.loans["term"] == 60)).to_numpy()
    loans = book.loans[inside].assign(term=36)
    loans["installment"] = [annuity(amount, rate, 36) for amount, rate in zip(loans["loan_amnt"], loans["int_rate"], strict=True)]  # fmt: skip
    earned = expected_profit(loans, book.probability[inside], book.economics)
    assert rows.loc["B", "expected_if_short"] == pytest.approx(100 * earned.sum() / book.amount[inside].sum())


def test_without_long_loans_no_term_is_limited():
    limits = term_limits(random_book(100, term=36), GRADE, min_cell=5)
    assert (limits.lever, limits.finding) == (
        None,
        "on terms above 36 months, no level is shown to lose money at 95% after correction for the levels judged",
    )
    assert limits.evidence["verdict"].unique().tolist() == ["no loans"]


def test_levels_fall_into_those_that_earn_those_that_lose_and_the_rest():
    home = np.array(["OWN"] * 200 + ["RENT"] * 200 + ["MORTGAGE"] * 200 + ["ANY"] * 6 + ["NONE"] * 9)
    ratio = np.select([home == "OWN", home == "MORTGAGE"], [5.0, 0.0], -5.0)
    default = np.tile([0, 0, 1], 205)
    # Realised profit swings by 3 either way around what is expected, and does so alike in every level.
    book = small_book(expected=ratio, realised=ratio + np.tile([1, 1, -2], 205), home_ownership=home, default=default)
    by = Grouping("home_ownership")
    limits = exclusions(book, by, min_cell=10)
    verdicts = dict(zip(limits.evidence["level"], limits.evidence["verdict"], strict=True))
    # The two small levels have 15 loans and 5 defaults: still too few, so the smallest other level joins them.
    assert verdicts["OWN"] == "profitable"
    assert sum("pooled" in level for level in verdicts) == 1
    assert min(limits.evidence["n"]) >= 10
    bigger = small_book(expected=np.tile(ratio, 3), realised=np.tile(book.realised, 3), home_ownership=np.tile(home, 3), default=np.tile(default, 3))  # fmt: skip
    limits = exclusions(bigger, by, min_cell=10)
    verdicts = dict(zip(limits.evidence["level"], limits.evidence["verdict"], strict=True))
    assert verdicts == {"MORTGAGE": "unclear", "OWN": "profitable", "RENT": "loses money", "ANY, NONE (pooled)": "loses money"}  # fmt: skip
    assert isinstance(limits.lever, Exclusion)
    assert set(limits.lever.levels) == {"RENT", "NONE", "ANY"}
    assert limits.lever.refuses(bigger).sum() == 3 * 215


def test_where_the_model_is_wrong_about_a_level_it_is_not_excluded():
    book = small_book(expected=[-5.0] * 300, realised=np.tile([10.0, 10.0, -5.0], 100), default=np.tile([0, 0, 1], 100))
    none = exclusions(book, Grouping("home_ownership"), min_cell=10)
    assert (none.lever, none.finding) == (
        None,
        "no level is shown to lose money at 95% after correction for the levels judged",
    )


def test_intervals_of_margins_agree_with_the_bootstrap():
    book = random_book(3_000, seed=2)
    group = np.arange(3_000) % 2
    table = margins(book, group, groups=2, min_cell=10)
    for name, profit in (("expected", book.expected), ("realised", book.realised)):
        inside = group == 1
        draws = drawn_sums(np.column_stack([profit, book.amount])[inside], repetitions=2_000, random_state=0)
        ends = percentile_interval(100 * draws[:, 0] / draws[:, 1])
        width = ends[1] - ends[0]
        # 2,000 draws leave an end of a percentile interval uncertain by about 2% of its width.
        assert table.loc[1, [f"{name}_low", f"{name}_high"]].tolist() == pytest.approx(list(ends), abs=0.06 * width)


def test_margins_by_hand():
    # Amounts 100 and 300, profits 10 and -30: ratio -20/400 = -0.05; residuals 15 and -15; the variance of the ratio is
    # (225 + 225) * 2 / 1 / 400^2, its root 0.075; Student's t with one degree of freedom is 12.706.
    book = small_book(expected=[10, -30, 99], amount=[100.0, 300.0, 50.0])
    row = margins(book, np.array([0, 0, -1]), groups=2, min_cell=1).iloc[0]
    assert row[["n", "defaults"]].tolist() == [2, 0]
    assert row["expected"] == pytest.approx(-5)
    assert row["expected_high"] - row["expected"] == pytest.approx(100 * 12.706 * 0.075, rel=1e-4)
    assert row["expected"] - row["expected_low"] == pytest.approx(100 * 12.706 * 0.075, rel=1e-4)


def test_a_loss_has_to_be_surer_the_more_groups_are_judged():
    # Each group: 100 loans of 100 that lose 9 on average, give or take 40 / 100^0.5 = 4 and a bit: p is 0.03.
    realised = np.tile(np.tile([31.0, -49.0], 50), 10)
    book = small_book(expected=[-5.0] * 1_000, realised=realised, default=np.tile([0, 1], 500))
    group = np.repeat(np.arange(10), 100)
    alone = margins(book, np.where(group == 0, 0, -1), groups=1, min_cell=10).iloc[0]
    assert (alone["verdict"], alone["realised_high"] < 0) == ("loses money", True)
    several = margins(book, group, groups=10, min_cell=10)
    assert several["verdict"].unique().tolist() == ["unclear"]
    assert several.loc[0, "realised_high"] == alone["realised_high"]
    assert set(margins(book, group, groups=10, min_cell=10, confidence=0.5)["verdict"]) == {"loses money"}


def test_a_lever_that_refuses_nobody_is_none():
    none = found(small_book(expected=[1, 1]), Cap("dti", 15), min_cell=1)
    assert (none.lever, none.finding, none.id) == (None, "declines nobody", "cap_dti")
    pd.testing.assert_frame_equal(none.evidence, pd.DataFrame())
