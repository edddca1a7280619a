"""Where the money at risk stands, by hand."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from loantap.watchlist.concentration import ALL, NOT_KNOWN, concentration, exposure_by_state

AS_USUAL = {"loss_given_default": 0.5, "min_cell": 1, "confidence": 0.95}


def loans_of(
    rows: list[tuple], names: str = "grade flagged flagged_before balance balance_before pd pd_before"
) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=names.split())


BY_HAND = loans_of(
    [
        ("A", True, False, 100.0, 110.0, 0.10, 0.05),
        ("A", False, False, 300.0, 310.0, 0.02, 0.02),
        ("A", None, None, np.nan, 50.0, np.nan, 0.30),  # gone since
        ("B", True, True, 500.0, 500.0, 0.40, 0.40),
        ("B", None, True, 100.0, 120.0, np.nan, 0.20),  # unknown now
    ]
)


def test_exposure_flags_and_expected_loss_by_hand():
    table = concentration(BY_HAND, "grade", **AS_USUAL).set_index("level")
    assert table.index.tolist() == ["B", "A", ALL]
    a, b, whole = table.loc["A"], table.loc["B"], table.loc[ALL]
    assert (a["loans"], a["exposure"], a["exposure_before"], a["exposure_change"]) == (2, 400, 470, -70)
    assert (whole["exposure"], whole["exposure_before"]) == (1_000, 1_090)
    assert (b["share_of_exposure"], b["share_of_exposure_before"]) == (0.6, 620 / 1_090)
    assert (a["judged"], a["flagged"], a["flagged_share"], a["flagged_share_before"]) == (2, 1, 0.5, 0)
    assert (b["judged"], b["flagged"], b["flagged_share"], b["flagged_share_before"]) == (1, 1, 1, 1)
    # 0.10 * 100 + 0.02 * 300 = 16, of which half is lost; before 0.05 * 110 + 0.02 * 310 + 0.30 * 50 = 26.7.
    assert (a["expected_loss"], a["expected_loss_before"]) == pytest.approx((8.0, 13.35))
    assert a["expected_loss_rate"] == pytest.approx(8.0 / 400)
    # Of the unknown one nobody can tell: it is in the exposure, and said to be without a probability.
    assert (b["expected_loss"], b["without_pd"], b["expected_loss_rate"]) == pytest.approx((100.0, 1, 0.2))
    assert whole["expected_loss"] == pytest.approx(a["expected_loss"] + b["expected_loss"])


def test_without_a_probability_there_is_no_expected_loss():
    table = concentration(BY_HAND.drop(columns=["pd", "pd_before"]), "grade", **AS_USUAL)
    assert not [name for name in table.columns if "loss" in name]


def test_intervals_are_wilsons_and_of_different_loans_newcombes():
    # 30 of 100 flagged now, 10 of 80 before, none of them the same.
    now = loans_of(
        [("A", place < 30, None, 1.0, np.nan) for place in range(100)],
        "grade flagged flagged_before balance balance_before",
    )
    before = loans_of(
        [("A", None, place < 10, np.nan, 1.0) for place in range(80)],
        "grade flagged flagged_before balance balance_before",
    )
    row = concentration(pd.concat([now, before], ignore_index=True), "grade", **AS_USUAL).iloc[0]
    assert (row["flagged_share_low"], row["flagged_share_high"]) == pytest.approx(
        proportion_confint(30, 100, method="wilson")
    )
    low, high = confint_proportions_2indep(30, 100, 10, 80, method="newcomb", compare="diff")
    assert (row["difference"], row["difference_low"], row["difference_high"]) == pytest.approx((0.175, low, high))
    assert row["change"] == "higher"


def test_the_same_loans_in_both_months_tell_more_of_a_change():
    # 40 of 200 were flagged before; these and 16 more are now.
    frame = loans_of(
        [("A", place < 56, place < 40, 1.0, 1.0) for place in range(200)],
        "grade flagged flagged_before balance balance_before",
    )
    row = concentration(frame, "grade", **AS_USUAL).iloc[0]
    low, high = confint_proportions_2indep(56, 200, 40, 200, method="newcomb", compare="diff")
    assert low < 0 < row["difference_low"] < row["difference_high"] < high
    # The usual paired standard error: sqrt(16 - 16 ** 2 / 200) / 200.
    reach = (row["difference_high"] - row["difference_low"]) / 2
    assert reach == pytest.approx(1.96 * np.sqrt(16 - 16**2 / 200) / 200, rel=0.1)


def test_small_levels_are_pooled_and_missing_is_a_level():
    rows = [("A", place < 15, place < 15, 5.0, 5.0) for place in range(40)] + [
        ("B", place < 12, False, 1.0, 1.0) for place in range(30)
    ]
    rows += [("C", True, True, 2.0, 2.0), ("D", False, False, 3.0, 3.0)] + [
        (None, place < 10, False, 1.0, 1.0) for place in range(20)
    ]
    frame = loans_of(rows, "grade flagged flagged_before balance balance_before")
    table = concentration(frame, "grade", **(AS_USUAL | {"min_cell": 10}))
    assert table["level"].iloc[-1] == ALL
    assert "A" in set(table["level"])
    assert not {"C", "D"} & set(table["level"])
    assert table["loans"].iloc[:-1].sum() == table["loans"].iloc[-1] == 92
    assert NOT_KNOWN in " ".join(table["level"])


def test_levels_add_up_to_all():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "purpose": rng.choice(list("abcdefg"), 500, p=[0.5, 0.2, 0.1, 0.1, 0.06, 0.03, 0.01]), "flagged": rng.random(500) < 0.2,
            "flagged_before": rng.random(500) < 0.2, "balance": rng.random(500), "balance_before": rng.random(500), "pd": rng.random(500),
        }
    )  # fmt: skip
    table = concentration(frame, "purpose", **(AS_USUAL | {"min_cell": 10})).set_index("level")
    for name in ("loans", "exposure", "exposure_before", "judged", "flagged", "expected_loss", "share_of_exposure"):
        assert table[name].drop(ALL).sum() == pytest.approx(table.loc[ALL, name])


def test_a_level_in_which_nobody_was_judged_keeps_its_exposure():
    rows = [("red", True, 1.0)] * 20 + [("green", False, 1.0)] * 50 + [("unknown", None, 2.0)] * 15
    frame = loans_of(rows, "light flagged balance").assign(flagged_before=None, balance_before=np.nan)
    table = concentration(frame, "light", **(AS_USUAL | {"min_cell": 10})).set_index("level")
    assert table["exposure"].to_dict() == {"green": 50, "unknown": 30, "red": 20, ALL: 100}
    assert table.loc["unknown", "judged"] == 0
    assert np.isnan(table.loc["unknown", "flagged_share"])
    assert table["difference"].isna().all()


def test_no_loans_have_no_level():
    frame = loans_of([], "grade flagged flagged_before balance balance_before")
    assert concentration(frame, "grade", **AS_USUAL)["level"].tolist() == [ALL]


LIGHTS = ("red", "amber", "green")
STATES = loans_of(
    [("red", "green", 100.0, 110.0, 0.5, 0.1)] * 12
    + [("red", "red", 200.0, 210.0, 0.5, 0.5)] * 8
    + [("green", "green", 300.0, 310.0, 0.1, 0.1)] * 70
    + [("green", "red", 10.0, 20.0, 0.1, 0.5)] * 4
    + [(None, "red", np.nan, 50.0, np.nan, 0.5)] * 6
    + [("green", None, 5.0, np.nan, 0.1, np.nan)] * 10,
    "now before balance balance_before pd pd_before",
)


def test_exposure_by_light_counts_each_month_where_loans_stood_then():
    table = exposure_by_state(
        STATES, "now", "before", order=LIGHTS, loss_given_default=0.5, min_cell=10, confidence=0.95
    ).set_index("level")
    red, whole = table.loc["red"], table.loc[ALL]
    assert (red["loans"], red["loans_before"]) == (20, 18)
    assert (red["exposure"], red["exposure_before"]) == (12 * 100 + 8 * 200, 8 * 210 + 4 * 20 + 6 * 50)
    assert (red["expected_loss"], red["expected_loss_before"]) == pytest.approx(
        (0.25 * red["exposure"], 0.25 * red["exposure_before"])
    )
    assert (whole["loans"], whole["loans_before"]) == (104, 100)
    assert (red["share"], red["share_before"]) == (20 / 104, 0.18)
    assert (red["share_low"], red["share_high"]) == pytest.approx(proportion_confint(20, 104, method="wilson"))
    for name in ("loans", "exposure", "exposure_before", "share_of_exposure", "expected_loss"):
        assert table[name].drop(ALL).sum() == pytest.approx(whole[name])


def test_a_shift_between_lights_is_shown_and_none_is_not():
    # 20 of 200 turn red and none back; and then as many one way as the other.
    rows = [("red", "green", 1.0, 1.0)] * 20 + [("green", "green", 1.0, 1.0)] * 160 + [("red", "red", 1.0, 1.0)] * 20
    for back, change in ((0, "higher"), (20, "open")):
        frame = loans_of([*rows, *[("green", "red", 1.0, 1.0)] * back], "now before balance balance_before")
        table = exposure_by_state(frame, "now", "before", order=LIGHTS, **AS_USUAL).set_index("level")
        assert table.loc["red", "change"] == change


def test_a_small_light_is_withheld_with_the_next_one():
    rows = [("red", "red", 1.0, 1.0)] * 4 + [("amber", "amber", 1.0, 1.0)] * 30 + [("green", "green", 1.0, 1.0)] * 90
    frame = loans_of(rows, "now before balance balance_before")
    table = exposure_by_state(frame, "now", "before", order=LIGHTS, **(AS_USUAL | {"min_cell": 10})).set_index("level")
    assert table["withheld"].to_dict() == {"red": True, "amber": True, "green": False, ALL: False}
    assert table.loc[["red", "amber"], ["loans", "exposure", "share", "difference"]].isna().all(axis=None)
    assert table.loc["green", "loans"] == 90
