import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import binom
from sklearn.metrics import roc_auc_score

from loantap.model.weak_spots import WeakSpots, promised_auc, weak_spots

Sample = tuple[pd.DataFrame, np.ndarray, np.ndarray]


def sample(n: int = 2_000, *, seed: int = 0, off: float = 0.0, blind: bool = False) -> Sample:
    """Return columns, outcomes and probabilities; business owners are off by so much, or those in debt are not ranked."""
    rng = np.random.default_rng(seed)
    columns = pd.DataFrame(
        {
            "dti": np.where(rng.random(n) < 0.1, np.nan, rng.gamma(4, 5, n)),
            "purpose": rng.choice(["car", "small_business", "house"], n, p=[0.5, 0.3, 0.2]),
            "open_acc": rng.integers(1, 30, n).astype(float),
        }
    )
    p = rng.beta(2, 6, n)
    true = np.where(columns["purpose"] == "small_business", expit(logit(p) + off), p)
    if blind:
        true = np.where(columns["dti"] > 20, p.mean(), true)
    return columns, (rng.random(n) < true).astype(int), p


def judged(drawn: Sample, *, groups: bool = True) -> WeakSpots:
    columns, y, p = drawn
    named = {f"purpose {name}": (columns["purpose"] == name).to_numpy() for name in ("car", "small_business")}
    return weak_spots(columns, named if groups else {}, y, p, min_cell=10, random_state=0)


def test_a_group_that_defaults_more_than_predicted_is_named_as_group_and_as_segment():
    found = judged(sample(off=1.0))
    shown = found.shown.set_index("kind")
    assert set(shown["verdict"]) == {"more defaults"}
    assert shown.loc[["group"], "name"].tolist() == ["purpose small_business"]
    segments = [found.segments[place] for place in shown.loc[["segment"], "place"]]
    assert all(any((one.column, one.level, one.above) == ("purpose", "small_business", True) for one in segment) for segment in segments)  # fmt: skip


def test_a_segment_in_which_the_scores_say_nothing_is_found_to_rank_worse():
    found = judged(sample(12_000, blind=True), groups=False)
    weak = found.shown[found.shown["verdict"] == "ranks worse"]
    assert len(weak)
    for place in weak["place"]:
        assert any(one.column == "dti" and one.above and one.limit > 10 for one in found.segments[place])


def test_where_probabilities_are_right_nothing_is_shown_oftener_than_chance_allows():
    shown = [len(judged(sample(seed=seed)).shown) > 0 for seed in range(120)]
    assert sum(shown) <= binom.ppf(0.999, 120, 0.05)


def test_segments_divide_the_judging_half_and_leave_no_small_part():
    columns, y, p = sample(off=1.0)
    found = judged((columns, y, p), groups=False)
    own = found.table
    assert own["n"].sum() == found.judged_on == len(y) - found.found_on
    assert (own["defaults"] >= 10).all()
    assert (own["n"] - own["defaults"] >= 10).all()


def test_a_segment_is_judged_on_loans_that_did_not_find_it():
    columns, y, p = sample(off=1.0)
    first = judged((columns, y, p), groups=False)
    again = weak_spots(columns, {}, y, p, min_cell=10, random_state=1)
    assert first.segments != again.segments  # another half finds others
    assert first.found_on + first.judged_on == len(y)


def test_the_promised_auc_is_the_mean_of_outcomes_drawn_from_the_probabilities():
    rng = np.random.default_rng(0)
    p = rng.beta(2, 6, 400).round(2).clip(0.01)  # with ties
    draws = [roc_auc_score(rng.random(400) < p, p) for _ in range(2_000)]
    # 2,000 draws leave their mean uncertain by some 0.0006; a ratio of means is not quite a mean of ratios.
    assert promised_auc(p) == pytest.approx(np.mean(draws), abs=0.003)
