"""The same numbers come from loans and from counts that something else made of them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import quantile_test

from loantap.analysis import summaries
from loantap.analysis.adjusted import adjusted_odds
from loantap.analysis.association import analyse
from loantap.analysis.bins import inverted_cdf, linear, median_with_interval
from loantap.analysis.comparisons import implausible_values, missing_values, outliers
from loantap.analysis.counts import FrameCounts, StoredCounts, typed
from loantap.analysis.distributions import histograms, medians
from loantap.analysis.levels import factor_counts, stratified_counts
from loantap.analysis.professions import coverage
from loantap.analysis.stratified import analyse_within, mantel_haenszel
from loantap.analysis.strength import driver_strength
from loantap.analysis.summaries import vintage_rates
from loantap.data.columns import COLUMNS, names
from loantap.errors import InputError

DRIVERS = [*summaries.drivers(), summaries.CREDIT_HISTORY]
NUMBERS = [*names(kind="number"), summaries.CREDIT_HISTORY]
OPTIONAL = [column.name for column in COLUMNS if column.missing]
CUBES = [
    *((name,) for name in sorted({*summaries.drivers(), *OPTIONAL, "state", "pincode"})),
    *(("grade", name) for name in ("sub_grade", "home_ownership", "pincode", "emp_title")),
    ("issue_d", "term"),
    ("issue_d", "earliest_cr_line"),
]
QUESTIONS = {
    "outcomes": lambda counts: summaries.outcomes(counts),
    "rates": lambda counts: summaries.driver_rates(counts, DRIVERS),
    "missing": lambda counts: missing_values(counts, OPTIONAL),
    "medians": lambda counts: medians(counts, NUMBERS),
    "histograms": lambda counts: histograms(counts, NUMBERS),
    "strength": lambda counts: driver_strength(counts, DRIVERS),
    "outliers": lambda counts: outliers(counts, NUMBERS),
    "implausible": lambda counts: implausible_values(counts),
    "vintages": lambda counts: vintage_rates(counts.by("issue_d", "term")),
    "titles": lambda counts: coverage(counts).unmapped,
}


class ManyTimes:
    """Counts of loans that are each there many times: no array as long as those loans would fit the memory."""

    def __init__(self, loans: pd.DataFrame, times: int) -> None:
        self._counts, self._times = FrameCounts(loans), times

    def by(self, *columns: str) -> pd.DataFrame:
        table = self._counts.by(*columns)
        return table.assign(n=table["n"] * self._times, defaults=table["defaults"] * self._times)


@pytest.fixture(scope="module")
def stored(loans: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> StoredCounts:
    folder = tmp_path_factory.mktemp("counts")
    for columns in CUBES:
        FrameCounts(loans).by(*columns).to_parquet(folder / f"{'+'.join(columns)}.parquet")
    return StoredCounts(folder)


@pytest.mark.parametrize("columns", CUBES, ids="+".join)
def test_stored_counts_come_back_as_they_were(loans, stored, columns):
    for order in (columns, columns[::-1]):
        pd.testing.assert_frame_equal(stored.by(*order), FrameCounts(loans).by(*order))


def test_counts_are_sorted_with_missing_values_last_and_lose_no_loan(loans):
    table = FrameCounts(loans).by("emp_length", "mort_acc")
    assert table["emp_length"].cat.codes.replace(-1, 99).is_monotonic_increasing
    assert table[["emp_length", "mort_acc"]].iloc[-1].isna().all()
    assert table[["n", "defaults"]].sum().tolist() == [len(loans), loans["default"].sum()]


def test_dtypes_are_those_of_the_cleaned_loans(loans):
    for name in ("grade", "term", "dti", "emp_title", "pincode", "home_ownership"):
        assert FrameCounts(loans).by(name)[name].dtype == loans[name].dtype
    assert FrameCounts(loans).by("issue_d")["issue_d"].dtype == "datetime64[s]"


def test_values_of_a_database_become_those_of_the_cleaned_loans(loans):
    counts = FrameCounts(loans).by("term", "emp_length", "issue_d", "mort_acc", "state")
    texts = counts.astype({"term": "str", "emp_length": "object", "mort_acc": "object", "state": "object"})
    raw = texts.assign(term=" " + texts["term"] + " months", issue_d=counts["issue_d"].dt.date)
    raw = raw.where(raw.notna(), None).sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(typed(raw), counts)


def test_values_that_become_the_same_are_added_up():
    table = typed(pd.DataFrame({"term": ["36", " 36 months", "60"], "n": [3, 4, 5], "defaults": [1, 1, 2]}))
    assert table.to_dict("list") == {"term": [36, 60], "n": [7, 5], "defaults": [2, 2]}


def test_counts_that_were_not_stored_are_named(stored):
    with pytest.raises(InputError, match="expected the counts by grade, purpose, found none"):
        stored.by("grade", "purpose")


def test_columns_that_the_loans_do_not_have_are_named(loans):
    with pytest.raises(InputError, match="got shoe_size"):
        FrameCounts(loans).by("grade", "shoe_size")


@pytest.mark.parametrize("question", QUESTIONS)
def test_summaries_do_not_depend_on_who_counted(loans, stored, question):
    ask = QUESTIONS[question]
    pd.testing.assert_frame_equal(ask(stored), ask(FrameCounts(loans)), check_exact=True)


@pytest.mark.parametrize("factor", ["pincode", "grade", "profession", "home_ownership"])
def test_associations_do_not_depend_on_who_counted(loans, stored, factor):
    found = []
    for counts in (stored, FrameCounts(loans)):
        association = analyse(factor_counts(counts, factor), factor=factor)
        within = {} if factor == "grade" else mantel_haenszel(association, stratified_counts(counts, factor)).to_dict()
        ladder = analyse_within(counts, "sub_grade", parent=association).to_dict() if factor == "grade" else {}
        found.append([association.to_dict(), within, ladder])
    assert repr(found[0]) == repr(found[1])  # as texts, in which NaN equals NaN


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_needs_anything_as_long_as_the_loans(loans, question):
    # 4,000 loans a billion times.
    QUESTIONS[question](ManyTimes(loans, 10**9))


def test_a_thousand_times_the_loans_have_the_same_rates(loans):
    once, often = (summaries.driver_rates(ManyTimes(loans, k), DRIVERS, min_cell=0) for k in (1, 1_000))
    assert often["level"].tolist() == once["level"].tolist()
    assert often["n"].tolist() == (1_000 * once["n"]).tolist()
    # The quotients of the same whole numbers, in other units.
    assert often["default_rate"].to_numpy() == pytest.approx(once["default_rate"].to_numpy(), abs=1e-15)
    counted = analyse(factor_counts(ManyTimes(loans, 1_000), "grade"), factor="grade", min_cell=0)
    assert counted.default_rate == pytest.approx(loans["default"].mean(), abs=1e-15)


def test_levels_that_a_sample_does_not_show_have_no_adjusted_odds_ratio(loans):
    association = analyse(factor_counts(ManyTimes(loans, 1_000), "grade"), factor="grade")
    sample = loans[(loans["grade"] != "G") & ((loans["grade"] != "F") | (loans["default"] == 0))]
    adjusted = adjusted_odds(association, sample)
    assert adjusted.converged
    assert adjusted.n == (sample["grade"] != "F").sum()
    absent = adjusted.levels.set_index("level")["odds_ratio"].isna()
    assert absent[absent].index.tolist() == ["F", "G"]


WEIGHTS = st.lists(st.integers(0, 30), min_size=1, max_size=12).filter(any)
SHARES = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9])), min_size=1, max_size=5)


def held(weights: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values, the loans at each, and the value of each loan."""
    values = np.cumsum(np.linspace(0.1, 7.3, len(weights)))
    return values, np.array(weights), np.repeat(values, weights)


@given(WEIGHTS, SHARES)
def test_quantiles_are_those_of_numpy_on_single_loans(weights, shares):
    values, n, loans = held(weights)
    wanted = np.array(shares)
    assert inverted_cdf(values, n, wanted).tolist() == np.quantile(loans, wanted, method="inverted_cdf").tolist()
    assert linear(values, n, wanted).tolist() == np.quantile(loans, wanted).tolist()


@given(WEIGHTS)
def test_quartiles_are_those_of_pandas(weights):
    values, n, loans = held(weights)
    wanted = np.array([0.25, 0.75])
    assert linear(values, n, wanted).tolist() == pd.Series(loans).quantile(wanted).tolist()


@given(WEIGHTS, st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_the_interval_of_a_median_is_that_of_scipy(weights, confidence):
    values, n, loans = held(weights)
    reference = quantile_test(loans, p=0.5).confidence_interval(confidence)
    middle, low, high = median_with_interval(values, n, confidence=confidence)
    assert middle == np.quantile(loans, 0.5, method="inverted_cdf")
    assert [low, high] == pytest.approx([reference.low, reference.high], abs=0, nan_ok=True)


def test_nothing_has_no_quantiles():
    nothing = np.array([]), np.array([], dtype="int64")
    assert np.isnan([*inverted_cdf(*nothing, np.array([0.5])), *linear(*nothing, np.array([0.5]))]).all()
    assert np.isnan(median_with_interval(*nothing, confidence=0.95)).all()
