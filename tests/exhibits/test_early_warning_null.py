"""Where outcomes have nothing to do with signals, and live loans are like the training loans, early warning claims nothing.

Bounds: a claim of error rate a on k draws may come up as often as a binomial (k, a) does in 999 of 1,000 tests.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

import loantap.watchlist.backtest
from loantap.data.panel import DEFAULT_DAYS, Panel
from loantap.exhibits.early_warning import as_months
from loantap.exhibits.warning_sentences import (
    VARIABLES,
    baseline_sentences,
    calibration_title,
    drift_title,
    trade_off_title,
)
from loantap.model.bootstrap import CONFIDENCE
from loantap.watchlist import choice
from loantap.watchlist.backtest import backtest
from loantap.watchlist.drift import calibration_drift, drift
from loantap.watchlist.settings import Settings, read_settings

DRAWS = 20
N = 500


def most(claims: int, error: float) -> int:
    """Return how often claims of an error rate may come up, as the module says."""
    return int(binom.ppf(0.999, claims, error))


@pytest.fixture(scope="module")
def settings() -> Settings:
    """The settings with a short horizon and room for many alerts, so that small panels decide something."""
    known = read_settings()
    wide = {"horizon": 4, "alerts_per_1000": 400, "red_per_1000": 100}
    return known.model_copy(update={"backtest": known.backtest.model_copy(update=wide)})


@pytest.fixture(scope="module")
def probability() -> np.ndarray:
    return np.random.default_rng(1).beta(2, 8, N)


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Snapshots of loans whose debt-to-income and utilisation wander about their caps."""
    rng, months = np.random.default_rng(0), np.arange("2017-01", "2018-11", dtype="datetime64[M]")
    walks = [level + rng.normal(0, step, (N, len(months))).cumsum(axis=1) for level, step in ((35, 1.5), (80, 4))]
    return Panel(np.arange(N).astype(str), months, *walks, balance=np.ones((N, len(months))))


def with_defaults(panel: Panel, hazard: np.ndarray | float, *, seed: int) -> Panel:
    """Return the panel with defaults that no day past due announces, at a hazard by loan and month."""
    drawn = np.random.default_rng(seed).random(panel.dti.shape)
    return replace(panel, days_past_due=np.where(drawn < hazard, DEFAULT_DAYS, 0.0))


def told(panel: Panel, probability: np.ndarray, settings: Settings, *, seed: int) -> tuple[str, str, bool]:
    """Return title and sentence of the back-test, and whether enough defaults came to decide anything."""
    noise = np.random.default_rng(seed).normal(0, 0.05, panel.dti.shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "STRICTNESS", (1.0,))  # for speed, as the next
        patch.setattr(loantap.watchlist.backtest, "RATES", (100,))
        known = {"probability_then": probability, "probability_now": probability[:, np.newaxis] + noise}
        judged = backtest(panel, settings=settings, repetitions=200, random_state=seed, **known)
    assert judged is not None
    found = {"comparisons": judged.comparisons.to_dict("records")}
    decided = "found by one of them alone" not in baseline_sentences(found)  # both comparisons
    return trade_off_title(found), baseline_sentences(found), decided


@pytest.mark.slow
def test_a_rule_that_knows_nothing_is_not_said_to_find_more(panel, probability, settings):
    said = [told(with_defaults(panel, 0.04, seed=seed), probability, settings, seed=seed) for seed in range(DRAWS)]
    assert sum(decided for *_, decided in said) > DRAWS / 4  # or silence would pass
    claims = " ".join(title for title, *_ in said)
    assert claims.count("the caps alone") + claims.count("the model alone") == 2 * DRAWS
    assert claims.count("finds more defaults than") <= most(2 * DRAWS, (1 - CONFIDENCE) / 2)
    assert claims.count("finds fewer defaults than") <= most(2 * DRAWS, (1 - CONFIDENCE) / 2)


def test_the_title_claims_what_the_sentence_claims(panel, probability, settings):
    title, sentence, _ = told(with_defaults(panel, 0.04, seed=0), probability, settings, seed=0)
    assert title.count("finds more defaults than") == sentence.count("; the rule finds more.")


def test_a_rule_that_knows_the_defaults_is_said_to_find_more(panel, probability, settings):
    before = np.pad(panel.dti, ((0, 0), (4, 0)), constant_values=np.nan)[:, :-4]
    hazard = np.where(panel.dti - before > 4, 0.4, 0.005)
    title, *_ = told(with_defaults(panel, hazard, seed=0), probability, settings, seed=0)
    assert "finds more defaults than the caps alone" in title


@pytest.mark.parametrize("live", [40, 400])
def test_loans_like_the_training_loans_are_not_said_to_have_drifted(live: int):
    apart = 0
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        values = {name: rng.normal(50, 10, 2_000) for name in ("dti", "revol_util")}
        now = {name: rng.normal(50, 10, (live, 1)) for name in values}
        ids, month = np.arange(live), np.array(["2017-01"], dtype="datetime64[M]")
        title = drift_title(as_months(drift(Panel(ids, month, **now, balance=np.ones((live, 1))), values)))
        apart += sum(f"{VARIABLES[name]} (" in title for name in values)
    assert apart <= most(2 * DRAWS, 1 - CONFIDENCE)


def test_loans_unlike_the_training_loans_are_said_to_have_drifted():
    rng, (ids, month) = np.random.default_rng(0), (np.arange(400), np.array(["2017-01"], dtype="datetime64[M]"))
    now = rng.normal(60, 10, (400, 1))
    moved = drift(Panel(ids, month, now, now, now), {"dti": rng.normal(50, 10, 2_000)})
    assert drift_title(as_months(moved)).startswith("Drifted from the training loans in 2017-01: debt-to-income (red, ")


def test_defaults_as_expected_are_not_said_to_differ(panel, probability):
    term = np.full(N, 36)
    hazard = 1 - (1 - probability[:, np.newaxis]) ** (1 / 36)
    apart = 0
    for seed in range(DRAWS):
        came = as_months(calibration_drift(with_defaults(panel, hazard, seed=seed), probability, term))
        title = calibration_title(came, CONFIDENCE)
        apart += ("as many as the model lets expect" not in title) + ("no change is shown" not in title)
    assert apart <= most(2 * DRAWS, 1 - CONFIDENCE)


def test_twice_the_defaults_are_said_to_be_more(panel, probability):
    term = np.full(N, 36)
    hazard = 2 * (1 - (1 - probability[:, np.newaxis]) ** (1 / 36))
    for seed in range(4):
        came = as_months(calibration_drift(with_defaults(panel, hazard, seed=seed), probability, term))
        assert "more than the model lets expect" in calibration_title(came, CONFIDENCE)
