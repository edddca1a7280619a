import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from loantap.model.stability import by_vintage, psi, shares


def loans_of_years(n: int = 2_000, *, seed: int = 0, shift: float = 0.0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return loans of four years with probabilities that are right but for a shift in the last, and those of others."""
    rng = np.random.default_rng(seed)
    p, reference = rng.beta(2, 6, n), rng.beta(2, 6, 4 * n)
    year = rng.integers(2012, 2016, n)
    default = rng.random(n) < np.clip(p + shift * (year == 2015), 0, 1)
    months = pd.to_datetime([f"{one}-03-01" for one in year])
    return pd.DataFrame({"issue_d": months, "default": default.astype(int)}), p, reference


def test_a_vintage_is_described_by_its_own_loans():
    loans, p, reference = loans_of_years()
    table = by_vintage(loans, p, reference, confidence=0.9).set_index("vintage")
    inside = (loans["issue_d"].dt.year == 2013).to_numpy()
    y, row = loans["default"].to_numpy()[inside], table.loc["2013"]
    assert (row["n"], row["defaults"], row["predicted"]) == (inside.sum(), y.sum(), p[inside].mean())
    assert row["roc_auc"] == pytest.approx(roc_auc_score(y, p[inside]), abs=1e-12)
    ends = proportion_confint(y.sum(), len(y), alpha=0.1 / 4, method="wilson")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(ends)
    edges = np.quantile(reference, np.arange(0.1, 1, 0.1))
    counts = [np.histogram(values, [-np.inf, *edges, np.inf])[0] for values in (reference, p[inside])]
    assert row["psi"] == pytest.approx(psi(*map(shares, counts)), abs=1e-12)


def test_a_year_that_defaults_more_than_predicted_is_found():
    loans, p, reference = loans_of_years(shift=0.15)
    found = by_vintage(loans, p, reference).set_index("vintage")
    assert not found.loc["2015", "calibrated"]
    assert found.loc[["2012", "2013", "2014"], "calibrated"].all()


def test_where_nothing_is_wrong_a_vintage_fails_no_oftener_than_it_may():
    draws = [by_vintage(*loans_of_years(seed=seed)) for seed in range(100)]
    most = binom.ppf(0.999, 100, 0.05)
    for name in ("calibrated", "ranks"):
        assert sum(not table[name].all() for table in draws) <= most, name
    # The chi-squared limit is that of many loans; a vintage here has some five hundred.
    assert sum((table["psi"] > table["chance_high"]).any() for table in draws) <= most
    assert sum((table["psi"] > table["chance_high"] / 2).any() for table in draws) > 10  # so the limit is not idle
