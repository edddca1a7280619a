"""The sentences on early warning say what the back-test bore out, and nothing where there was none."""

import numpy as np
import pandas as pd
import pytest

from loantap.exhibits import warning_sentences as findings
from loantap.exhibits.words import plain
from loantap.watchlist.settings import Thresholds, read_settings

RULE = {
    "method": "rule", "period": "later months", "setting": "as set", "defaults": 154, "caught": 86, "recall": 0.558,
    "recall_low": 0.479, "recall_high": 0.635, "by_chance": 0.09, "lead_median": 5.0, "alerts": 1032, "alerts_per_1000": 57.37,
    "precision": 0.28, "precision_low": 0.2405, "precision_high": 0.3233,
}  # fmt: skip
HEAD = "Of 4,536 live loans 132 are red and 224 amber in 2018-12."


def result(*performance: dict[str, object], **changed: object) -> dict[str, object]:
    lights = [{"light": "red", "loans": 132}, {"light": "amber", "loans": 224}, {"light": "green", "loans": 4180}]
    return {
        "lights": lights, "synthetic": False, "month": "2018-12", "performance": list(performance), "why_not": "", "comparisons": [], "confidence": 0.9,
        "settings": {"backtest": {"horizon": 6}},
    } | changed  # fmt: skip


def test_the_sentence_says_how_many_lights_and_what_they_would_have_found():
    assert findings.warning_sentence(result(RULE)) == (
        f"{HEAD} On the later months these settings warned of 55.8% of 154 defaults (90% interval 47.9 to 63.5%; 9.0% by "
        "chance), at the median 5 months ahead. Of the alerts, 28.0% were right."
    )


def test_synthetic_loans_are_called_so():
    assert findings.warning_sentence(result(RULE, synthetic=True)).startswith(
        "Of 4,536 synthetic live loans (no real snapshots were given) 132 are red and 224 amber in 2018-12."
    )


def test_one_loan_is_singular_and_none_are_a_sentence_too():
    lights = [{"light": "red", "loans": 1}, {"light": "amber", "loans": 0}, {"light": "green", "loans": 8}]
    assert findings.warning_sentence(result(lights=lights, why_not="No back-test.")).startswith(
        "Of 9 live loans 1 is red and 0 amber"
    )
    none = [line | {"loans": 0} for line in lights]
    assert findings.warning_sentence(result(lights=none)).startswith("Of 0 live loans 0 are red and 0 amber")


def test_without_a_back_test_the_sentence_says_why():
    assert findings.warning_sentence(result(why_not="No back-test: no loan of the panel defaults.")) == (
        f"{HEAD} No back-test: no loan of the panel defaults."
    )


def test_the_row_that_counts_is_the_last_of_the_rule():
    others = [RULE | {"method": "caps"}, RULE | {"method": "rule without days past due"}]
    recommended = RULE | {"setting": "recommended"}
    assert findings.backtest_row([RULE, recommended, *others]) == recommended


def test_a_recommended_setting_stands_beside_the_one_that_made_the_lights():
    other = RULE | {"setting": "recommended", "recall": 0.471, "alerts_per_1000": 33.2}
    words = findings.warning_sentence(result(RULE, other))
    assert "these settings warned of 55.8%" in words
    assert words.endswith(
        "The setting chosen on the earlier months warned of 47.1%, with 33 instead of 57 alerts per 1,000 loans a month."
    )


def test_months_without_defaults_say_so():
    nothing = RULE | {"defaults": 0, "caught": 0, "recall": None, "lead_median": None}
    assert findings.warning_sentence(result(nothing)) == (
        f"{HEAD} No loan defaulted in the later months, so there was nothing to warn of."
    )


def test_a_rule_that_caught_nothing_has_no_lead_and_without_alerts_no_share_that_was_right():
    missed = RULE | {"caught": 0, "recall": 0.0, "recall_low": 0.0, "lead_median": np.nan}
    assert findings.warning_sentence(result(missed)).endswith("by chance). Of the alerts, 28.0% were right.")
    silent = missed | {"alerts": 0, "alerts_per_1000": 0.0, "precision": None}
    assert findings.warning_sentence(result(silent)).endswith("9.0% by chance).")


def compared(baseline: str, verdict: str, **changed: str) -> dict[str, str]:
    row = {"rule": "rule", "period": "later months", "setting": "recommended", "baseline": baseline, "verdict": verdict}
    return row | {"words": f"{baseline} {verdict}."} | changed


EARLIER = [compared("caps", "fewer", setting="as set"), compared("probability", "fewer", period="all months")]
OTHER_RULE = compared("caps", "fewer", rule="rule without days past due")


@pytest.mark.parametrize(
    ("caps", "model", "words"),
    [
        ("more", "open", "finds more defaults than the caps alone and is not shown to beat the model alone"),
        ("fewer", "more", "finds fewer defaults than the caps alone and finds more defaults than the model alone"),
    ],
)
def test_the_title_gives_the_verdict_on_the_months_the_rule_was_not_chosen_on(caps: str, model: str, words: str):
    rows = [*EARLIER, compared("caps", caps), compared("probability", model), OTHER_RULE]
    assert findings.trade_off_title(result(comparisons=rows)) == f"With as many alerts, the rule {words}"
    assert findings.baseline_sentences(result(comparisons=rows)) == f"caps {caps}. probability {model}."


def test_a_baseline_that_is_missing_is_not_mentioned():
    rows = [*EARLIER, compared("caps", "more")]
    assert findings.trade_off_title(result(comparisons=rows)) == (
        "With as many alerts, the rule finds more defaults than the caps alone"
    )


def test_without_comparisons_nothing_is_claimed():
    assert findings.trade_off_title(result()) == "Defaults warned of, by the number of alerts"
    assert findings.baseline_sentences(result(comparisons=[OTHER_RULE])) == ""


def drift(*psi: float, lights: tuple[str, ...]) -> pd.DataFrame:
    months, variables = ["2016-04", "2016-04", "2016-05", "2016-05"], ["dti", "revol_util"] * 2
    return pd.DataFrame(
        {"month": months, "variable": variables, "psi": psi, "chance_high": [0.05, 0.04] * 2, "light": lights}
    )


def test_drift_is_that_of_the_last_month_with_live_loans_beside_what_chance_gives():
    table = drift(0.3, 0.01, 0.12, 0.02, lights=("red", "green", "amber", "green"))
    assert findings.drift_title(table) == (
        "Drifted from the training loans in 2016-05: debt-to-income (amber, 0.120; by chance up to 0.050)"
    )
    ended = drift(0.3, 0.01, np.nan, np.nan, lights=("red", "green", "", ""))
    assert findings.drift_title(ended) == (
        "Drifted from the training loans in 2016-04: debt-to-income (red, 0.300; by chance up to 0.050)"
    )


def test_drift_that_is_not_shown_is_not_called_absent(monkeypatch: pytest.MonkeyPatch):
    green = drift(0.3, 0.3, 0.01, 0.02, lights=("red", "red", "green", "green"))
    assert findings.drift_title(green) == (
        "No variable is shown to have drifted from the training loans in 2016-05: stability indices are at most 0.020 (limit 0.10, by chance up to 0.050)"
    )
    monkeypatch.setattr("loantap.watchlist.drift.AMBER", 0.2)
    assert "(limit 0.20, " in findings.drift_title(green)


def test_months_without_live_loans_are_said():
    empty = drift(*[np.nan] * 4, lights=("",) * 4)
    assert findings.drift_title(empty) == "No month has live loans to compare with the training loans"


def test_lights_are_held_against_the_hidden_distress():
    # Position 3: a has been in distress since 1, b will be from 4 on, c never; d and e are in distress, d not on the list.
    truth = pd.DataFrame({"loan_id": list("abcde"), "distress": [1, 4, -1, 3, 3]})
    told = {
        ids: findings.truth_sentence(truth, pd.DataFrame({"loan_id": list(ids)}), 3) for ids in ("abc", "abce", "bc")
    }
    assert told["abc"].startswith("Of the 3 loans on the list, 1 is or was in the hidden distress that the synthetic")
    assert told["abce"].startswith("Of the 4 loans on the list, 2 are or were in the hidden distress")
    assert told["bc"].startswith("Of the 2 loans on the list, 0 are or were in the hidden distress")


def outcomes(defaults: list[int], expected: list[float], first: int) -> pd.DataFrame:
    """Return months of which the first ones have no change, as from `calibration_drift`."""
    later = np.where(np.arange(len(defaults)) < first, np.nan, 1.0)
    return pd.DataFrame({"defaults": defaults, "expected": expected, "change_high": later})


def test_the_title_of_calibration_tells_the_level_first_and_then_its_change():
    # 60 of 30 expected: the exact Poisson interval of 60 is 45.79 to 77.23. Then 20 of 10 against 40 of 20: no change.
    told = findings.calibration_title(outcomes([20, 20, 20], [10, 10, 10], 2), 0.95)
    assert told.startswith(
        "60 loans defaulted, more than the model lets expect (30): a ratio of 2.00 (95% interval 1.53 to 2.57). Since the first 6 months no "
        "change is shown (1.00 times, "
    )


@pytest.mark.parametrize(
    ("defaults", "words"),
    [
        ([40, 40, 40], ["a ratio of 1.00", "as many as the model lets expect", "no change is shown"]),
        ([40, 40, 160], ["a ratio of 2.00", "more than the model lets expect", "that ratio has risen (4.00 times"]),
        ([60, 60, 10], ["a ratio of 1.08", "that ratio has fallen (0.17 times"]),
        ([10, 10, 10], ["a ratio of 0.25", "fewer than the model lets expect"]),
    ],
)
def test_a_level_and_its_change_are_told_apart(defaults: list[int], words: list[str]):
    told = findings.calibration_title(outcomes(defaults, [40, 40, 40], 2), 0.95)
    assert all(word in told for word in words), told


def test_months_that_are_red_one_by_one_are_not_called_green(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loantap.watchlist.drift.FIRST_MONTHS", 3)
    told = findings.calibration_title(outcomes([20] * 8, [10] * 8, 3), 0.5)
    assert "green" not in told
    assert "more than the model lets expect" in told
    assert "(50% interval " in told
    assert "Since the first 3 months" in told


def test_too_few_months_are_said():
    told = findings.calibration_title(outcomes([5, 5], [5.0, 5.0], 2), 0.95)
    assert told.endswith(". Whether that has changed since the first 6 months cannot be told")
    none = findings.calibration_title(outcomes([0, 0], [0.0, 0.0], 2), 0.95)
    assert none == "No month has loans at risk, so nothing can be said on how many default"


def test_a_median_lead_at_the_end_of_the_window_is_told_as_a_lower_bound():
    early = RULE | {"lead_median": 6.0, "stood_median": 8.0, "stood_cut": False}
    assert "at the median 6 months or more ahead (the alerts stood for 8 months)." in findings.warning_sentence(
        result(early)
    )
    cut = findings.warning_sentence(result(early | {"stood_cut": True}))
    assert "(the alerts stood for 8 months or more)." in cut
    longer = result(early, settings={"backtest": {"horizon": 9}})
    assert "at the median 6 months ahead." in findings.warning_sentence(longer)


@pytest.mark.parametrize(("months", "words"), [(1.0, "1 month"), (2.5, "2.5 months"), (5.0, "5 months")])
def test_months_are_told_as_they_are(months: float, words: str):
    assert findings.months_or_more(months, or_more=False) == words


def test_a_baseline_that_cannot_alert_as_often_is_told_apart():
    rows = [compared("caps", "more") | {"as_many": True}, compared("days_past_due", "more") | {"as_many": False}]
    assert findings.trade_off_title(result(comparisons=rows)) == (
        "With as many alerts, the rule finds more defaults than the caps alone; it finds more defaults than days past due alone, with more alerts"
    )


def test_variables_are_named_in_words():
    table = drift(0.3, 0.01, 0.02, 0.12, lights=("red", "green", "green", "amber"))
    assert "utilisation (amber, 0.120; by chance" in plain(findings.drift_title(table))


def test_how_a_light_comes_about_follows_from_the_settings():
    settings = read_settings().with_points(2, 5)
    changed = settings.model_copy(update={"window": 9, "floors": Thresholds(amber=5, red=45)}).model_dump()
    told = findings.rule_sentence(changed, [{"light": "red", "action": "a call"}, {"light": "green", "action": "none"}])
    assert "amber from 5 days, red from 45 days" in told
    assert "trends span 9 months. A light is amber from 2 points, and red from 5 points." in told
    assert told.endswith("What follows: red: a call, green: none.")
