"""The sentences on the policy say what the numbers say, with their sign, and no more."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from loantap.exhibits import policy as exhibits
from loantap.exhibits import policy_sentences as findings
from loantap.exhibits import policy_tables as titles
from loantap.exhibits.words import plain
from loantap.policy.levers import Cap
from loantap.policy.limits import Found
from loantap.policy.pincode import HIGH, HIGH_REFUSED, LIKE, LOW, WITHOUT_PURE, PincodeTiers


def effect(change: float, low: float, high: float) -> dict[str, object]:
    """The effect of a policy that refuses 30% of the loans."""
    return {
        "name": "own_price", "rule": "decline some", "refused": 0.3, "refused_low": 0.28, "refused_high": 0.31, "approved": 0.7,
        "approved_low": 0.69, "approved_high": 0.72, "defaults_avoided": 0.4, "defaults_avoided_low": 0.35, "defaults_avoided_high": 0.45,
        "good_refused": 0.25, "good_refused_low": 0.24, "good_refused_high": 0.26, "profit_change": change, "profit_change_low": low,
        "profit_change_high": high,
    }  # fmt: skip


def gaps(ratio: float, low: float, high: float) -> pd.DataFrame:
    columns = {"attribute": "home_ownership", "highest": "RENT", "lowest": "OWN"}
    unknown = {f"approval_ratio{end}": np.nan for end in ("", "_low", "_high")}
    return pd.DataFrame(
        [
            columns | {"rule": "levers combined", "attribute": "income"} | unknown,
            columns | {"rule": "levers combined", "approval_ratio": ratio, "approval_ratio_low": low, "approval_ratio_high": high},
            columns | {"rule": "F2 threshold", "approval_ratio": 0.97, "approval_ratio_low": 0.9, "approval_ratio_high": 1.1},
        ]
    )  # fmt: skip


def test_the_three_thresholds_stand_side_by_side_with_what_each_refers():
    rows = {
        name: effect(0, 0, 0) | {"refused": share, "defaults_avoided": share + 0.1, "good_refused": share - 0.05}
        for name, share in (("threshold_f2", 0.69), ("threshold_profit", 0.07), ("threshold_capacity", 0.2))
    }
    told = findings.thresholds_sentence(rows, "F2")
    # All that is referred comes first, then all that it avoids, then all whom it turns away.
    numbers = ["69.0%", "7.0%", "20.0%", "79.0%", "17.0%", "30.0%", "64.0%", "2.0%", "15.0%"]
    places = [told.index(number) for number in numbers]
    assert places == sorted(places)
    assert "F2" in told
    nobody = rows | {
        "threshold_profit": rows["threshold_profit"] | {"refused": 0.0, "defaults_avoided": 0.0, "good_refused": 0.0}
    }
    assert "none at the profit threshold" in findings.thresholds_sentence(nobody, "F2")
    assert " 0.0%" not in findings.thresholds_sentence(nobody, "F2")
    assert "F0.5" in findings.thresholds_sentence(rows, "F0.5")


def test_what_f2_costs():
    loses, unclear, gains = (findings.f2_sentence(effect(*numbers), "F2", 0.9) for numbers in ((-2.85, -3.44, -2.26), (-0.1, -0.3, 0.1), (1, 0.5, 1.5)))  # fmt: skip
    assert loses.startswith("Do not let F2")
    assert not unclear.startswith("Do not")
    assert not gains.startswith("Do not")
    for told, change in ((loses, "-2.85"), (unclear, "-0.10"), (gains, "1.00")):
        assert f"{change} per 100" in told
        assert "70.0%" in told
        assert "25.0%" in told


def test_rules_without_the_model():
    told = findings.plain_sentence(effect(0.65, 0.39, 0.95), 0.9)
    for words in ("decline some", "0.65", "0.39 to 0.95", "30.0%", "90%"):
        assert words in told
    none = findings.plain_sentence(None, 0.9)
    assert "No limit that works without the model is shown" in none
    assert "90%" in none


@pytest.mark.parametrize(
    ("synthetic", "start"), [(True, "These are synthetic loans, so none of this is about a real portfolio. "), (False, "")]
)  # fmt: skip
def test_the_caveat_says_what_is_assumed_and_whether_loans_were_made(synthetic: bool, start: str):
    told = {"synthetic": synthetic, "assumed": "money costs 5.0% a year", "break_even": "It pays."}
    assert findings.caveat(told) == f"{start}Assumed: money costs 5.0% a year. It pays."


def test_the_lowest_approval_ratio_that_is_known_is_told_with_its_groups():
    told = findings.gap_title(gaps(0.58, 0.467, 0.716))
    assert told.startswith("“levers combined” approves good customers with home ownership rent less often")
    for words in ("approval ratio 0.58", "those with home ownership own", "0.47 to 0.72"):
        assert words in told
    assert "F2" not in told


@pytest.mark.parametrize("high", [1.0, 1.05])
def test_a_ratio_whose_interval_holds_one_is_not_called_uneven(high: float):
    told = findings.gap_title(gaps(0.9, 0.8, high))
    assert told.startswith("No policy is shown to treat groups unequally")
    assert "0.90" in told


@pytest.mark.parametrize("table", [gaps(np.nan, np.nan, np.nan)[:2], gaps(0.1, 0.1, 0.1)[:0]])
def test_groups_that_cannot_be_compared_are_not_called_alike(table: pd.DataFrame):
    assert findings.gap_title(table).startswith("Too few")


def test_what_moves_profit_most():
    table = pd.DataFrame({"label": ["cost of money", "other"], "profit_low": [8.523, 1], "profit_high": [-1.01, 1]})
    assert "The cost of money moves profit most: from 8.52 to -1.01 per 100 lent" in titles.tornado_title(table)


def test_the_curve_is_told_where_a_tenth_of_the_good_customers_is_refused():
    curve = pd.DataFrame({"good_refused": [0.0, 0.11, 0.08, 0.5], "defaults_avoided": [0.0, 0.31, 0.25, 0.8]})
    told = titles.curve_title(curve)
    assert "11.0%" in told
    assert "31.0%" in told


def test_the_sheet_counts_what_is_shown_and_what_depends():
    table = pd.DataFrame({"verdict": ["shown", "depends", "depends", "not shown", "not shown"]})
    told = titles.sheet_title(table)
    assert told == "1 of 5 policies is shown to earn more than approving everyone; for 2 it depends on an assumption"
    none = titles.sheet_title(pd.DataFrame({"verdict": ["not shown"] * 3, "n_refused": [0, 4, 5]}))
    assert none == "None of 2 policies is shown to earn more than approving everyone"


def test_a_lever_without_a_limit_is_counted_apart_from_one_that_gains_nothing():
    table = pd.DataFrame({"gain": [5.0, 2.0, np.nan], "gain_low": [1.0, -1.0, np.nan]})
    told = titles.levers_title(table)
    assert "2 of 3" in told
    assert told.endswith("1 is shown to gain")
    assert titles.levers_title(table.assign(gain_low=-1.0)).endswith("none is shown to gain")


def test_expected_losses_are_summed_by_policy_and_a_policy_that_lends_nothing_has_none():
    table = pd.DataFrame(
        {"policy": ["Everybody", "Everybody", "Nobody", "Half"], "expected_loss": [100.0, 50.0, 0.0, 20.0], "amount": [1_000.0, 500.0, 0.0, 500.0]}
    )  # fmt: skip
    told = titles.expected_loss_title(table)
    assert told == "Expected loss: 10.0% of the money lent under “Everybody”, least under “Half” (4.0%)"
    assert titles.expected_loss_title(table[:3]) == "Expected loss: 10.0% of the money lent under “Everybody”"


def test_limits_are_named_where_there_are_any_with_what_loans_beyond_earned():
    beyond = pd.DataFrame([{"limit": 32.5, "realised": -3.29, "realised_low": -16.8, "realised_high": 10.27}])
    dti = Found("cap_dti", "cap on DTI", Cap("dti", 32.5), "refuse DTI above 32.5", beyond, beyond)
    use = Found("cap_revol_util", "cap", None, "expected profit is negative at every value", beyond[:0], beyond)
    assert titles.limits_title({"dti": dti, "revol_util": use}) == (
        "Expected profit turns negative for DTI above 32.5 (realised there -3.29 per 100 lent, -16.80 to 10.27); "
        "no limit on revolving utilisation: expected profit is negative at every value"
    )


def steps(*taken: str, left: int) -> pd.DataFrame:
    return pd.DataFrame({"lever": [*taken, *["x"] * left], "reason": [*["adopted"] * len(taken), *["too few"] * left]})


def test_adopted_limits_are_counted_and_named():
    assert titles.steps_title(steps("own price", "cap", left=3)) == "2 of 5 limits are adopted: own price, cap"
    assert titles.steps_title(steps(left=3)) == "None of 3 limits is adopted"


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        (["earns", "earns", "loses", "loses", "not shown"], "2 of 5 segments are significantly loss-making; 2 of 5 are significantly profitable"),
        (["earns", "loses"], "1 of 2 segments is significantly loss-making; 1 of 2 is significantly profitable"),
        (["loses", "not shown"], "1 of 2 segments is significantly loss-making; none is significantly profitable"),
        (["not shown"], "No segment is significantly loss-making; none is significantly profitable"),
    ],
)  # fmt: skip
def test_products_that_earn_and_lose_are_counted(verdicts: list[str], words: str):
    assert titles.segments_title(pd.DataFrame({"verdict": verdicts})) == words


def break_even(loss: float, rate: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "assumption": ["loss_given_default", "funding_cost", "default_rate"],
            "label": ["loss given default", "cost of money", "default rate"],
            "value": [0.75, 0.05, 0.197],
            "break_even": [loss, 0.07, rate],
        }
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            (0.989, 0.252),
            "Approving everyone would earn nothing at a loss given default of 98.9% instead of 75.0%, or at a default rate of "
            "25.2% instead of 19.7%.",
        ),
        ((np.nan, 0.252), "Approving everyone would earn nothing at a default rate of 25.2% instead of 19.7%."),
        ((np.nan, np.nan), "No value of the loss given default or of the default rate takes all profit away."),
    ],
)
def test_where_lending_stops_to_pay(found: tuple[float, float], words: str):
    assert findings.break_even_sentence(break_even(*found)) == words


def test_what_declining_by_pincode_seems_to_gain():
    effects = pd.DataFrame(
        [effect(4, 3.5, 4.5) | {"name": HIGH_REFUSED}, effect(-0.1, -0.3, 0.1) | {"name": WITHOUT_PURE}]
    )
    tiers = PincodeTiers(pd.DataFrame({"tier": ["high"]}), effects, ("93700",), "a warning")
    told = "On the test loans, declining the high tier changes profit by 4.00 per 100 of money asked for (90% interval 3.50 to 4.50). "
    assert findings.pincode_sentence(tiers, 0.9) == (
        f"{told}Without the pincodes that give the outcome away, it changes profit by -0.10 per 100 of money asked for (-0.30 to 0.10)."
    )
    none_left = replace(tiers, effects=effects.assign(refused=[0.3, 0.0]))
    assert findings.pincode_sentence(none_left, 0.9) == (
        f"{told}Without the pincodes that give the outcome away, that tier declines nobody."
    )


def test_where_no_pincode_is_in_the_high_tier_nothing_is_said_to_be_refused():
    effects = pd.DataFrame([effect(0, 0, 0) | {"name": HIGH_REFUSED}, effect(0, 0, 0) | {"name": WITHOUT_PURE}])
    tiers = PincodeTiers(pd.DataFrame({"tier": [LIKE, LOW]}), effects, (), "a warning")
    assert findings.pincode_sentence(tiers, 0.9) == (
        "No pincode is in the high tier, so declining that tier declines nobody."
    )


def test_where_no_pincode_is_pure_none_is_said_to_be_set_aside():
    effects = pd.DataFrame([effect(4, 3, 5) | {"name": HIGH_REFUSED}, effect(4, 3, 5) | {"name": WITHOUT_PURE}])
    for pure, said in (((), False), (("93700",), True)):
        tiers = PincodeTiers(pd.DataFrame({"tier": [HIGH, LOW]}), effects, pure, "a warning")
        assert ("Without the pincodes that" in findings.pincode_sentence(tiers, 0.9)) == said


def test_a_figure_of_limits_says_where_a_line_marks_a_cap_and_where_none_is():
    bins = pd.DataFrame([{"middle": 1.0, "realised": 1.0, "realised_low": 0.0, "realised_high": 2.0, "fitted": 1.0}])
    beyond = pd.DataFrame([{"limit": 32.5, "realised": -3.0, "realised_low": -16.0, "realised_high": 10.0}])
    none = Found("cap_revol_util", "cap", None, "expected profit never turns negative", beyond, bins)
    capped = Found("cap_dti", "cap", Cap("dti", 32.5), "refuse DTI above 32.5", beyond, bins)
    basis = exhibits.Basis(2, 1, 0.9)
    one = exhibits.limits({"dti": capped, "revol_util": none}, basis)
    assert "A panel each for DTI and revolving utilisation" in one.alt
    assert one.alt.endswith("a dashed line marks the proposed cap on DTI.")
    without = exhibits.limits({"revol_util": none}, basis)
    assert without.alt.endswith("no cap is proposed.")
    assert without.title == "No limit on revolving utilisation: expected profit never turns negative"


def test_a_group_named_as_markup_is_shown_as_text():
    table = gaps(0.42, 0.284, 0.533).assign(highest="<b>RENT</b>")
    assert "home ownership \\<b\\>rent\\</b\\> less often" in plain(findings.gap_title(table))


def test_products_are_named_in_a_few_words():
    products = pd.DataFrame(
        {"amount": ["up to 5,000", "over 20,000", "all"], "term": "60 months", "purpose": ["home_improvement", "car or house", "a or b or c"]}
    )  # fmt: skip
    assert exhibits.with_product(products)["product"].tolist() == [
        "up to 5,000, 60 months, home improvement",
        "over 20,000, 60 months, car or house",
        "all, 60 months, 3 small purposes",
    ]
    assert "product" not in products
