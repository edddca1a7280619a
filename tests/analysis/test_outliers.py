import numpy as np
import pandas as pd
import pytest
from matplotlib.cbook import boxplot_stats

from loantap.analysis.comparisons import implausible_values, outliers
from loantap.analysis.counts import FrameCounts


@pytest.fixture
def loans() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {
            "dti": rng.normal(17, 4, 1000),
            "annual_inc": rng.lognormal(11, 0.6, 1000),
            "revol_util": np.where(rng.random(1000) < 0.05, np.nan, rng.uniform(0, 99, 1000)),
            "default": rng.integers(0, 2, 1000),
        }
    )
    frame.loc[:19, "revol_util"] = 120
    frame.loc[:3, "dti"] = 9999
    return frame


def test_outliers_are_the_fliers_of_a_box_plot(loans):
    found = outliers(FrameCounts(loans), ["annual_inc"]).iloc[0]
    assert found["n"] == len(boxplot_stats(loans["annual_inc"])[0]["fliers"])


def test_missing_values_are_no_outliers(loans):
    plain = loans.assign(revol_util=loans["revol_util"].where(loans["revol_util"].ne(120)))
    found = outliers(FrameCounts(plain), ["revol_util"])
    assert found["n"].isna().all()


def test_implausible_values_are_counted(loans):
    found = implausible_values(FrameCounts(loans)).set_index("meaning")
    over = found.loc["a utilisation above 100% (balance above the limit)"]
    assert over["n"] == 20
    assert over["default_rate"] == loans.loc[:19, "default"].mean()


def test_fewer_than_a_small_cell_are_named_without_numbers(loans):
    found = implausible_values(FrameCounts(loans))
    sentinel = found[found["meaning"].str.startswith("a dti of 9999")]
    assert sentinel.drop(columns=["column", "meaning"]).isna().all(axis=None)


def test_a_column_that_no_loan_has_a_value_of_is_left_out():
    loans = pd.DataFrame({"dti": np.arange(40.0), "revol_util": np.nan, "default": [0, 1] * 20})
    counts, names = FrameCounts(loans), ["dti", "revol_util"]
    assert outliers(counts, names)["column"].tolist() == ["dti"]
