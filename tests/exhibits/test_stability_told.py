"""What is said of vintages and weak spots names those that fail, and nothing else."""

import pandas as pd

from loantap.exhibits.stability import segment_in_words, stability_title, weak_title
from loantap.model.weak_spots import Condition


def vintages(**failed: list[str]) -> pd.DataFrame:
    names = ["2013", "2014", "2015"]
    flags = {name: [year not in failed.get(name, []) for year in names] for name in ("calibrated", "ranks", "steady")}
    return pd.DataFrame({"vintage": names, **flags})


def test_vintages_that_fail_are_named_with_what_fails():
    assert stability_title(vintages()).startswith("In none of 3 vintages")
    told = stability_title(vintages(calibrated=["2014"], steady=["2013", "2015"]))
    assert told == (
        "The predicted default rate lies outside the interval of the observed one in 2014; "
        "the mix of scores has shifted in 2013 and 2015"
    )
    assert stability_title(vintages().head(1)) == "Too few loans to compare vintages"


def test_the_largest_weak_spot_heads_the_table_and_the_others_are_counted():
    row = {
        "default_rate": 0.338,
        "ci_low": 0.29,
        "ci_high": 0.39,
        "predicted": 0.221,
        "roc_auc": 0.6,
        "roc_auc_promised": 0.7,
    }
    table = pd.DataFrame(
        [
            {"segment": "Managers", "n": 90, "verdict": "fewer defaults", **row},
            {"segment": "Business owners", "n": 400, "verdict": "more defaults", **row},
            {"segment": "Nurses", "n": 800, "verdict": "nothing shown", **row},
        ]
    )
    assert weak_title(table) == "Weak spot: Business owners: 33.8% (29.0 to 39.0%) default, 22.1% predicted, and 1 more"  # fmt: skip
    assert weak_title(table.tail(1)) == "No weak spot is shown in 1 groups and segments"


def test_conditions_are_told_in_words_the_tightest_only():
    told = segment_in_words(
        (
            Condition("sub_grade", "", 19.5, above=False),
            Condition("open_acc", "", 20.5, above=False),
            Condition("open_acc", "", 9.5, above=False),
            Condition("purpose", "small_business", 0.5, above=False),
            Condition("mort_acc", "", 2.5, above=False, or_missing=True),
            Condition("revol_util", "", -0.5, above=True),
        )
    )
    assert told == (
        "sub-grade up to D5, open credit lines up to 9, purpose not small business, mortgage accounts up to 2 or not known, "
        "revolving utilisation known"
    )
