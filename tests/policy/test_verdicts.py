"""Shown, depends or not shown: each part of the rule by itself, and which policy is chosen."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_books import random_book

from loantap.policy.levers import Cap
from loantap.policy.scenarios import scenarios
from loantap.policy.simulate import simulate
from loantap.policy.verdicts import (
    DEPENDS,
    LATER_LOSES,
    NO_GAIN,
    NOBODY,
    NOT_LATER,
    NOT_SHOWN,
    SHOWN,
    Choice,
    choose,
    verdicts,
)


def effects(**gains: tuple[float, float]) -> pd.DataFrame:
    """Policies by name with their gain and the low end of its interval; a gain of 0 refuses nobody."""
    return pd.DataFrame(
        [{"name": name, "n_refused": int(gain != 0) * 50, "gain": gain, "gain_low": low} for name, (gain, low) in gains.items()]
    )  # fmt: skip


def least(**gains: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [{"name": name, "assumption": one, "gain_least": gain} for name, each in gains.items() for one, gain in each.items()]
    )  # fmt: skip


def later(**gains: float) -> pd.DataFrame:
    return pd.DataFrame({"name": list(gains), "gain": list(gains.values())})


def verdict(
    gain: tuple[float, float] = (9.0, 1.0), loss: float = 3.0, cost: float = 2.0, after: float | None = 4.0
) -> pd.Series:
    last = None if after is None else later(rule=after)
    return verdicts(effects(rule=gain), least(rule={"loss": loss, "cost": cost}), last).iloc[0]


def test_a_gain_that_holds_everywhere_is_shown():
    row = verdict()
    assert (row["verdict"], row["why"], row["turning"]) == (SHOWN, "", ())


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"gain": (0.0, 0.0)}, NOBODY),
        ({"gain": (9.0, 0.0)}, NO_GAIN),
        ({"gain": (9.0, -1.0)}, NO_GAIN),
        ({"gain": (-9.0, -20.0)}, NO_GAIN),
        ({"gain": (9.0, np.nan)}, NO_GAIN),
        ({"after": None}, NOT_LATER),
        ({"after": np.nan}, NOT_LATER),
        ({"after": 0.0}, LATER_LOSES),
        ({"after": -1.0}, LATER_LOSES),
        ({"gain": (9.0, -1.0), "after": -1.0, "loss": -1.0}, NO_GAIN),  # the first that holds
    ],
)
def test_a_gain_is_not_shown_for_the_first_reason_that_holds(changed: dict, why: str):
    row = verdict(**changed)
    assert (row["verdict"], row["why"], row["turning"]) == (NOT_SHOWN, why, ())


@pytest.mark.parametrize(
    ("changed", "turning"),
    [
        ({"loss": -0.1}, ("loss",)),
        ({"cost": 0.0}, ("cost",)),
        ({"loss": -1.0, "cost": -1.0}, ("cost", "loss")),
    ],
)
def test_a_gain_depends_on_the_assumptions_that_alone_turn_it(changed: dict, turning: tuple[str, ...]):
    row = verdict(**changed)
    assert (row["verdict"], row["why"], row["turning"]) == (DEPENDS, "", turning)


def test_a_policy_that_earlier_loans_do_not_suggest_is_not_judged_by_another_one():
    table = verdicts(effects(one=(9, 1), two=(9, 1)), least(one={"loss": 1}, two={"loss": 1}), later(two=5)).set_index("name")  # fmt: skip
    assert table["why"].to_dict() == {"one": NOT_LATER, "two": ""}


def test_every_policy_has_a_verdict_in_the_order_of_the_effects():
    table = verdicts(effects(b=(9, 1), a=(0, 0)), least(a={"loss": 1}, b={"loss": 1}), later(a=0, b=1))
    assert table["name"].tolist() == ["b", "a"]
    assert table["verdict"].tolist() == [SHOWN, NOT_SHOWN]


def judged(**told: str) -> pd.DataFrame:
    return pd.DataFrame({"name": list(told), "verdict": list(told.values())})


def test_the_best_verdict_goes_before_the_largest_gain():
    gains = effects(a=(1, 1), b=(5, 1), c=(9, 1), d=(20, -1))
    assert choose(gains, judged(a=SHOWN, b=SHOWN, c=DEPENDS, d=NOT_SHOWN)) == Choice(SHOWN, "b")
    assert choose(gains, judged(a=DEPENDS, b=NOT_SHOWN, c=DEPENDS, d=NOT_SHOWN)) == Choice(DEPENDS, "c")
    assert choose(gains, judged(a=NOT_SHOWN, b=NOT_SHOWN, c=NOT_SHOWN, d=NOT_SHOWN)) == Choice(NOT_SHOWN, None)


def test_of_equal_gains_the_first_is_chosen():
    assert choose(effects(b=(5, 1), a=(5, 1)), judged(b=SHOWN, a=SHOWN)) == Choice(SHOWN, "b")


@settings(max_examples=10)
@given(st.integers(0, 20), st.floats(40.1, 1_000))
def test_a_cap_that_refuses_nobody_is_not_shown_for_that_reason(seed: int, limit: float):
    book = random_book(200, seed=seed)
    refusals = {"cap": Cap("dti", limit).refuses(book), "price": book.expected < 0}
    told = simulate(book, refusals, repetitions=20, random_state=0)
    table = verdicts(told, scenarios(book, refusals), told).set_index("name")
    assert (table.loc["cap", "verdict"], table.loc["cap", "why"]) == (NOT_SHOWN, NOBODY)
    assert table.loc["price", "why"] != NOBODY
