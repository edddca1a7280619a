"""The synthetic panel follows the mechanism that it says it follows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from loantap.data.panel import CHARGED_OFF, CLOSED, OPEN, Panel
from loantap.data.synthetic import panel as module
from loantap.data.synthetic.panel import Mechanism, SyntheticPanel, synthetic_panel
from loantap.errors import InputError

MATRICES = ("dti", "revol_util", "balance", "days_past_due", "status", "payment", "inquiries")
AS_IT_IS = Mechanism()
# Nothing happens to the loans: no step, no noise, no distress, no default, no late or early payment, no lost snapshot.
STILL = Mechanism(
    intercept=-99, dti_step=0, dti_noise=0, util_step=0, util_noise=0, distress=1e-12, late=0, arrears=0, missing=0,
    prepays=0, prepays_in_distress=0,
)  # fmt: skip


def probability(loans: pd.DataFrame) -> np.ndarray:
    return loans["int_rate"].to_numpy() / 75  # 0.07 to 0.4


def made(
    loans: pd.DataFrame, mechanism: Mechanism = AS_IT_IS, *, random_state: int = 0, months: int = 24
) -> SyntheticPanel:
    return synthetic_panel(loans, probability(loans), months=months, random_state=random_state, first_month="2016-01", mechanism=mechanism)  # fmt: skip


def seen(panel: Panel) -> np.ndarray:
    return ~np.isnan(panel.balance)


def owed(panel: Panel) -> np.ndarray:
    return panel.balance > 0


def alive(synthetic: SyntheticPanel) -> np.ndarray:
    """Where a loan has a snapshot and has neither defaulted before nor ended."""
    return owed(synthetic.panel) & ~np.isnan(synthetic.hazard)


@pytest.fixture(scope="module")
def synthetic(loans: pd.DataFrame) -> SyntheticPanel:
    """24 months of four times 4,000 loans."""
    return made(pd.concat([loans] * 4, ignore_index=True))


def alike(loan: dict[str, float], times: int) -> pd.DataFrame:
    return pd.DataFrame([loan] * times)


# 1% a month; the annuity of 10,000 over 36 months is 332.14.
LOAN = {"loan_amnt": 10_000.0, "int_rate": 12.0, "term": 36, "installment": 332.14, "dti": 15.0, "revol_util": 50.0}


def test_the_same_seed_gives_the_same_panel(loans: pd.DataFrame):
    one, again, other = (made(loans.head(500), random_state=seed) for seed in (1, 1, 2))
    for name in MATRICES:
        np.testing.assert_array_equal(getattr(one.panel, name), getattr(again.panel, name))
    np.testing.assert_array_equal(one.hazard, again.hazard)
    np.testing.assert_array_equal(one.prepayment, again.prepayment)
    pd.testing.assert_frame_equal(one.truth, again.truth)
    assert not np.array_equal(one.panel.balance, other.panel.balance, equal_nan=True)


def test_loans_and_months_are_named(synthetic: SyntheticPanel):
    panel = synthetic.panel
    assert panel.loan_id[[0, -1]].tolist() == ["S0000001", "S0016000"]
    assert panel.months[[0, -1]].astype(str).tolist() == ["2016-01", "2017-12"]
    assert synthetic.truth["loan_id"].tolist() == panel.loan_id.tolist()


def test_every_loan_has_a_snapshot_however_the_loans_are_split(loans: pd.DataFrame, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_BLOCK", 300)
    panel = made(loans.head(1_000)).panel
    assert seen(panel).any(axis=1).all()
    for name in ("dti", "days_past_due"):
        np.testing.assert_array_equal(np.isnan(getattr(panel, name)), ~seen(panel))


def test_a_loan_of_certain_default_still_comes_onto_the_panel():
    certain = synthetic_panel(alike(LOAN, 200), np.ones(200), random_state=0, first_month="2016-01")
    assert seen(certain.panel).any(axis=1).all()
    assert (certain.truth["default"] >= 0).mean() > 0.8


def test_balances_amortise_as_by_hand():
    panel = made(alike(LOAN, 500), STILL).panel
    first = seen(panel).argmax(axis=1)
    new = np.flatnonzero((first > 0) & (first < 21))
    # 10,000.00 * 1.01 - 332.14 = 9,767.86; * 1.01 - 332.14 = 9,533.3986; to the cent.
    by_hand = [10_000.00, 9_767.86, 9_533.40]
    assert len(new) > 100
    for months in range(3):
        assert set(panel.balance[new, first[new] + months]) == {by_hand[months]}
    before, after = panel.balance[:, :-1], panel.balance[:, 1:]
    both = owed(panel)[:, :-1] & owed(panel)[:, 1:]
    # Both are rounded to the cent: the first by up to half a cent times 1.01, the second by half a cent.
    np.testing.assert_allclose(after[both], before[both] * 1.01 - 332.14, atol=0.0102)


def test_a_loan_leaves_the_month_its_last_installment_is_paid():
    panel = made(alike(LOAN, 500), STILL).panel
    last = 23 - owed(panel)[:, ::-1].argmax(axis=1)
    left = last < 23
    # The last installment pays what is left and its interest: 332.14 / 1.01 = 328.85, but for the rounding of 36 installments.
    np.testing.assert_allclose(panel.balance[left, last[left]], 328.85, atol=0.2)
    assert left.mean() == pytest.approx(23 / 59, abs=0.09)  # of 59 months of funding, 23; 4 s.e. of 500 loans
    np.testing.assert_array_equal(panel.status[left, last[left] + 1], CLOSED)  # once more, without balance
    np.testing.assert_allclose(panel.payment[left, last[left] + 1], 332.14, atol=0.2)
    assert (seen(panel).sum(axis=1) == owed(panel).sum(axis=1) + left).all()


def test_an_installment_that_is_late_is_still_owed():
    panel = made(alike(LOAN, 300), replace(STILL, arrears=1.0)).panel
    first = seen(panel).argmax(axis=1)
    new = (first > 0) & (first < 21) & (panel.balance[:, 0] != 0)
    follow = [panel.balance[new, first[new] + months] for months in range(4)]
    days = [panel.days_past_due[new, first[new] + months] for months in range(4)]
    assert [set(values) for values in follow] == [{10_000.0}, {9_767.86}, {9_767.86}, {9_533.40}]
    assert [set(values) for values in days] == [{0}, {0}, {30}, {30}]


def test_measures_start_at_the_applications_values_and_stay_when_nothing_happens(loans: pd.DataFrame):
    panel = made(loans, STILL).panel
    there = seen(panel)
    for name, decimals in (("dti", 2), ("revol_util", 1)):
        expected = np.repeat(np.minimum(loans[name].to_numpy(), 9999).round(decimals)[:, np.newaxis], 24, axis=1)
        np.testing.assert_allclose(getattr(panel, name)[there], expected[there], atol=1e-9)


def test_steps_last_and_noise_does_not():
    loans = alike(LOAN | {"dti": 500.0, "revol_util": 60.0}, 4_000)
    walk = made(loans, replace(STILL, dti_step=0.5)).panel.dti
    noise = made(loans, replace(STILL, dti_noise=0.8)).panel.dti
    # Over 6 months: 6 steps' variance 6 * 0.25 = 1.5; of noise twice 0.64 = 1.28 over any time. Tolerance: 4 s.e. of a variance
    # from 4,000 loans that overlap, sqrt(2 / 4,000) each.
    assert np.nanvar(walk[:, 12] - walk[:, 6]) == pytest.approx(1.5, rel=0.12)
    assert np.nanvar(walk[:, 7] - walk[:, 6]) == pytest.approx(0.25, rel=0.12)
    assert np.nanvar(noise[:, 12] - noise[:, 6]) == pytest.approx(1.28, rel=0.12)
    assert np.nanvar(noise[:, 7] - noise[:, 6]) == pytest.approx(1.28, rel=0.12)


def test_a_loan_that_comes_at_some_age_has_moved_already():
    loans = alike(LOAN | {"dti": 500.0}, 6_000)
    panel = made(loans, replace(STILL, dti_step=0.5), months=2).panel
    # Funded evenly 0 to 35 months before: 0.25 * the mean age. 17.5 months give 4.375; 4 s.e. of a mixture are about 10%.
    here = ~np.isnan(panel.dti[:, 0])
    assert np.var(panel.dti[here, 0]) == pytest.approx(4.375, rel=0.1)


def test_distressed_loans_drift_upward_from_their_month_on():
    loans = alike(LOAN, 4_000)
    synthetic = made(loans, replace(STILL, distress=0.03, cured=0.0))
    onset = synthetic.truth["distress"].to_numpy()
    within = np.flatnonzero((onset > 0) & (onset < 18))
    within = within[~np.isnan(synthetic.panel.balance[within, onset[within] - 1])]  # distress that began on the panel
    within = within[owed(synthetic.panel)[within, onset[within] + 5]]
    assert len(within) > 300
    for months, risen in ((-1, 0.0), (0, 1.2), (5, 6 * 1.2)):
        np.testing.assert_allclose(synthetic.panel.dti[within, onset[within] + months], 15 + risen)
    np.testing.assert_allclose(synthetic.panel.revol_util[within, onset[within] + 5], 50 + 6 * 3.5)
    healthy = onset < 0
    assert set(synthetic.panel.dti[healthy][owed(synthetic.panel)[healthy]]) == {15.0}


def test_distress_that_is_cured_eases():
    synthetic = made(alike(LOAN, 2_000), replace(STILL, distress=0.03, cured=1.0, cured_after=(3, 3)))
    onset, dti = synthetic.truth["distress"].to_numpy(), synthetic.panel.dti
    within = np.flatnonzero((onset > 0) & (onset < 18))
    within = within[(dti[within, onset[within] - 1] == 15.0) & ~np.isnan(dti[within, onset[within] + 4])]
    # Three months of 1.2 points, of which then 0.8 stay each month: 1.2, 2.4, 3.6, 2.88, 2.304; to two decimals.
    path = np.array([dti[within, onset[within] + months] for months in range(5)]).T
    np.testing.assert_allclose(path, np.broadcast_to([16.2, 17.4, 18.6, 17.88, 17.3], path.shape))


def test_distress_that_ended_before_the_panel_is_not_in_the_truth():
    synthetic = made(alike(LOAN, 2_000), replace(STILL, distress=0.5, cured=1.0, cured_after=(1, 1)))
    old = synthetic.panel.balance[:, 0] < 7_000  # more than a year: 7,000 is owed after about 12 installments
    assert old.sum() > 500
    # Distress began 1, 2, ... months after the panel's year before, with 1/2, 1/4, ...: on the panel with 1/2,048.
    assert (synthetic.truth["distress"][old] >= 0).mean() < 0.01
    assert (synthetic.truth["distress"][np.isnan(synthetic.panel.balance[:, 0])] >= 0).mean() > 0.8


def test_utilisation_does_not_rise_above_its_ceiling_but_for_loans_that_were_there():
    low, high = (
        made(alike(LOAN | {"revol_util": util}, 300), replace(STILL, distress=0.5, cured=0.0)).panel
        for util in (120.0, 150.0)
    )
    assert np.nanmax(low.revol_util) == 130.0
    assert set(high.revol_util[seen(high)]) == {150.0}


def test_the_hazard_is_what_the_docstring_says():
    loans = alike(LOAN, 1_000)
    mechanism = replace(STILL, intercept=-4.0, distress=0.05, cured=0.0)
    synthetic = made(loans, mechanism)
    inside = seen(synthetic.panel) & (synthetic.hazard > 0)
    risen = [
        (values[inside] - start) / 10 for values, start in ((synthetic.panel.dti, 15), (synthetic.panel.revol_util, 50))
    ]
    expected = expit(-4.0 + 0.7 * logit(12 / 75) + 1.0 * risen[0] + 0.5 * risen[1])
    np.testing.assert_allclose(
        synthetic.hazard[inside], expected, rtol=0.003
    )  # snapshots are rounded to 0.01 and 0.1 points


def test_loans_default_as_often_as_their_hazard_says(synthetic: SyntheticPanel):
    default = synthetic.truth["default"].to_numpy()
    hazard, at = synthetic.hazard, np.arange(24)
    at_risk = ~np.isnan(hazard) & (hazard > 0)
    hit = at == default[:, np.newaxis]
    assert not (hit & ~at_risk).any()
    for group in np.array_split(np.argsort(hazard[at_risk]), 5):
        h, found = hazard[at_risk][group], hit[at_risk][group].sum()
        # Given the past each month is one binomial draw: 4 standard errors are missed once in 16,000 times.
        assert abs(found - h.sum()) < 4 * np.sqrt((h * (1 - h)).sum())
    assert 0.005 < hit.sum() / at_risk.sum() < 0.015


def test_hazard_ends_with_the_loan(synthetic: SyntheticPanel):
    known, at = ~np.isnan(synthetic.hazard), np.arange(24)
    default = synthetic.truth["default"].to_numpy()[:, np.newaxis]
    afterwards = (default >= 0) & (at > default)
    assert (known | ~owed(synthetic.panel) | afterwards).all()
    np.testing.assert_array_equal(known, ~np.isnan(synthetic.prepayment))
    assert not (known & (default >= 0) & (at > default)).any()
    assert (np.diff(known.astype(int), axis=1) != 0).sum(axis=1).max() <= 2  # one stretch of life


def test_nobody_defaults_in_the_panels_first_month_or_too_young(loans: pd.DataFrame):
    risky = made(loans, replace(STILL, intercept=-1.0))
    first = seen(risky.panel).argmax(axis=1)
    default = risky.truth["default"].to_numpy()
    assert (default != 0).all()
    young = (first > 0) & (default >= 0)
    assert (default - first)[young].min() == 4


def test_default_is_announced(synthetic: SyntheticPanel):
    panel, default = synthetic.panel, synthetic.truth["default"].to_numpy()
    bad = np.flatnonzero(default >= 2)
    for back, days in ((0, 90), (1, 60), (2, 30)):
        values = panel.days_past_due[bad, default[bad] - back]
        assert set(values[~np.isnan(values)]) == {days}
    assert not np.isnan(panel.balance[bad, default[bad]]).any()  # a lender does not lose sight of a default
    np.testing.assert_array_equal(panel.default_month(), np.where(default >= 0, default, 24))


def test_the_last_months_announce_what_comes_after_them(synthetic: SyntheticPanel):
    live = synthetic.truth["default"].to_numpy() < 0
    shares = [(synthetic.panel.days_past_due[live][:, t] == 60).sum() for t in (22, 23)]
    assert shares[0] == 0  # who is 60 days past due there has defaulted by the next month
    assert shares[1] > 20


def test_some_are_late_without_default(synthetic: SyntheticPanel):
    healthy = (synthetic.truth["default"].to_numpy() < 0) & (synthetic.truth["distress"].to_numpy() < 0)
    days = synthetic.panel.days_past_due[healthy][:, 2:22][owed(synthetic.panel)[healthy][:, 2:22]]
    # 2% of months, but for the few in arrears and those of loans too young; binomial s.e. 0.0004.
    assert ((days > 0) & (days < 30)).mean() == pytest.approx(0.02, abs=0.0025)
    assert (days == 30).mean() == pytest.approx(0.002, abs=0.001)


def test_a_hundredth_of_the_snapshots_is_lost(synthetic: SyntheticPanel):
    truth, there = synthetic.truth, seen(synthetic.panel)
    known = ~np.isnan(synthetic.hazard)
    first = known.argmax(axis=1)
    assert there[np.arange(len(first)), first].all()
    droppable = known.sum() - len(first) - (truth["default"] >= 0).sum() - (truth["repaid"] >= 0).sum()
    assert (known & ~there).sum() / droppable == pytest.approx(0.01, abs=4 * np.sqrt(0.01 * 0.99 / droppable))


def test_utilisation_that_was_not_known_stays_unknown():
    loans = alike(LOAN | {"revol_util": np.nan}, 50)
    synthetic = made(loans)
    assert np.isnan(synthetic.panel.revol_util).all()
    first = seen(synthetic.panel).argmax(axis=1)
    assert not np.isnan(synthetic.hazard[np.arange(50), first]).any()


def test_snapshots_help_and_do_not_tell_everything(synthetic: SyntheticPanel):
    t, default = 12, synthetic.truth["default"].to_numpy()
    judged = alive(synthetic)[:, t] & (default != t)
    soon = (default > t) & (default <= t + 6)
    assert 0.7 < roc_auc_score(soon[judged], synthetic.hazard[judged, t]) < 0.85


def test_the_default_rate_has_no_trend(synthetic: SyntheticPanel):
    default = synthetic.truth["default"].to_numpy()
    at_risk = (~np.isnan(synthetic.hazard) & (synthetic.hazard > 0)).sum(axis=0)
    rates = [
        (np.isin(default, months)).sum() / at_risk[months].sum() for months in (np.arange(1, 12), np.arange(12, 24))
    ]
    assert rates[1] / rates[0] == pytest.approx(1, abs=0.2)  # about 900 defaults in each half: 4 s.e. are 0.19


@pytest.mark.parametrize("wrong", [[0.1], [0.1, 1.2], [0.1, np.nan], [[0.1, 0.2]]])
def test_probabilities_that_are_none_are_refused(wrong: list[float]):
    with pytest.raises(InputError, match="expected one probability within 0 to 1 for each of 2 loans"):
        synthetic_panel(alike(LOAN, 2), np.array(wrong), random_state=0, first_month="2016-01")


@pytest.mark.parametrize(("loans", "months"), [(0, 24), (2, 0)])
def test_a_panel_needs_loans_and_months(loans: int, months: int):
    with pytest.raises(InputError, match="1 loan and 1 month or more"):
        made(alike(LOAN, 2).head(loans), months=months)


def test_loans_are_repaid_early_as_often_as_their_probability_says(synthetic: SyntheticPanel):
    repaid, default = synthetic.truth["repaid"].to_numpy()[:, np.newaxis], synthetic.truth["default"].to_numpy()
    can = (synthetic.prepayment > 0) & (np.arange(24) != default[:, np.newaxis])
    hit = repaid == np.arange(24)
    assert not (hit & ~can).any()
    for probability in (0.01, 0.003):
        some = can & (synthetic.prepayment == probability)
        # Given the past each month is one binomial draw: 4 standard errors are missed once in 16,000 times.
        expected = probability * some.sum()
        assert abs((hit & some).sum() - expected) < 4 * np.sqrt(expected)


def test_early_repayment_closes_a_loan_with_all_that_is_owed():
    mechanism = replace(STILL, prepays=0.05, prepays_in_distress=0.05)
    synthetic = made(alike(LOAN, 400), mechanism)
    panel, repaid = synthetic.panel, synthetic.truth["repaid"].to_numpy()
    gone = np.flatnonzero(repaid >= 0)
    assert len(gone) > 100
    assert set(panel.balance[gone, repaid[gone]]) == {0.0}
    assert set(panel.status[gone, repaid[gone]]) == {CLOSED}
    # What was owed and a month's interest of 1%; the balance before is rounded to the cent.
    before = panel.balance[gone, repaid[gone] - 1]
    np.testing.assert_allclose(panel.payment[gone, repaid[gone]], before * 1.01, atol=0.011)
    assert not (seen(panel) & (np.arange(24) > np.where(repaid >= 0, repaid, 24)[:, np.newaxis])).any()


def test_a_default_is_charged_off_or_performs_again(synthetic: SyntheticPanel):
    panel, truth = synthetic.panel, synthetic.truth
    default, again = truth["default"].to_numpy(), truth["reperforms"].to_numpy()
    lost = np.flatnonzero((default >= 0) & (default < 20) & (again < 0))
    for later, days in ((1, 120), (2, 150), (3, 180)):
        told = panel.days_past_due[lost, default[lost] + later]
        assert set(told[~np.isnan(told)]) == {days}
    assert set(panel.status[lost, default[lost] + 3]) == {CHARGED_OFF}
    assert not seen(panel)[lost[:, np.newaxis], np.minimum(default[lost] + 4, 23)[:, np.newaxis]].any()
    mends = np.flatnonzero(again >= 0)
    days, balance = panel.days_past_due[mends, again[mends]], panel.balance[mends, again[mends]]
    assert set(days[~np.isnan(days)]) == {0}
    assert (balance[~np.isnan(balance)] > 0).all()
    # 10% of defaults, of which those of the last month or two are not seen to mend; 4 s.e. of some 1,500.
    early = (default >= 0) & (default < 20)
    assert (again[early] >= 0).mean() == pytest.approx(0.1, abs=0.032)


def test_payments_are_installments_but_for_those_missed_and_made_good():
    panel = made(alike(LOAN, 300), replace(STILL, arrears=1.0)).panel
    young = (panel.status == OPEN) & (panel.balance > 9_000)
    # In arrears of one installment from the third month on: one is paid, none, one, one ...
    first = young.argmax(axis=1)
    new = (first > 0) & (first < 21) & young[np.arange(300), first]
    paid = [set(panel.payment[new, first[new] + month]) for month in range(4)]
    assert paid == [{0.0}, {332.14}, {0.0}, {332.14}]


def test_inquiries_are_more_in_distress():
    synthetic = made(alike(LOAN, 3_000), replace(STILL, distress=0.05, cured=0.0))
    panel, onset = synthetic.panel, synthetic.truth["distress"].to_numpy()[:, np.newaxis]
    inside = owed(panel) & (onset >= 0) & (np.arange(24) >= onset)
    # Means 0.5 and 1.5 of Poisson counts; 4 s.e. of 10,000 and more are below 0.05.
    assert panel.inquiries[inside].mean() == pytest.approx(1.5, abs=0.05)
    assert panel.inquiries[owed(panel) & ~inside].mean() == pytest.approx(0.5, abs=0.05)


def test_a_panel_without_status_tells_the_same_defaults(synthetic: SyntheticPanel):
    panel = replace(synthetic.panel, status=None)
    np.testing.assert_array_equal(panel.default_month(), synthetic.panel.default_month())
