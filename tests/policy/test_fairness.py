"""Whom rules refuse among good customers: rates by group, gaps with their intervals, and small groups."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_books import priced_book
from scipy.stats import norm
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from loantap.analysis.suppression import is_small
from loantap.model.economics import Economics
from loantap.policy.book import Book
from loantap.policy.fairness import GoodCustomers, fairness, income_bands

pytestmark = pytest.mark.slow

ATTRIBUTES = {"home_ownership", "income", "profession_group"}


def book(home: list[str] | np.ndarray, default: np.ndarray | None = None, *, income: np.ndarray | None = None) -> Book:
    """Loans of borrowers that differ in home ownership, and in income if it is given; everybody is a nurse."""
    n = len(home)
    loans = pd.DataFrame(
        {
            "home_ownership": pd.Categorical(home),
            "annual_inc": np.full(n, 50_000.0) if income is None else income,
            "profession_group": "Nurses",
            "default": np.zeros(n, dtype=int) if default is None else default,
        }
    )
    return priced_book(loans, 0.2, Economics())


def refusing(counts: dict[str, tuple[int, int]]) -> tuple[Book, np.ndarray]:
    """Good customers by home ownership: how many there are, and how many of them are refused."""
    home = np.repeat(list(counts), [n for n, _ in counts.values()])
    refused = np.concatenate([np.arange(n) < k for n, k in counts.values()])
    return book(home), refused


def of_home(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["attribute"] == "home_ownership"].reset_index(drop=True)


def test_a_group_is_described_by_its_good_customers_only():
    home = np.repeat(["OWN", "RENT"], 200)
    default = np.tile(np.arange(200) < 50, 2).astype(int)
    # Of 150 good home owners 30 are refused, of 150 good tenants 75; of the defaults all are.
    refused = (default == 1) | (np.arange(400) % 200 < np.repeat([80, 125], 200))
    groups = of_home(fairness(book(home, default), {"rule": refused}, min_cell=10).groups).set_index("group")
    assert groups["n"].to_dict() == {"OWN": 150, "RENT": 150}
    assert groups["refused"].to_dict() == {"OWN": 30, "RENT": 75}
    assert groups["rate"].to_dict() == pytest.approx({"OWN": 0.2, "RENT": 0.5}, abs=1e-12)
    for group, row in groups.iterrows():
        low, high = proportion_confint(row["refused"], row["n"], method="wilson")
        assert row[["ci_low", "ci_high"]].tolist() == pytest.approx([low, high], abs=1e-12), group


def test_approvals_are_compared_with_the_group_approved_most():
    found = fairness(*_with({"OWN": (100, 20), "RENT": (100, 60), "MORTGAGE": (100, 40)}), min_cell=10)
    # Approved: 80, 40 and 60 of a hundred.
    ratio = of_home(found.groups).set_index("group")["approval_ratio"].to_dict()
    assert ratio == pytest.approx({"OWN": 1.0, "RENT": 0.5, "MORTGAGE": 0.75}, abs=1e-12)


def katz(refused: tuple[int, int], n: tuple[int, int], *, alpha: float) -> tuple[float, float, float]:
    """The ratio of two shares approved with its interval on the log scale (Katz and others, Biometrics 34, 1978, 469-474)."""
    approved = [total - out for out, total in zip(refused, n, strict=True)]
    ratio = (approved[0] / n[0]) / (approved[1] / n[1])
    error = np.sqrt(1 / approved[0] - 1 / n[0] + 1 / approved[1] - 1 / n[1])
    reach = np.exp(norm.isf(alpha / 2) * error)
    return ratio, ratio / reach, ratio * reach


def test_the_ratio_of_a_gap_has_an_interval_on_the_log_scale():
    gap = of_home(fairness(*_with({"OWN": (200, 40), "RENT": (150, 75)}), min_cell=10).gaps).iloc[0]
    # Of 150 tenants 75 are approved, of 200 owners 160: 0.5 / 0.8.
    assert gap["approval_ratio"] == pytest.approx(0.625)
    ends = ["approval_ratio", "approval_ratio_low", "approval_ratio_high"]
    assert gap[ends].tolist() == pytest.approx(katz((75, 40), (150, 200), alpha=0.05), rel=0.02)
    theirs = confint_proportions_2indep(75, 150, 160, 200, compare="ratio", alpha=0.05)
    assert gap[ends[1:]].tolist() == pytest.approx(list(theirs), abs=1e-12)


def test_the_interval_of_a_ratio_is_as_wide_as_that_of_its_gap_asks():
    gap = of_home(fairness(*_with({"OWN": (200, 40), "RENT": (150, 75), "MORTGAGE": (180, 60)}), min_cell=10, confidence=0.9).gaps).iloc[0]  # fmt: skip
    # The widest of three pairs.
    theirs = confint_proportions_2indep(75, 150, 160, 200, compare="ratio", alpha=0.1 / 3)
    assert [gap["approval_ratio_low"], gap["approval_ratio_high"]] == pytest.approx(list(theirs), abs=1e-12)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(30, 120), st.integers(10, 20)), min_size=2, max_size=4))
def test_the_ratio_of_a_gap_is_that_of_its_groups_and_its_difference_theirs(counts: list[tuple[int, int]]):
    found = fairness(*_with({f"group {place}": each for place, each in enumerate(counts)}), min_cell=5)
    gap, rate = of_home(found.gaps).iloc[0], of_home(found.groups).set_index("group")["rate"]
    highest, lowest = rate[gap["highest"]], rate[gap["lowest"]]
    assert (highest, lowest) == (rate.max(), rate.min())
    assert gap["gap"] == pytest.approx(highest - lowest)
    assert gap["approval_ratio"] == pytest.approx((1 - highest) / (1 - lowest))
    assert gap["approval_ratio"] == pytest.approx(of_home(found.groups)["approval_ratio"].min())
    assert gap["approval_ratio_low"] <= gap["approval_ratio"] <= gap["approval_ratio_high"]


def test_who_does_not_tell_is_no_group_of_people():
    n = 400
    loans = book(np.repeat(["OWN", "RENT"], 200)).loans.assign(
        home_ownership=[*["OWN"] * 120, *["RENT"] * 120, *[None] * 160],
        annual_inc=np.where(
            np.arange(n) % 4 == 0, np.nan, np.tile([20_000.0, 40_000.0, 60_000.0, 80_000.0, 99_000.0], 80)
        ),
        profession_group=[*["Nurses"] * 150, *["Drivers"] * 150, *["Missing"] * 100],
    )
    # Nobody who tells is refused oftener than another; of those who do not, all are.
    refused = np.arange(n) % 5 == 0
    refused |= loans["home_ownership"].isna().to_numpy() & (loans["profession_group"] == "Missing").to_numpy()
    found = fairness(priced_book(loans, 0.2, Economics()), {"rule": refused}, min_cell=10)
    assert not found.groups["group"].str.contains("Missing").any()
    assert not found.groups["members"].str.contains("Missing").any()
    told = found.groups.groupby("attribute")["n"].sum().to_dict()
    assert told == {"home_ownership": 240, "income": 300, "profession_group": 300}
    assert set(found.gaps["highest"]) | set(found.gaps["lowest"]) <= set(found.groups["group"])


def test_a_book_in_which_nobody_tells_has_no_groups():
    loans = book(["OWN"] * 100).loans.assign(home_ownership=None, annual_inc=50_000.0)
    found = fairness(priced_book(loans, 0.2, Economics()), {"rule": np.arange(100) < 40}, min_cell=10)
    assert "home_ownership" not in set(found.groups["attribute"])


def test_the_worst_ratio_is_the_lowest_of_any_group():
    income = np.tile([20_000.0, 40_000.0, 60_000.0, 80_000.0], 100)
    loans = book(np.repeat(["OWN", "RENT"], 200), income=income)
    refused = np.concatenate([np.arange(200) < 40, np.arange(200) < 100])
    people = GoodCustomers.of(loans, min_cell=10)
    groups = fairness(loans, {"rule": refused}, min_cell=10).groups
    assert people.worst_ratio(refused) == pytest.approx(groups["approval_ratio"].min())
    assert people.worst_ratio(refused) == pytest.approx(0.5 / 0.8)
    assert np.isnan(GoodCustomers.of(book(["OWN"] * 100), min_cell=10).worst_ratio(np.arange(100) < 40))


def test_the_gap_of_two_groups_has_newcombes_interval():
    gap = of_home(fairness(*_with({"RENT": (70, 56), "OWN": (80, 48)}), min_cell=10).gaps).iloc[0]
    # Newcombe (1998), table II, contrast (a), method 10: 56/70 - 48/80 = 0.2, from 0.0524 to 0.3339.
    assert (gap["highest"], gap["lowest"]) == ("RENT", "OWN")
    assert gap[["gap", "gap_low", "gap_high"]].tolist() == pytest.approx([0.2, 0.0524, 0.3339], abs=5e-5)


def test_with_more_groups_the_gap_is_less_sure():
    gap = of_home(fairness(*_with({"RENT": (70, 56), "OWN": (80, 48), "MORTGAGE": (90, 60)}), min_cell=10).gaps).iloc[0]
    # Three pairs: Wilson's ends at 1 - 0.05 / 3, and Newcombe's squares of their distances, by hand.
    z = norm.isf(0.05 / 3 / 2)

    def wilson(k: int, n: int) -> tuple[float, float]:
        p, half = k / n, z * np.sqrt(k / n * (1 - k / n) / n + z**2 / 4 / n**2)
        return (p + z**2 / 2 / n - half) / (1 + z**2 / n), (p + z**2 / 2 / n + half) / (1 + z**2 / n)

    (low, high), (other_low, other_high) = wilson(56, 70), wilson(48, 80)
    ends = [0.2 - np.hypot(0.8 - low, other_high - 0.6), 0.2 + np.hypot(0.6 - other_low, high - 0.8)]
    assert gap[["gap_low", "gap_high"]].tolist() == pytest.approx(ends, abs=1e-9)


def test_the_gap_allows_for_picking_it_among_all_attributes_at_the_confidence_asked_for():
    income = np.tile([20_000.0, 40_000.0, 60_000.0, 80_000.0], 100)
    home = np.repeat(["OWN", "RENT"], 200)
    refused = np.concatenate([np.arange(200) < 40, np.arange(200) < 70])
    gaps = of_home(fairness(book(home, income=income), {"rule": refused}, min_cell=10, confidence=0.9).gaps)
    # One pair of homes and six of incomes.
    ends = confint_proportions_2indep(70, 200, 40, 200, method="newcomb", compare="diff", alpha=0.1 / 7)
    assert gaps.loc[0, ["gap_low", "gap_high"]].tolist() == pytest.approx(list(ends), abs=1e-12)


def test_groups_treated_alike_rarely_show_a_gap():
    rng = np.random.default_rng(0)
    home = np.repeat([f"group {k}" for k in range(8)], 300)
    rules = {f"rule {k}": rng.random(len(home)) < 0.2 for k in range(80)}
    gaps = of_home(fairness(book(home), rules, min_cell=10).gaps)
    # 5% at most: 4 of 80, and a standard error of 2. Without the correction more than half of the rules show a gap.
    assert (gaps["gap_low"] > 0).sum() <= 8
    assert (gaps["gap"] > 0).all()


def test_a_planted_unfair_rule_is_found_and_a_fair_one_is_not():
    rng = np.random.default_rng(1)
    home = rng.choice(["OWN", "RENT", "MORTGAGE"], 3_000)
    default = (rng.random(3_000) < 0.2).astype(int)
    fair = rng.random(3_000) < 0.15
    rules = {"fair": fair, "unfair": fair | ((home == "RENT") & (rng.random(3_000) < 0.1))}
    gaps = of_home(fairness(book(home, default), rules, min_cell=10).gaps).set_index("rule")
    assert gaps.loc["unfair", "highest"] == "RENT"
    assert gaps.loc["unfair", "gap_low"] > 0
    assert gaps.loc["fair", "gap_low"] < 0


def test_rates_are_those_of_a_plain_groupby():
    rng = np.random.default_rng(2)
    home, default = rng.choice(["OWN", "RENT", "MORTGAGE"], 2_000), (rng.random(2_000) < 0.2).astype(int)
    income, refused = rng.gamma(4, 15_000, 2_000), rng.random(2_000) < 0.3
    groups = fairness(book(home, default, income=income), {"rule": refused}, min_cell=10).groups
    good = pd.DataFrame({"home": home, "income": income_bands(pd.Series(income)).astype("str"), "refused": refused})
    good = good[default == 0]
    for column, attribute in (("home", "home_ownership"), ("income", "income")):
        expected = good.groupby(column)["refused"].mean().to_dict()
        ours = groups[groups["attribute"] == attribute].set_index("group")["rate"].to_dict()
        assert ours == pytest.approx(expected, abs=1e-12)


def test_a_rule_that_refuses_nobody_leaves_zeros():
    found = fairness(*_with({"OWN": (100, 0), "RENT": (50, 0)}), min_cell=10)
    groups, gap = of_home(found.groups), of_home(found.gaps).iloc[0]
    assert groups[["refused", "rate", "ci_low"]].to_numpy().tolist() == [[0, 0, 0], [0, 0, 0]]
    assert groups["approval_ratio"].tolist() == [1, 1]
    assert gap["gap"] == 0
    assert gap["gap_low"] < 0 < gap["gap_high"]
    assert {gap["highest"], gap["lowest"]} == {"OWN", "RENT"}


def test_a_rule_that_refuses_everybody_has_no_approvals_to_compare():
    groups = of_home(fairness(*_with({"OWN": (100, 100), "RENT": (50, 50)}), min_cell=10).groups)
    assert groups["rate"].tolist() == [1, 1]
    assert groups["approval_ratio"].isna().all()


def test_a_single_group_has_no_gap():
    found = fairness(*_with({"OWN": (100, 20)}), min_cell=10)
    assert set(found.groups["attribute"]) == ATTRIBUTES
    assert found.gaps.empty


def test_small_groups_are_pooled_and_their_members_told():
    found = fairness(*_with({"OWN": (200, 40), "RENT": (250, 50), "NONE": (3, 1), "ANY": (30, 4)}), min_cell=10)
    groups = of_home(found.groups).set_index("group")
    # Three customers are too few, and so are four refused; together they have five refused, so OWN, the smaller other, joins.
    assert groups["n"].to_dict() == {"RENT": 250, "ANY or NONE or OWN": 233}
    assert groups["members"].to_dict() == {"RENT": "", "ANY or NONE or OWN": "ANY; NONE; OWN"}


def test_many_pooled_groups_are_counted_in_the_name_and_kinds_of_pool_told_apart():
    counts = {f"tiny {k}": (5, 0) for k in range(7)} | {f"few {k}": (90, 4) for k in range(7)} | {"RENT": (300, 60)}
    groups = of_home(fairness(*_with(counts), min_cell=10).groups).set_index("group")
    assert groups["n"].to_dict() == {"7 pooled groups": 630, "7 further pooled groups": 35, "RENT": 300}


def test_too_few_refusals_in_all_are_not_shown():
    found = fairness(*_with({"OWN": (100, 4), "RENT": (50, 1)}), min_cell=10)
    assert found.groups.empty
    assert found.gaps.empty


COUNTS = st.dictionaries(
    st.sampled_from(["OWN", "RENT", "MORTGAGE", "NONE", "ANY", "OTHER"]),
    st.tuples(st.sampled_from([2, 9, 10, 25, 60, 150]), st.sampled_from([0, 1, 8, 12, 40, 150]), st.sampled_from([0, 3, 15, 60])),
    min_size=1,
)  # fmt: skip


@settings(max_examples=60)
@given(COUNTS)
def test_no_small_count_is_published(counts: dict[str, tuple[int, int, int]]):
    home = np.repeat(list(counts), [good + bad for good, _, bad in counts.values()])
    default = np.concatenate([np.arange(good + bad) >= good for good, _, bad in counts.values()]).astype(int)
    refused = np.concatenate([np.arange(good + bad) < min(k, good) for good, k, bad in counts.values()])
    groups = fairness(book(home, default), {"rule": refused}, min_cell=10).groups
    for count in (groups["n"], groups["refused"], groups["n"] - groups["refused"]):
        assert not ((count > 0) & (count < 10)).any()
    shown = of_home(groups)
    if len(shown):
        assert shown["n"].sum() == sum(good for good, _, _ in counts.values())
        assert shown["refused"].sum() == sum(min(good, k) for good, k, _ in counts.values())
    # No pool is made of one small group and nothing else: its counts would follow from the total.
    small = {name for name, (good, k, _) in counts.items() if is_small(pd.Series([good]), pd.Series([min(good, k)]), min_cell=10, default_rate=None)[0]}  # fmt: skip
    assert not small & set(shown["group"])


def test_income_is_cut_at_quartiles_in_round_figures():
    income = pd.Series([41_234.0, 41_234.0, 63_871.0, 63_871.0, 63_871.0, 91_499.0, 91_499.0, 250_000.0, np.nan])
    # Quartiles of the eight: 58,211.75, 63,871 and 91,499.
    assert income_bands(income).astype("str").tolist()[:8] == ["up to 58,000"] * 2 + ["over 58,000 to 64,000"] * 3 + ["over 91,000"] * 3  # fmt: skip


def test_equal_incomes_make_two_bands_at_most():
    assert set(income_bands(pd.Series([50_000.0] * 20)).astype("str")) == {"up to 50,000"}


def test_without_rules_there_is_nothing_to_say():
    found = fairness(refusing({"OWN": (100, 20)})[0], {}, min_cell=10)
    assert found.groups.empty
    assert found.gaps.empty


def _with(counts: dict[str, tuple[int, int]]) -> tuple[Book, dict[str, np.ndarray]]:
    loans, refused = refusing(counts)
    return loans, {"rule": refused}
