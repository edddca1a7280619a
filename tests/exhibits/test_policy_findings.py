"""The sentences on the policy say what the numbers say, with their sign, and no more."""

import numpy as np
import pandas as pd
import pytest

from loantap.decisions.policy.levers import Cap
from loantap.decisions.policy.limits import Found
from loantap.decisions.policy.pincode import HIGH, HIGH_REFUSED, LIKE, LOW, WITHOUT_PURE, PincodeTiers
from loantap.exhibits import policy as exhibits
from loantap.exhibits import policy_sentences as findings
from loantap.exhibits.words import plain


def effect(change: float, low: float, high: float) -> dict[str, object]:
    return {
        "name": "own_price", "approved": 0.7, "approved_low": 0.69, "approved_high": 0.72, "defaults_avoided": 0.4,
        "defaults_avoided_low": 0.35, "defaults_avoided_high": 0.45, "good_refused": 0.25, "good_refused_low": 0.24,
        "good_refused_high": 0.26, "profit_change": change, "profit_change_low": low, "profit_change_high": high,
    }  # fmt: skip


def rows(change: float = 0.65, low: float = 0.39, high: float = 0.95) -> dict[str, dict[str, object]]:
    return findings.rows(pd.DataFrame([effect(change, low, high)]))


def result(change: float, low: float, high: float, *rules: str) -> dict[str, object]:
    return {
        "n": 8000,
        "confidence": 0.9,
        "recommended": {"rules": list(rules), "effect": rows(change, low, high)["own_price"]},
    }


def gaps(gap: float, low: float, high: float) -> pd.DataFrame:
    columns = {"attribute": "home_ownership", "highest": "RENT", "lowest": "OWN"}
    return pd.DataFrame(
        [
            columns | {"rule": "levers combined", "attribute": "income", "gap": np.nan, "gap_low": np.nan, "gap_high": np.nan},
            columns | {"rule": "levers combined", "gap": gap, "gap_low": low, "gap_high": high},
            columns | {"rule": "F2 threshold", "gap": 0.9, "gap_low": 0.8, "gap_high": 0.95},
        ]
    )  # fmt: skip


def test_the_recommendation_says_its_price():
    assert findings.recommendation(result(0.65, 0.39, 0.95, "refuse an expected profit below 0")) == (
        "Refuse an expected profit below 0: on n = 8,000 test loans that raises profit by 0.65 per 100 of money asked for "
        "(90 % interval 0.39 to 0.95), avoids 40.0 % (35.0 to 45.0 %) of the defaults, and costs 30.0 % (28.0 to 31.0 %) of the approvals "
        "and 25.0 % (24.0 to 26.0 %) of the good customers."
    )


def test_several_rules_are_one_recommendation():
    assert findings.recommendation(result(0.65, 0.39, 0.95, "cap dti at 30", "refuse 60 months")).startswith(
        "Cap dti at 30; refuse 60 months: on n"
    )


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((-0.5, -0.9, -0.1), "lowers profit by 0.50 per 100 of money asked for (90 % interval 0.10 to 0.90); it avoids"),
        ((0.2, -0.1, 0.5), "changes profit by 0.20 per 100 of money asked for (90 % interval -0.10 to 0.50), which may be nothing; it avoids 40.0 %"),
        ((-0.2, -0.5, 0.1), "changes profit by -0.20 per 100 of money asked for (90 % interval -0.50 to 0.10), which may be nothing; it avoids"),
        ((0.2, 0.0, 0.5), "changes profit by 0.20 per 100 of money asked for (90 % interval 0.00 to 0.50), which may be nothing; it avoids"),
        ((0.2, np.nan, np.nan), "changes profit by 0.20 per 100 of money asked for (90 % interval –), which may be nothing; it avoids"),
    ],
)  # fmt: skip
def test_what_the_test_loans_do_not_bear_out_is_not_recommended(numbers: tuple[float, float, float], words: str):
    told = findings.recommendation(result(*numbers, "refuse all"))
    assert told.startswith(
        "Leave the lending policy as it is: on n = 8,000 test loans, what the training loans suggest (refuse all) "
    )
    assert words in told


def test_the_least_gain_that_is_shown_is_recommended():
    assert "that raises profit by 0.65 per 100 of money asked for (90 % interval 0.01 to 0.95), avoids" in findings.recommendation(result(0.65, 0.01, 0.95, "refuse"))  # fmt: skip


def test_without_a_rule_the_policy_stays_as_it_is():
    assert findings.recommendation(result(0, 0, 0)) == (
        "Leave the lending policy as it is: of all levers tried on the training loans, none is shown to add to profit, at 90 % after "
        "correction for the number of levers tried, under the assumptions below (n = 8,000 test loans)."
    )


def test_the_share_refused_is_the_rest_with_its_interval_turned():
    row = rows()["own_price"]
    assert row["refused"] == pytest.approx(0.3)  # 1 - 0.7
    assert (row["refused_low"], row["refused_high"]) == pytest.approx((0.28, 0.31))  # 1 - 0.72, 1 - 0.69


def test_both_thresholds_stand_side_by_side():
    loss, gain = rows(-2.85, -3.44, -2.26)["own_price"], rows(0.13, -0.01, 0.26)["own_price"]
    shares = "approves 70.0 % ({}69.0 to 72.0 %), avoids 40.0 % (35.0 to 45.0 %) of the defaults, refuses 25.0 % (24.0 to 26.0 %)"
    assert findings.threshold_sentence({"threshold_f2": loss, "threshold_profit": gain}, "F2", 0.9) == (
        f"The threshold best for F2 {shares.format('90 % interval ')} of the good customers and changes profit by -2.85 per 100 (-3.44 to -2.26); "
        f"the threshold best for profit {shares.format('')} of the good customers and changes profit by 0.13 per 100 (-0.01 to 0.26)."
    )


def test_what_f2_costs():
    told = (
        "t the threshold that is best for F2, 70.0 % (90 % interval 69.0 to 72.0 %) of the applications are approved, 25.0 % (24.0 to 26.0 %) "
        "of the good customers refused, and profit changes by "
    )
    loses, unclear, gains = (findings.f2_sentence(rows(*numbers)["own_price"], "F2", 0.9) for numbers in ((-2.85, -3.44, -2.26), (-0.1, -0.3, 0.1), (1, 0.5, 1.5)))  # fmt: skip
    assert (
        loses == f"Do not let F2 set the approval threshold: a{told}-2.85 per 100 of money asked for (-3.44 to -2.26)."
    )
    assert unclear == f"A{told}-0.10 per 100 of money asked for (-0.30 to 0.10)."
    assert gains == f"A{told}1.00 per 100 of money asked for (0.50 to 1.50)."


def test_rules_without_the_model():
    assert findings.plain_sentence(
        {"confidence": 0.9, "plain": {"rules": ["cap dti at 30"], "effect": rows()["own_price"]}}
    ) == (
        "Rules that need no model (cap dti at 30) change profit by 0.65 per 100 of money asked for (90 % interval 0.39 to 0.95) and refuse "
        "30.0 % (28.0 to 31.0 %) of the applications."
    )
    assert findings.plain_sentence({"confidence": 0.9, "plain": {"rules": []}}) == (
        "Rules that need no model: none of them is shown to add to profit, at 90 % after correction for the number of levers tried."
    )


@pytest.mark.parametrize(
    ("synthetic", "start"), [(True, "These are synthetic loans, so none of this is about a real portfolio. "), (False, "")]
)  # fmt: skip
def test_the_caveat_says_what_is_assumed_and_whether_loans_were_made(synthetic: bool, start: str):
    told = {"synthetic": synthetic, "assumed": "money costs 5.0 % a year", "break_even": "It pays.", "gap": "No gap"}
    assert findings.caveat(told) == f"{start}Assumed: money costs 5.0 % a year. It pays. No gap."


def test_the_widest_gap_that_is_known_is_told_of_the_rule_in_question():
    assert findings.gap_title(gaps(0.42, 0.284, 0.533), "90 %") == (
        "The levers combined refuse good customers unevenly, by home ownership: RENT 42.0 points more often than OWN (90 % interval 28.4 to 53.3 points)"
    )


@pytest.mark.parametrize("low", [-0.01, 0.0])
def test_a_gap_whose_interval_holds_nothing_is_not_shown(low: float):
    told = findings.gap_title(gaps(0.02, low, 0.05), "90 %")
    assert told.startswith(
        "No gap between groups of good customers is shown for the levers combined; the widest by home ownership: RENT 2.0"
    )
    assert told.endswith("to 5.0 points)")


def test_a_gap_that_is_shown_goes_before_a_wider_one_that_is_not():
    wider = gaps(0.9, -0.1, 0.95).assign(attribute="profession_group")
    assert "unevenly, by home ownership: RENT 42.0" in findings.gap_title(
        pd.concat([wider, gaps(0.42, 0.284, 0.533)]), "90 %"
    )


def test_groups_treated_alike_have_no_gap():
    told = "The levers combined refuse no group of good customers more often than another"
    assert findings.gap_title(gaps(0, 0, 0), "90 %") == told


@pytest.mark.parametrize("table", [gaps(np.nan, np.nan, np.nan), gaps(0.1, 0.1, 0.1)[2:], gaps(0.1, 0.1, 0.1)[:0]])
def test_groups_that_cannot_be_shown_are_not_called_alike(table: pd.DataFrame):
    assert findings.gap_title(table, "90 %") == (
        "Too few good customers are refused, or approved, to compare groups under the levers combined"
    )


def test_what_moves_profit_most():
    table = pd.DataFrame({"label": ["cost of money", "other"], "profit_low": [8.523, 1], "profit_high": [-1.01, 1]})
    assert exhibits.tornado_title(table) == (
        "Of the assumptions, each between the ends of its range, the cost of money moves the expected profit of these loans most: "
        "8.52 to -1.01 per 100 lent"
    )


def test_thresholds_are_described_beside_approving_all():
    curve = pd.DataFrame(
        {"approved": [0.5, 1.0, 0.9], "profit": [1.0, 3.4, 3.5], "profit_low": [0, 3, 3], "profit_high": [2, 4, 4]}
    )
    assert exhibits.curve_title(curve, "90 %") == (
        "Thresholds of the model earned from 1.00 to 3.50 per 100 on these loans; approving all earned 3.40 (90 % interval 3.00 to 4.00)"
    )


def test_limits_are_named_where_there_are_any_with_what_loans_beyond_earned():
    beyond = pd.DataFrame([{"limit": 32.5, "realised": -3.29, "realised_low": -16.8, "realised_high": 10.27}])
    dti = Found("cap_dti", "cap on DTI", Cap("dti", 32.5), "refuse DTI above 32.5", beyond, beyond)
    use = Found("cap_revol_util", "cap", None, "expected profit is negative at every value", beyond[:0], beyond)
    assert exhibits.limits_title({"dti": dti, "revol_util": use}) == (
        "The fit of expected profit turns negative for dti above 32.5 (realised there -3.29 per 100 lent, -16.80 to 10.27); "
        "no limit on revol_util: expected profit is negative at every value"
    )


def steps(*taken: str, left: int) -> pd.DataFrame:
    return pd.DataFrame({"lever": [*taken, *["x"] * left], "reason": [*["adopted"] * len(taken), *["too few"] * left]})


def test_adopted_levers_are_counted_and_named():
    assert exhibits.steps_title(steps("own price", "cap", left=3)) == "2 of 5 levers are adopted: own price, cap"
    assert exhibits.steps_title(steps(left=3)) == "0 of 3 levers are adopted: none"


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        (["earns", "earns", "loses", "loses", "not shown either way"], "Of 5 products 2 earn and 2 lose money"),
        (["earns", "loses"], "Of 2 products 1 earns and 1 loses money"),
        (["loses", "not shown either way"], "Of 2 products 1 loses money"),
        (["not shown either way"], "Of 1 products none is shown to earn or to lose money"),
    ],
)  # fmt: skip
def test_products_that_earn_and_lose_are_counted(verdicts: list[str], words: str):
    assert exhibits.segments_title(pd.DataFrame({"verdict": verdicts}), "90 %") == (
        f"{words}, at 90 % after correction for their number"
    )


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
            "Granting every loan would earn nothing at a loss given default of 98.9 % rather than 75.0 %, or at a default rate of "
            "25.2 % rather than 19.7 %.",
        ),
        ((np.nan, 0.252), "Granting every loan would earn nothing at a default rate of 25.2 % rather than 19.7 %."),
        ((np.nan, np.nan), "No value of the loss given default or of the default rate takes all profit away."),
    ],
)
def test_where_lending_stops_to_pay(found: tuple[float, float], words: str):
    assert findings.break_even_sentence(break_even(*found)) == words


@pytest.mark.parametrize(("pure", "worth"), [(("93700",), ", and worth nothing"), ((), "")])
def test_what_refusing_by_pincode_seems_to_gain(pure: tuple[str, ...], worth: str):
    effects = pd.DataFrame([effect(4, 3.5, 4.5) | {"name": "all"}, effect(-0.1, -0.3, 0.1) | {"name": "without pure"}])
    assert findings.pincode_sentence(
        PincodeTiers(pd.DataFrame({"tier": ["high"]}), effects, pure, "a warning"), 0.9
    ) == (
        f"Simulated on the test loans{worth}: all: 4.00 per 100 of money asked for (90 % interval 3.50 to 4.50); without pure: -0.10 "
        "per 100 of money asked for (-0.30 to 0.10)."
    )


def test_where_no_pincode_is_in_the_high_tier_nothing_is_said_to_be_refused():
    effects = pd.DataFrame([effect(0, 0, 0) | {"name": HIGH_REFUSED}, effect(0, 0, 0) | {"name": WITHOUT_PURE}])
    tiers = PincodeTiers(pd.DataFrame({"tier": [LIKE, LOW]}), effects, (), "a warning")
    assert findings.pincode_sentence(tiers, 0.9) == (
        "No pincode is in the high tier, so refusing that tier refuses nobody."
    )


def test_where_no_pincode_is_pure_none_is_said_to_be_set_aside():
    effects = pd.DataFrame([effect(4, 3, 5) | {"name": HIGH_REFUSED}, effect(4, 3, 5) | {"name": WITHOUT_PURE}])
    for pure, said in (((), False), (("93700",), True)):
        tiers = PincodeTiers(pd.DataFrame({"tier": [HIGH, LOW]}), effects, pure, "a warning")
        assert (WITHOUT_PURE in findings.pincode_sentence(tiers, 0.9)) == said


def test_a_figure_of_limits_says_where_a_line_marks_a_cap_and_where_none_is():
    bins = pd.DataFrame([{"middle": 1.0, "realised": 1.0, "realised_low": 0.0, "realised_high": 2.0, "fitted": 1.0}])
    beyond = pd.DataFrame([{"limit": 32.5, "realised": -3.0, "realised_low": -16.0, "realised_high": 10.0}])
    none = Found("cap_revol_util", "cap", None, "expected profit never turns negative", beyond, bins)
    capped = Found("cap_dti", "cap", Cap("dti", 32.5), "refuse DTI above 32.5", beyond, bins)
    basis = exhibits.Basis(2, 1, 0.9)
    one = exhibits.limits({"dti": capped, "revol_util": none}, basis)
    assert "A panel each for dti and revol_util" in one.alt
    assert one.alt.endswith("a dashed line marks the proposed cap on dti.")
    without = exhibits.limits({"revol_util": none}, basis)
    assert without.alt.endswith("no cap is proposed.")
    assert without.title == "No limit on revol_util: expected profit never turns negative"


def test_a_group_named_as_markup_is_shown_as_text():
    table = gaps(0.42, 0.284, 0.533).assign(highest="<b>_RENT_</b>")
    assert "\\<b\\>\\_RENT\\_\\</b\\> 42.0 points" in plain(findings.gap_title(table, "90 %"))


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
