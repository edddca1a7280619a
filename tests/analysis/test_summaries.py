"""Default rates by level, bin and time of funding."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from loantap.analysis import summaries
from loantap.analysis.counts import FrameCounts
from loantap.analysis.summaries import vintage_rates


def counts_of(levels: dict[str, tuple[int, int]], *, ordered: bool = False) -> pd.DataFrame:
    """Return level, n, defaults, from (loans, defaults) by level; a level of '' is missing."""
    categories = [name for name in levels if name]
    level = pd.Categorical([name or None for name in levels], categories=categories, ordered=ordered)
    n, defaults = zip(*levels.values(), strict=True)
    return pd.DataFrame({"level": level, "n": n, "defaults": defaults})


def test_default_rates_have_the_wilson_intervals_of_scipy():
    counts = counts_of({"rent": (160, 40), "own": (50, 0)})
    for _, row in summaries.default_rates(counts).iterrows():
        reference = binomtest(row["defaults"], row["n"]).proportion_ci(method="wilson")
        # Both evaluate the same closed formula: only rounding differs.
        assert row["ci_low"] == pytest.approx(reference.low, abs=1e-12)
        assert row["ci_high"] == pytest.approx(reference.high, abs=1e-12)


def test_missing_values_are_a_level_of_their_own_at_the_end():
    counts = counts_of({"a": (20, 2), "": (30, 9), "b": (40, 4)})
    table = summaries.default_rates(counts)
    assert table[["level", "n", "defaults"]].to_numpy().tolist() == [["a", 20, 2], ["b", 40, 4], ["missing", 30, 9]]


def test_small_unordered_levels_are_pooled_with_each_other():
    counts = counts_of({"rent": (50, 5), "none": (6, 1), "any": (7, 2)})
    table = summaries.default_rates(counts)
    assert table["level"].tolist() == ["rent", "none, any"]
    assert table["n"].tolist() == [50, 13]


def test_a_lone_small_level_takes_the_next_smallest_in_so_that_totals_do_not_give_it_away():
    counts = counts_of({"rent": (50, 5), "own": (20, 4), "any": (3, 3)})
    assert summaries.default_rates(counts)["level"].tolist() == ["rent", "own, any"]


def test_small_ordered_levels_are_pooled_with_their_neighbour():
    counts = counts_of({"1": (4, 1), "2": (20, 2), "3": (30, 3), "4": (5, 1)}, ordered=True)
    assert summaries.default_rates(counts)["level"].tolist() == ["1 to 2", "3 to 4"]


def test_few_missing_values_join_the_smallest_ordered_level():
    counts = counts_of({"1": (40, 1), "2": (20, 2), "": (3, 1)}, ordered=True)
    assert summaries.default_rates(counts)["level"].tolist() == ["1", "2 (or missing)"]


@given(
    st.lists(st.integers(0, 25), min_size=1, max_size=8).filter(lambda sizes: sum(sizes) >= 10),
    st.booleans(),
    st.integers(0, 12),
)
def test_no_published_cell_is_small_and_no_loan_is_lost(sizes, ordered, missing):
    counts = counts_of({**{str(i): (n, n // 3) for i, n in enumerate(sizes)}, "": (missing, 0)}, ordered=ordered)
    table = summaries.default_rates(counts, min_cell=10)
    assert table["n"].min() >= 10
    assert table["n"].sum() == counts["n"].sum()
    assert table["defaults"].sum() == counts["defaults"].sum()


def test_driver_rates_say_when_a_driver_is_known():
    loans = pd.DataFrame({"term": [36] * 30 + [60] * 20, "int_rate": np.linspace(6, 20, 50), "default": [0, 1] * 25})
    table = summaries.driver_rates(FrameCounts(loans), ["term", "int_rate"], bins=2)
    assert table.groupby("driver")["known"].first().to_dict() == {"term": "application", "int_rate": "pricing"}
    assert table.groupby("driver")["n"].sum().tolist() == [50, 50]


def test_no_driver_is_an_outcome_a_text_or_an_address():
    assert not {"loan_status", "emp_title", "title", "address", "issue_d"} & set(summaries.drivers())


def test_credit_history_counts_from_the_first_credit_line_to_the_funding():
    loans = pd.DataFrame(
        {"issue_d": pd.to_datetime(["2015-01-01"]), "earliest_cr_line": pd.to_datetime(["2005-01-01"])}
    )
    # Ten years with two or three leap days: within half a day of ten.
    assert summaries.credit_history_years(loans).item() == pytest.approx(10, abs=0.5 / 365)


def funded(loans: dict[str, int]) -> pd.DataFrame:
    n = pd.Series(loans.values())
    return pd.DataFrame({"issue_d": pd.to_datetime(list(loans)), "n": n, "defaults": n // 2})


def test_a_vintage_that_would_show_few_loans_of_an_outcome_is_merged_with_the_next():
    counts = funded({"2011-01-01": 52, "2011-04-01": 80, "2011-07-01": 80}).assign(defaults=[1, 20, 70])
    assert vintage_rates(counts, min_cell=10)["level"].tolist() == ["2011 Q1 to 2011 Q2", "2011 Q3"]
    assert vintage_rates(counts, min_cell=11)["level"].tolist() == ["2011 Q1 to 2011 Q3"]


def test_vintages_are_named_by_their_quarter():
    counts = funded({"2014-01-01": 20, "2014-03-01": 20, "2014-04-01": 20, "2015-12-01": 20})
    table = vintage_rates(counts)
    assert table["level"].tolist() == ["2014 Q1", "2014 Q2", "2015 Q4"]
    assert table["n"].tolist() == [40, 20, 20]


def test_small_vintages_are_merged_with_the_next():
    counts = funded({"2014-01-01": 4, "2014-02-01": 16, "2014-03-01": 20})
    table = vintage_rates(counts, period="month")
    assert table["level"].tolist() == ["2014-01 to 2014-02", "2014-03"]


def test_a_vintage_is_unripe_until_its_last_loan_could_have_run_to_term():
    counts = funded({"2013-12-01": 20, "2014-01-01": 20, "2016-12-01": 20})
    table = vintage_rates(counts, period="month", term=36).set_index("level")
    assert table["unripe"].to_dict() == {"2013-12": False, "2014-01": True, "2016-12": True}


def test_a_part_of_the_loans_is_judged_by_the_end_of_the_whole():
    counts = funded({"2010-01-01": 20, "2010-02-01": 20})
    assert vintage_rates(counts, period="month")["unripe"].all()
    assert not vintage_rates(counts, period="month", last=pd.Timestamp("2016-12-01"))["unripe"].any()


def test_years_count_every_loan_once():
    counts = funded({"2010-01-01": 20, "2010-12-01": 30, "2011-01-01": 40})
    table = vintage_rates(counts, period="year")
    assert table[["level", "n"]].to_numpy().tolist() == [["2010", 50], ["2011", 40]]
    assert table["defaults"].sum() == counts["defaults"].sum()
