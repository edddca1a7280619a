"""What readers see of probabilities over time: findings that follow from the numbers, and settings that are said."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loantap.exhibits import hazards as exhibits
from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.words import to_markdown
from loantap.watchlist.expected_loss import ExpectedLoss
from loantap.watchlist.hazards import Hazards
from loantap.watchlist.hazards_backtest import HazardBacktest
from loantap.watchlist.settings import LossSettings, Scenario, read_settings

MONTHS = (np.datetime64("2016-01"), np.datetime64("2017-12"))
HAZARDS = Hazards(*[np.zeros(1)] * 2, np.zeros((1, 2)), np.zeros(1), np.ones(1), loans=20_000, defaults=2_345, repayments=1_234, fitted_to=20_000, oldest=59, months=MONTHS)  # fmt: skip
NOW = pd.DataFrame({
    "group": ["all live loans", "current", "30 to 59"], "loans": [1_005, 900, 100], "pd": [0.105, 0.05, 0.6],
    "pd_low": [0.09, 0.04, 0.5], "pd_high": [0.12, 0.06, 0.7], "repaid_early": [0.1, 0.1, 0.05],
})  # fmt: skip

SETTINGS = read_settings().expected_loss


def changed(**values: Any) -> LossSettings:
    return LossSettings(**(dict(SETTINGS) | values))


def row(kind: str, group: str, expected: float, observed: float, *, agrees: bool) -> dict[str, object]:
    ends = {f"{name}_{end}": value + shift for name, value in (("expected_rate", expected), ("observed_rate", observed)) for end, shift in (("low", -0.01), ("high", 0.01))}  # fmt: skip
    return {"kind": kind, "group": group, "loans": 500, "defaults": 40, "expected_rate": expected, "observed_rate": observed, "agrees": agrees} | ends  # fmt: skip


def judged(*, observed: float = 0.082, agrees: bool = True, confidence: float = 0.95) -> HazardBacktest:
    rows = [
        row("all", "all live loans", 0.08, observed, agrees=agrees),
        row("bucket", "current", 0.05, 0.05, agrees=True),
        row("tenth", "1", 0.01, 0.04, agrees=False),
    ]
    return HazardBacktest(np.datetime64("2016-12"), 12, pd.DataFrame(rows), HAZARDS, confidence)


def losses(settings: LossSettings | None = None, lost: float = 0.75, confidence: float = 0.95) -> ExpectedLoss:
    loans = pd.DataFrame({"stage": [1, 2, 2, 3], "cut": [0, 0, 8, 0]})
    stages = pd.DataFrame({
        "stage": ["1", "2", "3", "all"], "loans": [80, 15, 5, 100], "exposure": [8e5, 1.5e5, 5e4, 1e6],
        "better": [8e3, 1e4, 3.75e4, 5.55e4], "base": [1e4, 1.2e4, 3.75e4, 5.95e4], "worse": [1.4e4, 1.6e4, 3.75e4, 6.75e4],
        "expected_loss": [1.05e4, 1.25e4, 3.75e4, 6.05e4], "coverage": [0.013, 0.083, 0.75, 0.0605], "expected_loss_low": [1e4, 1.2e4, 3.75e4, 5.95e4],
        "expected_loss_high": [1.1e4, 1.3e4, 3.75e4, 6.15e4],
    })  # fmt: skip
    return ExpectedLoss(loans, stages, settings or SETTINGS, lost, confidence)


def shown(exhibit: Exhibit) -> str:
    table = "" if exhibit.table is None else to_markdown(exhibit.table, exhibit.columns)
    return "\n".join([exhibit.title, exhibit.caption, exhibit.text, table])


def test_the_title_tells_the_share_and_where_it_is_highest():
    told = exhibits.probability_now(NOW, HAZARDS, "", month="2017-12", confidence=0.95)
    assert (
        told.title
        == "10.5% of the live loans in 2017-12 are expected to default within 12 months; of those in “30 to 59” 60.0%"
    )
    text = shown(told)
    assert "2,345 defaults and 1,234 early repayments of 20,000 loans" in text
    assert "60.0% (50.0 to 70.0%)" in text


@pytest.mark.parametrize(
    ("observed", "agrees", "said"),
    [
        (0.082, True, "8.2% of loans defaulted; 8.0% were expected, a difference within chance. "),
        (0.12, False, "12.0% of loans defaulted, more than the 8.0% expected. "),
        (0.04, False, "4.0% of loans defaulted, fewer than the 8.0% expected. "),
    ],
)
def test_the_title_tells_whether_it_came_true(observed: float, agrees: bool, said: str):
    told = exhibits.came_true(judged(observed=observed, agrees=agrees), "")
    assert said in told.title
    assert "of 2 groups 1 differs by more than chance (about 0.10 would)" in told.title
    assert told.figure is not None
    assert "tenth 1" in shown(told)


def test_another_confidence_leaves_no_word_of_the_usual_one():
    for told in (
        exhibits.came_true(judged(confidence=0.8), ""),
        exhibits.probability_now(NOW, HAZARDS, "", month="2017-12", confidence=0.8),
        exhibits.stages(losses(confidence=0.8), "", month="2017-12"),
    ):
        assert "80%" in told.caption
        assert "95" not in told.caption


def test_losses_tell_the_sum_and_its_second_stage():
    told = exhibits.stages(losses(), "", month="2017-12")
    assert told.title == "Of 1,000,000 owed in 2017-12, 60,500 (6.0%) are expected to be lost; stage 2 holds 15.0% of loans and 20.7% of the loss"  # fmt: skip
    assert (
        "times 0.8, 1 and 1.5 in the better, base and worse scenario, with weights of 25%, 50% and 25%" in told.caption
    )
    assert "Loss given default: 75.0%" in told.caption
    assert "Of 1 loan in stage 2 the whole term cannot be told" in told.caption
    assert told.notice is not None
    assert "not for a balance sheet" in told.notice.text


def test_settings_of_losses_are_those_that_were_used():
    odd = changed(relative=3, absolute=0.05, backstop_days=45, worse=Scenario(odds=2.5, weight=0.35), base=Scenario(odds=1, weight=0.4))  # fmt: skip
    text = shown(exhibits.stages(losses(odd, lost=0.6), "", month="2017-12"))
    for said in (
        "45 days past due or more",
        "3 times what the application",
        "5 percentage points more",
        "0.8, 1 and 2.5",
        "25%, 40% and 35%",
        "60.0%",
    ):
        assert said in text
    for usual in ("30 days", "2 times", "1.5", "75"):
        assert usual not in text.replace("37,500", "").replace("0.75", "").replace("75.0%", "")


def test_why_there_is_nothing_is_said():
    for told in (
        exhibits.probability_now(None, None, "No probability: too few.", month="2017-12", confidence=0.95),
        exhibits.came_true(None, "No probability: too few."),
        exhibits.stages(None, "No probability: too few.", month="2017-12"),
    ):
        assert told.text == "No probability: too few."
        assert told.name == ""


def test_nobody_owes_anything():
    nothing = losses()
    empty = nothing.stages.assign(exposure=0.0, expected_loss=0.0)
    assert (
        exhibits.stages_title(replace(nothing, stages=empty), "2017-12")
        == "Nothing is owed in 2017-12, so nothing can be lost"
    )
    assert "large enough" in exhibits.now_title(NOW.head(0), "2017-12")


def test_what_the_results_hold():
    facts = {"why_not": "", "why_no_backtest": "", "month": "2017-12", "confidence": 0.95}
    withheld = {"": 900, "fewer than 100 defaults were seen": 0, "no loans were seen beyond 59 months on book": 1_200}
    told = exhibits.record(HAZARDS, NOW, judged(), losses(), withheld, **facts)
    assert told["backtest"]["fitted_until"] == "2016-12"
    assert told["expected_loss"]["settings"]["worse"] == {"odds": 1.5, "weight": 0.25}
    assert "withheld of 1,200, since no loans were seen beyond 59 months on book" in told["lifetime_sentence"]
    assert "told of every live loan" in exhibits.lifetime_sentence({"": 900})
    nothing = exhibits.record(None, None, None, None, {}, **(facts | {"why_not": "Too few."}))
    assert nothing == {"why_not": "Too few.", "sentence": "Too few."}
    unjudged = exhibits.record(HAZARDS, NOW, None, None, {}, **(facts | {"why_no_backtest": "Too short."}))
    assert unjudged["backtest"]["sentence"] == "Too short."
    assert "expected_loss" not in unjudged
