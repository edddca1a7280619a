"""No published count is small, and none that is hidden follows from those that are published."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from loantap.analysis.association import analyse
from loantap.analysis.counts import FrameCounts
from loantap.analysis.stratified import analyse_groups, analyse_within
from loantap.analysis.suppression import is_comparable, is_small, pool_small

pytestmark = pytest.mark.slow


def frame(*rows: tuple[str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["level", "n", "defaults"])


def test_a_single_small_level_takes_the_next_smallest_with_it():
    pooled = pool_small(frame(("MORTGAGE", 900, 200), ("RENT", 700, 150), ("OWN", 300, 60), ("ANY", 3, 0)), min_cell=10)
    assert pooled.members == {"OWN, ANY (pooled)": ["OWN", "ANY"]}
    assert pooled.counts["n"].tolist() == [900, 700, 303]


def test_few_defaults_are_as_small_as_few_loans():
    assert is_small(pd.Series([100, 100, 100]), pd.Series([4, 50, 97]), min_cell=10, default_rate=0.2).tolist() == [
        True,
        False,
        True,
    ]


def test_a_level_is_small_where_its_cells_are_expected_to_be_whatever_they_are():
    n, defaults = pd.Series([40, 40, 60]), pd.Series([0, 20, 12])
    assert is_small(n, defaults, min_cell=10, default_rate=0.2).tolist() == [True, True, False]


def test_pooling_makes_no_association_out_of_nothing():
    # 400 tables without any association: the share of p-values below 0.05 has a standard error of 0.011.
    rng = np.random.default_rng(3)
    n = rng.integers(20, 100, 80)
    found = 0
    for _ in range(400):
        counts = pd.DataFrame({"level": np.arange(80).astype("str"), "n": n, "defaults": rng.binomial(n, 0.2)})
        table = pool_small(pd.concat([counts, frame(("Other", 2_000, 400))]), min_cell=10).counts
        found += (
            stats.chi2_contingency(np.column_stack([table["defaults"], table["n"] - table["defaults"]])).pvalue < 0.05
        )
    assert found / 400 < 0.08


def test_a_large_level_without_defaults_is_shown():
    counts = frame(("00813", 45_824, 0), ("70466", 56_985, 11_148), ("11650", 11_226, 11_226))
    assert pool_small(counts, min_cell=10).members == {}


def test_pooling_goes_on_until_the_pooled_level_is_large_enough():
    pooled = pool_small(frame(("a", 500, 100), ("b", 40, 8), ("c", 5, 1), ("d", 4, 0), ("e", 300, 90)), min_cell=10)
    assert pooled.members == {"4 small levels (pooled)": ["b", "c", "d", "e"]}  # b, c and d have 9 defaults
    assert not is_small(pooled.counts["n"], pooled.counts["defaults"], min_cell=10, default_rate=0.2).any()


def test_a_factor_of_small_levels_only_is_not_comparable():
    states = frame(("CA", 20, 4), ("NY", 18, 5), ("TX", 19, 3))
    assert not is_comparable(states, min_cell=10)
    assert is_comparable(states, min_cell=3)


def test_nothing_is_pooled_when_counts_are_public():
    assert pool_small(frame(("a", 5, 1), ("b", 400, 80)), min_cell=0).members == {}


def test_levels_are_pooled_within_the_level_that_holds_them():
    counts = frame(("F4", 60, 25), ("F5", 50, 20), ("G1", 40, 18), ("G2", 30, 14), ("G3", 12, 5))
    groups = {level: level[0] for level in counts["level"]}
    pooled = pool_small(counts, min_cell=10, within=groups)
    assert pooled.members == {"G2, G3 (pooled)": ["G2", "G3"]}


def test_pooled_levels_of_two_groups_do_not_share_a_name():
    levels = [f"{group}{place}" for group in "AB" for place in range(4)]
    counts = pd.DataFrame({"level": levels, "n": 20, "defaults": 5})
    pooled = pool_small(counts, min_cell=10, within={level: level[0] for level in levels}, by_expectation=False)
    assert pooled.members == {
        f"{group}: 4 small levels (pooled)": [f"{group}{place}" for place in range(4)] for group in "AB"
    }


def test_the_chi_square_comes_from_the_published_counts():
    counts = frame(("a", 500, 100), ("b", 400, 60), ("c", 8, 5), ("d", 30, 14))
    found = analyse(counts, factor="x")
    assert found.chi2 == analyse(found.levels, factor="x", min_cell=0).chi2
    assert found.levels["n"].sum() == 938


LEVELS = st.lists(
    st.integers(1, 120).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=2, max_size=9
)


@settings(max_examples=200)
@given(LEVELS, st.integers(0, 20))
def test_no_small_cell_is_published_and_none_can_be_worked_out(cells, min_cell):
    counts = frame(*((f"level {place}", *cell) for place, cell in enumerate(cells)))
    pooled = pool_small(counts, min_cell=min_cell)
    assert pooled.counts[["n", "defaults"]].sum().tolist() == counts[["n", "defaults"]].sum().tolist()
    if len(pooled.counts) > 1:
        shown = pooled.counts.assign(repaid=pooled.counts["n"] - pooled.counts["defaults"])
        assert (shown["n"] >= min_cell).all()
        assert ((shown[["defaults", "repaid"]] == 0) | (shown[["defaults", "repaid"]] >= min_cell)).all(axis=None)
    for members in pooled.members.values():
        assert len(members) > 1  # the total tells the sum of the hidden levels, and no more
    assert set(pooled.names()).isdisjoint(pooled.counts["level"])


@pytest.fixture
def loans() -> pd.DataFrame:
    rows = []
    for level, good, bad in (
        ("A1", 300, 20),
        ("A2", 200, 25),
        ("F1", 60, 30),
        ("F2", 14, 4),
        ("G1", 15, 12),
        ("G2", 9, 8),
    ):
        rows += [(level[0], level, 0)] * good + [(level[0], level, 1)] * bad
    return pd.DataFrame(rows, columns=["grade", "sub_grade", "default"])


def test_grades_and_sub_grades_together_give_no_small_cell_away(loans):
    grades = analyse(
        loans.groupby("grade")["default"].agg(n="size", defaults="sum").reset_index(names="level"), factor="grade"
    )
    sub_grades = analyse_within(FrameCounts(loans), "sub_grade", parent=grades).levels
    together = sub_grades.groupby("parent")[["n", "defaults"]].sum()
    assert together["n"].to_dict() == grades.levels.set_index("level")["n"].to_dict()
    assert not is_small(sub_grades["n"], sub_grades["defaults"], min_cell=10, default_rate=None).any()


def test_few_fixed_levels_are_shown_where_free_ones_of_the_same_size_are_pooled():
    counts = frame(("A", 2_000, 300), ("B", 1_000, 200), ("G", 48, 21), ("F", 40, 12))
    assert set(analyse(counts, factor="grade").levels["level"]) == {"A", "B", "F", "G"}
    assert set(analyse(counts, factor="profession").levels["level"]) == {"A", "B", "G, F (pooled)"}


def test_groups_are_sums_of_published_levels():
    found = analyse(
        frame(("Teacher", 500, 90), ("Dean", 12, 5), ("Driver", 400, 90), ("Pilot", 60, 13)), factor="profession"
    )
    groups = analyse_groups(found, {"Teacher": "Educators", "Driver": "Transport"}, factor="group")
    assert set(groups.levels["level"]) == {"Educators", "Transport", *found.pooled}
    assert groups.n == found.n


@settings(max_examples=25)
@given(LEVELS.filter(lambda cells: 0 < sum(b for _, b in cells) < sum(n for n, _ in cells) and len(cells) > 2))
def test_merged_levels_add_up(cells):
    counts = frame(*((f"level {place}", *cell) for place, cell in enumerate(cells)))
    found = analyse(counts, factor="x", min_cell=0)
    merged = analyse_groups(found, {"level 0": "both", "level 1": "both"}, factor="y")
    assert merged.level("both")["n"] == cells[0][0] + cells[1][0]
    assert merged.level("both")["defaults"] == cells[0][1] + cells[1][1]
    assert merged.chi2 <= found.chi2 + 1e-8  # merging can only lose
