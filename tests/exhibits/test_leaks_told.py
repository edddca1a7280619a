"""What is said of leaks comes from the search, names the columns, and tells a lender to keep away."""

import numpy as np
import pandas as pd
import pytest

from loantap.analysis.leaks import LeakReport, find_leaks
from loantap.exhibits.heads import label
from loantap.exhibits.leaks import rules, search
from loantap.exhibits.words import to_markdown
from loantap.runs.results import RunFolder


def text_of(report: LeakReport) -> str:
    return search(report).findings[0].text


@pytest.fixture(scope="module")
def report(loans):
    return find_leaks(loans)


def test_the_title_names_the_leak(report):
    assert search(report).title == f"1 of {len(report.columns)} columns gives the outcome away: pincode"


def test_the_pincode_is_explained(report):
    text = text_of(report)
    assert "all defaulted in 11650, 86630, 93700 and none defaulted in 00813, 05113, 29597" in text
    auc = report.columns.set_index("column").loc["pincode", "auc"]
    assert f"AUC of {auc:.3f}" in text
    assert "The state in the same address says nothing of default" in text
    assert "made up after the outcome" in text
    assert "must not use the pincode, in a policy or in a model" in text
    assert "fair-lending" in text


def test_without_a_leak_the_text_says_how_far_the_search_could_see(loans):
    quiet = find_leaks(loans.drop(columns="pincode"))
    assert search(quiet).title == f"None of {len(quiet.columns)} columns gives the outcome away by itself"
    text = text_of(quiet)
    assert f"strongest legitimate predictor of default is {label(quiet.columns['column'].iloc[0])} (AUC" in text
    assert f"{quiet.smallest_none_default:,} where none did" in text
    assert "pincode" not in text


def test_a_state_that_tells_something_is_not_called_noise(loans):
    told = loans.assign(state=np.where(loans["default"] == 1, "CA", "NY"))
    assert "says nothing" not in text_of(find_leaks(told))


def test_other_leaks_are_explained_by_when_their_value_is_known(loans):
    rng = np.random.default_rng(1)
    flag = np.where((loans["default"] == 1) ^ (rng.random(len(loans)) < 0.01), "Y", "N")
    base = loans.drop(columns="pincode")
    unknown = text_of(find_leaks(base.assign(settled=flag)))
    assert "Settled gives the outcome away: in 2 of 2 levels nearly every loan did: N, Y" in unknown
    assert "does not know when its value comes to exist" in unknown
    assert "said to be known at application" in text_of(find_leaks(base.assign(purpose=flag)))


def test_a_column_that_is_not_shown_to_tell_anything_is_not_called_the_strongest(loans):
    dealt = loans.assign(default=np.random.default_rng(3).permutation(loans["default"].to_numpy()))
    text = text_of(find_leaks(dealt[["term", "dti", "purpose", "default"]]))
    assert "No other column predicts default significantly; " in text
    assert "strongest" not in text


def test_many_levels_are_not_all_listed(loans):
    rng = np.random.default_rng(2)
    codes = np.where(loans["default"] == 1, rng.integers(0, 12, len(loans)), 99).astype("str")
    text = text_of(find_leaks(loans.drop(columns="pincode").assign(code=codes)))
    assert "and 2 more" in text


def test_the_report_can_be_written_and_shown(report, tmp_path):
    run = RunFolder(tmp_path)
    run.write_result("leaks", vars(report))
    shown = run.publish(search(report))
    assert run.result("leaks")["columns"][0]["verdict"] == "leak"
    assert set(shown.columns) <= set(run.table("eda-leaks"))
    assert "pincode" in to_markdown(report.columns, shown.columns).splitlines()[2]
    assert "95% Hanley–McNeil intervals" in shown.caption


def test_a_search_that_left_nothing_quiet_says_so():
    table = pd.DataFrame({"copy": ["y"] * 300 + ["n"] * 3_000, "default": [1] * 300 + [0] * 3_000})
    assert "No other column was left" in text_of(find_leaks(table))


def test_the_rules_name_the_lower_ceiling_only_where_there_is_one(report, loans, tmp_path):
    run = RunFolder(tmp_path)
    run.write_result("leaks", vars(report))
    ceiling = report.columns["auc_ceiling"].min()
    told = rules(run.result("leaks"), roc_auc=0.7)
    assert f"the ceiling is {ceiling:.3f} here" in told
    assert "reaches 0.700" in told
    unpriced = find_leaks(loans.drop(columns=["grade", "sub_grade", "int_rate", "installment"]))
    run.write_result("leaks", vars(unpriced))
    assert "here: a little above" not in rules(run.result("leaks"), roc_auc=0.7)
