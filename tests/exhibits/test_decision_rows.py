"""The rows of the decision sheet: the same columns wherever policies stand side by side, and no number that is not known."""

from typing import Any

import pytest

from loantap.exhibits.decision_rows import DOES, basis, refused_rows, sheet_rows, why
from loantap.policy.verdicts import DEPENDS, NOT_SHOWN, SHOWN


def entry(n_refused: int = 30, **changed: Any) -> dict[str, Any]:
    shares = dict.fromkeys(("refused", "good_refused", "defaults_avoided", "default_rate_approved"), 0.3)
    money = {"profit_per_100": 4.5, "per_year": 2.5, "gain": 1234.0}
    estimates = shares | money
    ends = {f"{name}_{end}": value * factor for name, value in estimates.items() for end, factor in (("low", 0.5), ("high", 2.0))}  # fmt: skip
    grades = [{"level": "A", "n": 50, "n_refused": n_refused - 10, "refused": 0.4}, {"level": "B", "n": 50, "n_refused": 10, "refused": 0.2}]  # fmt: skip
    rest = {"title": "a policy", "n": 100, "n_refused": n_refused, "verdict": SHOWN, "conditions": [], "reasons": []}
    gains = {"gain_least": -200.0, "gain_most": 3000.0, "approval_ratio": None, "composition": {"grade": grades}}
    return estimates | ends | rest | gains | changed


def test_a_row_has_estimates_and_the_interval_of_its_gain():
    (row,) = sheet_rows([entry()]).to_dict("records")
    assert (row["Policy"], row["Declined"], row["Verdict"]) == ("A policy", "30.0%", SHOWN)
    assert row["Good customers declined"] == row["Defaults avoided"] == "30.0%"
    assert (row["Default rate of granted"], row["Profit per 100 lent"]) == ("30.0%", "4.50")
    assert (row["Gain"], row["Gain over the assumptions"]) == ("1,234 (617 to 2,468)", "-200 to 3,000")
    assert set(DOES) < set(row)


def test_what_is_not_known_is_not_said():
    nothing = entry(default_rate_approved=None, profit_per_100=float("nan"), gain_low=None)
    (row,) = sheet_rows([nothing]).to_dict("records")
    assert [row[name] for name in ("Default rate of granted", "Profit per 100 lent", "Worst approval ratio")] == ["–"] * 3  # fmt: skip
    assert row["Gain"] == "1,234"


def test_the_worst_ratio_names_its_group_and_what_groups_are_told_apart_by():
    ratio = {"attribute": "home_ownership", "group": "RENT", "against": "OWN", "ratio": 0.71, "ratio_low": 0.6, "ratio_high": 0.83}  # fmt: skip
    assert sheet_rows([entry(approval_ratio=ratio)])["Worst approval ratio"].tolist() == ["0.71 (0.60 to 0.83), home ownership rent"]  # fmt: skip


def test_policies_that_refuse_the_same_of_each_level_are_told_once():
    told = refused_rows([entry(0, title="nobody"), entry(title="one"), entry(title="same"), entry(20, title="other")], "grade")  # fmt: skip
    assert told["Policy"].tolist() == ["One", "Other"]
    assert told["A"].tolist() == ["40.0%"] * 2
    assert refused_rows([entry(0)], "grade").empty


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"verdict": SHOWN}, "Verdict: shown, on these loans, on later loans, and under every single assumption."),
        ({"verdict": NOT_SHOWN, "reasons": ["It declines nobody."]}, "Verdict: not shown. It declines nobody."),
        ({"verdict": DEPENDS, "conditions": ["a low rate", "a high loss"]}, "Verdict: depends. It gains only with a low rate; a high loss."),
    ],
)  # fmt: skip
def test_a_verdict_is_told_with_what_it_comes_from(changed: dict[str, Any], said: str):
    assert why(entry(**changed)) == said


def test_the_basis_names_the_loans_and_the_level_of_the_run():
    assert basis({"n": 1448, "confidence": 0.9}).startswith("On n = 1,448 test loans, which had no part in making the model; 90% bootstrap intervals")  # fmt: skip
