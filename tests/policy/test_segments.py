"""Segments of loans: what they earn, what is certain about it, and that no small one shows."""

import re
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_books import PLAIN, priced_book
from scipy.stats import binom
from statsmodels.stats.multitest import multipletests

from loantap.analysis.suppression import is_small
from loantap.policy.book import Book
from loantap.policy.margins import margins
from loantap.policy.segments import EARNS, LOSES, NOT_SHOWN, break_even_p_values, segments

# A loan that is repaid earns 10 per 100, one that defaults loses all, under PLAIN: nothing is earned at a default rate of 1 / 11.
BREAK_EVEN = 1 / 11
AMOUNTS = (1_000, 7_000, 15_000, 30_000)  # one in each band


def book(rows: list[tuple[float, int, str, int, int, float]]) -> Book:
    """Rows of amount, term, purpose, loans, defaults and probability of default."""
    parts = [
        pd.DataFrame(
            {"loan_amnt": float(amount), "term": term, "purpose": purpose, "default": [1] * bad + [0] * (n - bad), "p": p}
        )
        for amount, term, purpose, n, bad, p in rows
    ]  # fmt: skip
    loans = pd.concat(parts, ignore_index=True).assign(int_rate=0.0)
    loans["installment"] = 1.1 * loans["loan_amnt"] / loans["term"]
    probability = loans.pop("p").to_numpy(dtype=float)
    return priced_book(loans, probability, PLAIN)


def table_of(rows: list[tuple[float, int, str, int, int, float]], *, min_cell: int = 10) -> pd.DataFrame:
    return segments(book(rows), min_cell=min_cell, repetitions=200, random_state=0)


def test_a_segment_is_described_by_its_own_loans():
    table = table_of([(1_000, 36, "car", 200, 10, 0.04), (7_000, 36, "car", 100, 30, 0.2)])
    # (190 * 10 - 10 * 100) / 200 = 4.5 earned; 0.96 * 10 - 0.04 * 100 = 5.6 expected, per 100.
    first = table.iloc[0]
    assert first[["amount", "term", "purpose"]].tolist() == ["up to 5,000", "36 months", "car"]
    assert (first["n"], first["defaults"], first["default_rate"]) == (200, 10, 0.05)
    assert first["realised"] == pytest.approx(4.5, abs=1e-9)
    assert first["expected"] == pytest.approx(5.6, abs=1e-9)
    # Wilson's interval of 10 in 200: (0.05 + 0.009604 -/+ 1.96 * sqrt(0.05 * 0.95 / 200 + 0.000024)) / 1.019207.
    assert first[["ci_low", "ci_high"]].tolist() == pytest.approx([0.0274, 0.0896], abs=1e-4)
    # (70 * 10 - 30 * 100) / 100 = -23; 0.8 * 10 - 0.2 * 100 = -12.
    assert table.iloc[1][["realised", "expected"]].tolist() == pytest.approx([-23, -12], abs=1e-9)


def test_the_best_comes_first_by_expected_profit():
    table = table_of([(1_000, 36, "car", 100, 20, 0.3), (1_000, 60, "car", 100, 20, 0.1), (7_000, 36, "car", 100, 20, 0.2)])  # fmt: skip
    assert table["expected"].is_monotonic_decreasing
    assert table["term"].tolist() == ["60 months", "36 months", "36 months"]


def test_an_amount_at_an_edge_belongs_below_it():
    table = table_of([(amount, 36, "car", 100, 20, amount / 1e5) for amount in (5_000, 5_025, 10_000, 20_000, 20_025)])
    sizes = table.set_index("amount")["n"].to_dict()
    assert sizes == {
        "up to 5,000": 100,
        "over 5,000 to 10,000": 200,
        "over 10,000 to 20,000": 100,
        "over 20,000": 100,
    }


def test_intervals_agree_with_those_of_a_ratio_by_linearisation():
    rng = np.random.default_rng(0)
    rows = [(float(a), 36, "car", 8, 1 + k % 2, 0.1 + k / 400) for k, a in enumerate(rng.uniform(2_000, 9_000, 60))]
    loans = book(rows)
    table = segments(loans, min_cell=10, repetitions=2_000, random_state=0).set_index("amount")
    reference = margins(loans, (loans.amount > 5_000).astype(int), groups=2, min_cell=10)
    for name in ("expected", "realised"):
        ends = [f"{name}_low", f"{name}_high"]
        ours = table.loc[["up to 5,000", "over 5,000 to 10,000"], ends].to_numpy()
        width = (reference[ends[1]] - reference[ends[0]]).to_numpy()[:, np.newaxis]
        # 2,000 draws leave an end uncertain by about 2% of the width, skewness adds some more.
        assert (np.abs(ours - reference[ends].to_numpy()) < 0.1 * width).all()


def test_what_surely_earns_or_loses_is_said_and_nothing_else():
    table = table_of(
        [
            (1_000, 36, "car", 1_000, 40, 0.04),  # 4% default where 9.1% would be borne
            (1_000, 60, "car", 1_000, 200, 0.2),
            (7_000, 36, "car", 1_100, 100, 0.04),  # earns just nothing
        ]
    ).set_index(["amount", "term"])
    assert table["verdict"].to_dict() == {
        ("up to 5,000", "36 months"): EARNS,
        ("up to 5,000", "60 months"): LOSES,
        ("over 5,000 to 10,000", "36 months"): NOT_SHOWN,
    }


@pytest.mark.parametrize(("defaults", "model_says"), [(200, 0.02), (40, 0.2)])
def test_a_model_that_contradicts_the_outcomes_leaves_nothing_shown(defaults: int, model_says: float):
    table = table_of([(1_000, 36, "car", 1_000, defaults, model_says), (1_000, 60, "car", 100, 10, 0.1)])
    row = table.set_index("term").loc["36 months"]
    assert row["p_adjusted"] < 1e-6
    assert row["verdict"] == NOT_SHOWN


def test_a_dozen_loans_without_a_default_earn_nothing_for_sure():
    # Their interval has no spread; 12 loans at the break-even rate default never with probability (10 / 11)^12 = 0.32.
    table = table_of([(1_000, 36, "car", 12, 0, 0.01), (1_000, 60, "car", 1_000, 200, 0.2)])
    row = table.iloc[0]
    assert (row["n"], row["realised_low"], row["verdict"]) == (12, pytest.approx(10), NOT_SHOWN)


def test_p_values_are_exact_binomial_ones_where_loans_are_equal():
    sizes, bad = np.array([50, 200, 400, 30]), np.array([0, 10, 60, 30])
    group = np.repeat(np.arange(4), sizes)
    default = np.concatenate([np.arange(n) < k for n, k in zip(sizes, bad, strict=True)])
    found = break_even_p_values(np.full(len(group), 10.0), np.full(len(group), -100.0), default, group)
    tails = binom.cdf(bad, sizes, BREAK_EVEN), binom.sf(bad - 1, sizes, BREAK_EVEN)
    # The incomplete beta function is good to 1e-12 or so.
    assert found == pytest.approx(np.minimum(1, 2 * np.minimum(*tails)), rel=1e-9)


def test_unequal_loans_count_as_fewer():
    # Costs 1 (a hundred loans) and 3 (a hundred): (400)^2 / (100 + 900) = 160 loans; 20 small and 10 large defaults are a
    # weighted rate of 50 / 400, that is 20 of 160. Break-even at 0.2 of the cost.
    cost = np.repeat([1.0, 3.0], 100)
    default = np.concatenate([np.arange(100) < 20, np.arange(100) < 10])
    found = break_even_p_values(0.2 * cost, -0.8 * cost, default, np.zeros(200, dtype=int))
    assert found[0] == pytest.approx(2 * binom.cdf(20, 160, 0.2), rel=1e-9)


def test_a_group_that_earns_even_if_all_default_is_certain():
    group, default = np.zeros(20, dtype=int), np.arange(20) < 5
    assert break_even_p_values(np.full(20, 10.0), np.full(20, 1.0), default, group)[0] == pytest.approx(0, abs=1e-12)


def test_where_a_default_costs_nothing_nothing_is_tested():
    table = break_even_p_values(np.full(20, 10.0), np.full(20, 10.0), np.arange(20) < 5, np.zeros(20, dtype=int))
    assert np.isnan(table[0])


def test_segments_that_earn_nothing_are_rarely_called_otherwise():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(60), rng.integers(40, 800, 60))
    amount = rng.gamma(3, 4_000, len(group))
    share = rng.uniform(0.1, 0.3, 60)[group]  # what a segment earns if repaid; the rate at which it earns nothing
    wrong = 0
    for _ in range(300):
        default = rng.random(len(group)) < share
        p_values = break_even_p_values(share * amount, (share - 1) * amount, default, group)
        wrong += p_values.min() * 60 < 0.05  # Holm's first step
    # 5% at most; 300 rounds leave a standard error of 1.3 points. A t test of average profit errs in 18% of the rounds.
    assert wrong / 300 < 0.05 + 2 * 0.013


def test_p_values_are_adjusted_over_the_segments():
    rows = [(amount, term, "car", 300, 20 + 5 * k, 0.05) for k, (amount, term) in enumerate(product(AMOUNTS, (36, 60)))]
    table = table_of(rows)
    bad, n = table["defaults"].to_numpy(), table["n"].to_numpy()
    p_values = np.minimum(1, 2 * np.minimum(binom.cdf(bad, n, BREAK_EVEN), binom.sf(bad - 1, n, BREAK_EVEN)))
    assert table["p_adjusted"].to_numpy() == pytest.approx(multipletests(p_values, method="holm")[1], rel=1e-9)


def test_small_amount_bands_of_a_product_are_pooled_and_neighbours_read_as_one():
    rows = [(1_000, 36, "car", 300, 50), (7_000, 36, "car", 15, 5), (15_000, 36, "car", 60, 20), (30_000, 36, "car", 60, 20)]  # fmt: skip
    table = table_of([(*row, 0.1) for row in rows])
    # Five defaults are too few; alone they would follow from the total, so the next smallest band goes with them.
    assert set(table["amount"]) == {"up to 5,000", "over 5,000 to 20,000", "over 20,000"}
    assert table.set_index("amount").loc["over 5,000 to 20,000", "n"] == 75


def test_bands_that_are_no_neighbours_are_both_named():
    rows = [(1_000, 36, "car", 15, 5), (7_000, 36, "car", 300, 50), (15_000, 36, "car", 300, 50), (30_000, 36, "car", 15, 5)]  # fmt: skip
    table = table_of([(*row, 0.1) for row in rows])
    assert "up to 5,000 or over 20,000" in set(table["amount"])


def test_a_purpose_small_in_one_term_is_pooled_in_both():
    rows = [(1_000, term, purpose, 300, 50) for term, purpose in product((36, 60), ("car", "other"))]
    rows += [(1_000, 36, "wedding", 300, 50), (1_000, 60, "wedding", 20, 5)]
    table = table_of([(*row, 0.1) for row in rows])
    # With all weddings known from elsewhere, those of 36 months would give the five away.
    assert set(table["purpose"]) == {"other", "car or wedding"}
    assert set(zip(table["purpose"], table["term"], strict=True)) == set(product(("other", "car or wedding"), ("36 months", "60 months")))  # fmt: skip


def test_a_purpose_with_one_term_hides_no_other():
    rows = [(1_000, term, "car", n, bad) for term, n, bad in ((36, 90, 45), (60, 3, 1))]
    rows += [(1_000, term, "wedding", n, bad) for term, n, bad in ((36, 200, 50), (60, 3, 1))]
    rows += [(1_000, 60, "other", 52, 20)]
    rows += [(1_000, term, "house", 400, 80) for term in (36, 60)]
    table = table_of([(*row, 0.1) for row in rows])
    # Of cars, weddings and others over 60 months there are 58; with all others known, the six of the other two would show.
    assert set(table["purpose"]) == {"car or house or other or wedding"}


def test_a_term_that_is_small_in_all_is_pooled_for_every_purpose():
    rows = [(1_000, 36, "car", 300, 50), (1_000, 36, "other", 300, 50), (1_000, 60, "other", 8, 2)]
    assert set(table_of([(*row, 0.1) for row in rows])["term"]) == {"36 or 60 months"}


def test_a_book_too_small_to_publish_has_no_segments():
    table = table_of([(1_000, 36, "car", 30, 5, 0.1)])
    assert table.empty
    assert "verdict" in table


def test_with_a_smallest_count_of_one_nothing_is_pooled():
    assert len(table_of([(1_000, 36, "car", 2, 1, 0.1), (7_000, 36, "car", 3, 1, 0.1)], min_cell=1)) == 2


def covers(text: str, amount: float) -> bool:
    def inside(part: str) -> bool:
        ends = {word: float(number.replace(",", "")) for word, number in re.findall(r"(over|to) ([\d,]+)", part)}
        return ends.get("over", 0.0) < amount <= ends.get("to", np.inf)

    return any(inside(part) for part in text.split(" or "))


def following(rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Whether each sum of cells is a combination of sums that are known."""
    return np.abs(targets - targets @ np.linalg.pinv(rows) @ rows).max(axis=1) < 1e-9


def published_terms(term: list[int], n: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Which cells each row of a table by term sums: one row if a term is small."""
    rows = np.array([[this == months for this in term] for months in (36, 60)], dtype=float)
    small = is_small(pd.Series(rows @ n), pd.Series(rows @ bad), min_cell=10, default_rate=None)
    return rows.sum(axis=0, keepdims=True) if small.any() else rows


SIZES = st.sampled_from([(0, 0), (0, 0), (3, 1), (8, 0), (12, 0), (12, 12), (15, 4), (40, 20), (60, 12), (30, 30), (90, 45)])  # fmt: skip


@settings(max_examples=40)
@given(st.lists(SIZES, min_size=24, max_size=24).filter(lambda sizes: sum(n for n, _ in sizes) > 0))
def test_no_small_segment_is_published_or_follows_from_totals_by_purpose_and_by_term(sizes: list[tuple[int, int]]):
    keys = list(product(("car", "other", "wedding"), (36, 60), AMOUNTS))
    cells = [(key, n, bad) for key, (n, bad) in zip(keys, sizes, strict=True) if n]
    loans = book([(amount, term, purpose, n, bad, 0.1) for (purpose, term, amount), n, bad in cells])
    table = segments(loans, min_cell=10, repetitions=2, random_state=0)
    assert not is_small(table["n"], table["defaults"], min_cell=10, default_rate=None).any()
    if table.empty:
        assert is_small(pd.Series([len(loans.amount)]), pd.Series([loans.default.sum()]), min_cell=10, default_rate=None)[0]  # fmt: skip
        return
    published = np.array(
        [
            [
                purpose in row["purpose"].split(" or ") and str(term) in re.findall(r"\d+", row["term"]) and covers(row["amount"], amount)
                for (purpose, term, amount), _, _ in cells
            ]
            for row in table.to_dict("records")
        ],
        dtype=float,
    )  # fmt: skip
    n, bad = (np.array([cell[place] for cell in cells]) for place in (1, 2))
    assert (published.sum(axis=0) == 1).all()
    assert (published @ n).tolist() == table["n"].tolist()
    assert (published @ bad).tolist() == table["defaults"].tolist()
    by_purpose = np.array(
        [[key[0] == name for key, _, _ in cells] for name in ("car", "other", "wedding")], dtype=float
    )
    elsewhere = np.vstack([by_purpose, published_terms([key[1] for key, _, _ in cells], n, bad)])
    products = [[key[:2] == pair for key, _, _ in cells] for pair in product(("car", "other", "wedding"), (36, 60))]
    pooled = (published * published.sum(axis=1, keepdims=True)).max(axis=0) > 1
    one = np.eye(len(cells))
    one = one[pooled & ~following(elsewhere, one)]
    pairs = [one[place] + one[:place] for place in range(len(one))]
    targets = np.vstack([one, *pairs, np.array(products, dtype=float)])
    small = is_small(pd.Series(targets @ n), pd.Series(targets @ bad), min_cell=10, default_rate=None)
    hidden = targets[small & targets.any(axis=1) & ~following(elsewhere, targets)]
    assert not following(np.vstack([elsewhere, published]), hidden).any()
