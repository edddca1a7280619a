"""Stages and expected losses of a few loans, by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from loantap.data.panel import CHARGED_OFF, CLOSED, Panel
from loantap.model.economics import Economics
from loantap.watchlist import expected_loss as module
from loantap.watchlist.expected_loss import expected_loss, exposure_ahead, lifetime
from loantap.watchlist.hazards import Hazards
from loantap.watchlist.landmarks import Borrowers, Landmarks, borrowers, landmarks
from loantap.watchlist.settings import LossSettings, Scenario, read_settings
from loantap.watchlist.standing import standing

NAN = np.nan
HALF = Economics(loss_given_default=0.5)

SETTINGS = read_settings().expected_loss
NOTHING_CARRIED = read_settings().model_copy(update={"carry": 0})


def changed(**values: Any) -> LossSettings:
    return LossSettings(**(dict(SETTINGS) | values))


class Flat(Hazards):
    """Hazards by hand: each month 2% default and 1% of the others are repaid; of loans whose ratio has risen, 10%."""

    def __init__(self, *, defaults: int = 500, oldest: int = 60) -> None:
        object.__setattr__(self, "defaults", defaults)
        object.__setattr__(self, "oldest", oldest)

    def default_by_month(self, marks: Landmarks, *, months: int = 12, odds: float = 1.0) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        chance = np.where(marks.x[:, 3] > 1, 0.10, 0.02)
        d = odds * chance / (1 - chance)
        d = (d / (1 + d))[:, np.newaxis]
        h = np.arange(1, months + 1)
        inside = h <= marks.end[:, np.newaxis]
        live = ((1 - d) * 0.99) ** (h - 1)
        return live * d * inside, live * (1 - d) * 0.01 * inside

    def valued(self, marks: Landmarks, months: int, *, value: np.ndarray | float = 1.0, odds: float = 1.0) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """With a gradient by one coefficient: the loss itself."""
        default, repaid = self.default_by_month(marks, months=months, odds=odds)
        total = (default * value).sum(axis=1)
        return np.stack([total, repaid.sum(axis=1)], axis=1), total[:, np.newaxis]

    def error(self, gradient: np.ndarray) -> np.ndarray:
        """As if the coefficient were known to a tenth."""
        return 0.1 * gradient[:, 0]

    def probability(self, marks: Landmarks, *, months: int = 12, confidence: float = 0.95) -> pd.DataFrame:
        default, repaid = self.default_by_month(marks, months=months)
        total = default.sum(axis=1)
        return pd.DataFrame({"pd": total, "pd_low": total / 2, "pd_high": total, "repaid_early": repaid.sum(axis=1)})


@pytest.fixture
def panel() -> Panel:
    """Seven loans in two months, one for each way to stand, with 24 installments of 100 left at 1% a month."""
    late = np.array([[0, 0], [0, 0], [0, 30], [0, NAN], [60, 90], [150, 180], [0, 0]], dtype=float)
    dti = np.array([[20, 20], [20, 60], [20, 20], [20, 20], [20, 20], [20, 20], [20, 20]], dtype=float)
    balance = np.full((7, 2), 2_124.34)
    status = np.zeros((7, 2))
    status[5, 1], status[6, 1] = CHARGED_OFF, CLOSED
    balance[6, 1] = 0.0
    months = np.arange(np.datetime64("2016-01"), np.datetime64("2016-03"))
    names = np.array(["calm", "risen", "late", "unknown", "default", "gone bad", "closed"], dtype=object)
    return Panel(names, months, dti, np.full((7, 2), 50.0), balance, late, status)


@pytest.fixture
def known(panel: Panel) -> Borrowers:
    terms = {"dti": 20.0, "revol_util": 50.0, "int_rate": 12.0, "installment": 100.0}
    return borrowers(panel, pd.DataFrame({"loan_id": panel.loan_id, **terms}), probability=None)


def told(panel: Panel, known: Borrowers, hazards: Hazards | None = None, settings: LossSettings | None = None) -> module.ExpectedLoss:  # fmt: skip
    stands = standing(panel, settings=NOTHING_CARRIED)  # what is not known now is unknown
    return expected_loss(
        panel, stands, known, 1, hazards=hazards or Flat(), economics=HALF, settings=settings or SETTINGS
    )


def test_each_loan_is_in_its_stage_and_says_why(panel: Panel, known: Borrowers):
    loans = told(panel, known).loans.set_index("loan_id")
    assert loans["stage"].to_dict() == {"calm": 1, "risen": 2, "late": 2, "unknown": 2, "default": 3}
    assert loans["because"].to_dict() == {"calm": "", "risen": "probability risen", "late": "past the backstop", "unknown": "not known how late", "default": "in default"}  # fmt: skip


def test_twelve_months_of_losses_in_stage_1_and_all_in_stage_2(panel: Panel, known: Borrowers):
    loans = told(panel, known).loans.set_index("loan_id")
    # At 1% a month, 24 installments of 100 are worth 2,124.34; each paid one lowers it, and three are unpaid at default.
    owed, by_hand = [2_124.34], {12: 0.0, 23: 0.0}
    for _ in range(23):
        owed.append(owed[-1] * 1.01 - 100)
    for months in by_hand:
        for h in range(1, months + 1):
            default_here = (0.98 * 0.99) ** (h - 1) * 0.02
            by_hand[months] += default_here * owed[max(h - 3, 0)] * 0.5 / 1.01**h
    assert loans.loc["calm", "base"] == pytest.approx(by_hand[12], rel=1e-6)
    assert loans.loc["late", "base"] == pytest.approx(by_hand[23], rel=1e-6)
    assert loans["months"].to_dict() == {"calm": 12, "risen": 23, "late": 23, "unknown": 23, "default": 0}


def test_a_default_loses_its_share_in_every_scenario(panel: Panel, known: Borrowers):
    loans = told(panel, known).loans.set_index("loan_id")
    assert loans.loc["default", ["better", "base", "worse", "expected_loss"]].tolist() == pytest.approx([1_062.17] * 4)


def test_a_month_without_live_loans_has_no_losses(panel: Panel, known: Borrowers):
    found = told(panel.only(np.array([5, 6])), known.only(np.array([5, 6])))
    assert len(found.loans) == 0
    assert found.stages["loans"].tolist() == [0, 0, 0, 0]
    assert found.stages["expected_loss"].sum() == 0


def test_a_balance_that_is_not_known_is_the_last_one(panel: Panel, known: Borrowers):
    balance = panel.balance.copy()
    balance[[0, 4], 1] = NAN
    loans = told(replace(panel, balance=balance), known).loans.set_index("loan_id")
    assert loans.loc[["calm", "default"], "exposure"].tolist() == [2_124.34] * 2


def test_scenarios_are_weighted(panel: Panel, known: Borrowers):
    settings = changed(better=Scenario(odds=0.5, weight=0.2), base=Scenario(odds=1, weight=0.5), worse=Scenario(odds=2, weight=0.3))  # fmt: skip
    loans = told(panel, known, settings=settings).loans
    live = loans[loans["stage"] < 3]
    assert ((live["better"] < live["base"]) & (live["base"] < live["worse"])).all()
    np.testing.assert_allclose(
        loans["expected_loss"], 0.2 * loans["better"] + 0.5 * loans["base"] + 0.3 * loans["worse"]
    )


def test_stages_add_up(panel: Panel, known: Borrowers):
    found = told(panel, known)
    by_stage = found.stages.set_index("stage")
    assert by_stage["loans"].to_dict() == {"1": 1, "2": 3, "3": 1, "all": 5}
    for name in ("loans", "exposure", "better", "base", "worse", "expected_loss"):
        assert by_stage.loc["all", name] == pytest.approx(by_stage.loc[["1", "2", "3"], name].sum())
    np.testing.assert_allclose(by_stage["coverage"], by_stage["expected_loss"] / by_stage["exposure"])


@pytest.mark.parametrize(
    ("settings", "stage"),
    [
        # 12 months at 10% against 2%: 68.5% against 20.5%, 3.3 times as much and 48 points more.
        ({"relative": 3.2, "absolute": 0.45}, 2),
        ({"relative": 3.5, "absolute": 0.0}, 1),
        ({"relative": 1.0, "absolute": 0.5}, 1),
    ],
)
def test_a_rise_is_significant_by_both_thresholds(panel: Panel, known: Borrowers, settings: dict[str, float], stage: int):  # fmt: skip
    loans = told(panel, known, settings=changed(**settings)).loans.set_index("loan_id")
    assert loans.loc["risen", "pd"] == pytest.approx(0.1 * (1 - 0.891**12) / (1 - 0.891))
    assert loans.loc["risen", "pd_granted"] == pytest.approx(0.02 * (1 - 0.9702**12) / (1 - 0.9702))
    assert loans.loc["risen", "stage"] == stage


def test_the_backstop_is_a_setting(panel: Panel, known: Borrowers):
    loans = told(panel, known, settings=changed(backstop_days=31)).loans.set_index("loan_id")
    assert loans.loc["late", "stage"] == 1
    assert loans.loc["unknown", "stage"] == 2


def test_the_interval_is_of_what_the_hazards_leave_open(panel: Panel, known: Borrowers):
    by_stage = told(panel, known).stages.set_index("stage")
    # A loss known to a tenth: exp(+-1.96 / 10) of it at 95%, but of stage 3, which is certain.
    for stage in ("1", "2"):
        row = by_stage.loc[stage]
        assert row["expected_loss_low"] == pytest.approx(row["expected_loss"] * np.exp(-0.195996))
        assert row["expected_loss_high"] == pytest.approx(row["expected_loss"] * np.exp(0.195996))
    certain, whole = by_stage.loc["3"], by_stage.loc["all"]
    assert certain["expected_loss_low"] == certain["expected_loss_high"] == pytest.approx(1_062.17)
    live = whole["expected_loss"] - 1_062.17
    assert whole["expected_loss_high"] == pytest.approx(1_062.17 + live * np.exp(0.195996))


def test_what_cannot_be_projected_is_cut_and_counted(panel: Panel, known: Borrowers):
    loans = told(panel, known, Flat(oldest=16)).loans.set_index("loan_id")
    # Seen for one month, so 15 more months on book were observed; 23 are left.
    assert loans.loc["late", ["months", "cut"]].tolist() == [15, 8]
    assert loans.loc["calm", ["months", "cut"]].tolist() == [12, 0]
    few = told(panel, known, Flat(defaults=99)).loans.set_index("loan_id")
    assert few.loc["late", ["months", "cut"]].tolist() == [12, 11]


def test_exposure_of_unknown_terms_stays(panel: Panel):
    owed = exposure_ahead(np.array([1_000.0, 1_000.0]), np.array([12.0, NAN]), np.array([100.0, 100.0]), 5)
    np.testing.assert_allclose(owed[0], [1_000, 1_000, 1_000, 910, 819.1])
    np.testing.assert_allclose(owed[1], 1_000)


def test_lifetime_is_withheld_and_says_why(panel: Panel, known: Borrowers):
    stands = standing(panel, settings=NOTHING_CARRIED)
    marks = landmarks(panel, stands, known, [1]).only(np.array([0]))
    whole = lifetime(Flat(), marks).loc[0]
    assert whole["withheld"] == ""
    assert whole["months"] == 23
    assert whole["lifetime_pd"] == pytest.approx(0.02 * (1 - 0.9702**23) / (1 - 0.9702))
    unknown = landmarks(panel, stands, replace(known, installment=np.full(7, NAN)), [1]).only(np.array([0]))
    for hazards, marks_, reason in (
        (Flat(defaults=99), marks, "fewer than 100 defaults were seen"),
        (Flat(oldest=23), marks, "no loans were seen beyond 23 months on book"),
        (Flat(), unknown, "the remaining term is not known"),
    ):
        row = lifetime(hazards, marks_).loc[0]
        assert row["withheld"] == reason
        assert row[["months", "lifetime_pd", "lifetime_pd_low", "lifetime_pd_high"]].isna().all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"relative": 0.5}, "greater than or equal to 1"),
        ({"absolute": 0.6}, "less than or equal to 0.5"),
        ({"backstop_days": 120}, "less than or equal to 90"),
        ({"worse": Scenario(odds=0.9, weight=0.25)}, "expected odds that rise from better to worse"),
        ({"base": Scenario(odds=1, weight=0.6)}, "expected weights that add up to 1"),
    ],
)
def test_settings_out_of_bounds_are_refused(wrong: dict[str, object], said: str):
    with pytest.raises(ValidationError, match=said):
        changed(**wrong)
