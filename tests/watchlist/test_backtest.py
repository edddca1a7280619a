"""The back-test worked out by hand on a few loans; a planted drift is found, and noise is not."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from loantap.data.panel import Panel
from loantap.watchlist.backtest import BASELINES, RULES, Backtest, backtest, baseline_scores, why_not
from loantap.watchlist.choice import NEVER, choose, make_history, mark_frontier
from loantap.watchlist.measures import Period, clustered_interval, find_defaults, measure, paired_difference
from loantap.watchlist.settings import SIGNALS, Settings, read_settings

SETTINGS = read_settings()
X = -1  # not judged: no snapshot, late already, or in default
# Eight months, a horizon of two: alerts of months 1 to 6 count, 1 to 5 have a whole horizon, defaults of 3 to 7 a whole one before.
PERIOD = Period(first=1, last=7, horizon=2)
LIGHTS = np.array(
    [
        [X, 0, 0, 1, 2, X, X, X],  # A defaults in month 5
        [X, 1, 0, 1, 0, 0, 0, X],  # B in month 7
        [X, 0, 1, 0, 0, 0, 0, 0],  # C never
        [X, 0, 1, X, X, X, X, X],  # D in month 3
        [X, 0, 0, X, X, X, X, X],  # E in month 6, late from month 3 on
    ]
)
DEFAULT_MONTH = np.array([5, 7, 8, 3, 6])


@pytest.fixture(scope="module")
def by_hand() -> dict[str, float]:
    return measure(LIGHTS, DEFAULT_MONTH, PERIOD)


def test_alerts_per_1000_by_hand(by_hand: dict[str, float]):
    # Evaluation in months 1 to 6: A 4, B 6, C 6, D 2, E 2. Alerts: A 2, B 2, C 1, D 1; one of them red.
    assert by_hand["loan_months"] == 20
    assert by_hand["alerts_per_1000"] == 1000 * 6 / 20
    assert by_hand["red_per_1000"] == 1000 * 1 / 20


def test_precision_by_hand(by_hand: dict[str, float]):
    # A's alerts in months 3 and 4 and D's in month 2 come within two months before; B's and C's do not.
    assert (by_hand["alerts"], by_hand["right"], by_hand["precision"]) == (6, 3, 0.5)
    assert (by_hand["red_alerts"], by_hand["red_right"], by_hand["red_precision"]) == (1, 1, 1.0)
    # Evaluation in months 1 to 5: A 4, B 5, C 5, D 2, E 2; two months before their default: A 3 and 4, B 5, D 1 and 2.
    assert by_hand["base_rate"] == 5 / 18


def test_recall_and_lead_time_by_hand(by_hand: dict[str, float]):
    # A is found two months before, D one month before, B not (its alerts came earlier); E was not judged in months 4 and 5.
    assert (by_hand["defaults"], by_hand["caught"], by_hand["recall"]) == (3, 2, 2 / 3)
    assert (by_hand["lead_q1"], by_hand["lead_median"], by_hand["lead_q3"]) == (1.25, 1.5, 1.75)
    assert (by_hand["recall_low"], by_hand["recall_high"]) == proportion_confint(2, 3, method="wilson")


def test_what_chance_finds_by_hand(by_hand: dict[str, float]):
    # Evaluation in both months before A's default, 3 and 4: A, B, C, of which A and B had an alert. Before B's, 5 and 6: B and C, none.
    # Before D's, 1 and 2: all five, of which B, C and D.
    assert by_hand["by_chance"] == pytest.approx((2 / 3 + 0 + 3 / 5) / 3)


def test_a_loan_judged_in_fewer_months_has_less_of_a_chance():
    # The default in month 3 was judged in month 1 only; of three others one had an alert then, and a second one in month 2.
    lights = np.array([[X, 0, X, X], [X, 1, 0, 0], [X, 0, 1, 0], [X, 0, 0, 0]])
    outcome = find_defaults(lights, np.array([3, 9, 9, 9]), Period(1, 3, 2))
    assert outcome.chance.tolist() == [1 / 4]


def test_flip_flops_by_hand(by_hand: dict[str, float]):
    # Alerts with four months to follow, in months 1 to 3: A 1, B 2, C 1, D 1. Only B's of month 1 goes green and comes back.
    assert by_hand["flip_flop"] == 1 / 5


def test_a_light_that_comes_back_later_than_three_months_is_no_flip_flop():
    period = Period(first=0, last=6, horizon=1)
    never = np.array([9])
    back = [
        measure(np.array([[1, 0, *rest]]), never, period)["flip_flop"] for rest in ([0, 0, 2, 0, 0], [0, 0, 0, 1, 0])
    ]
    # The alert of month 0 goes green in month 1 and is back in month 4, the third after that, or only in month 5.
    assert back == [1.0, 0.0]


def test_a_loan_that_is_late_the_next_month_is_no_flip_flop():
    lights = np.array([[1, X, 1, 0, 0, 0, 0]])
    assert measure(lights, np.array([9]), Period(first=0, last=5, horizon=1))["flip_flop"] == 0


def test_nothing_to_divide_by_is_not_known():
    row = measure(np.zeros((3, 8), dtype=int), np.full(3, 8), PERIOD)
    assert row["alerts_per_1000"] == 0
    assert np.isnan(
        [row[name] for name in ("precision", "precision_low", "recall", "recall_low", "lead_median", "flip_flop")]
    ).all()


def test_what_lies_outside_the_months_does_not_enter():
    changed = LIGHTS.copy()
    changed[:, 0] = 2
    changed[2, 7] = 2  # the last month is where alerts are judged from, and no alert's own
    assert measure(changed, DEFAULT_MONTH, PERIOD) == measure(LIGHTS, DEFAULT_MONTH, PERIOD)


def test_copies_of_a_loans_alerts_make_no_interval_narrower():
    right, alerts = np.array([1, 0, 0, 1, 0, 1, 0, 0]), np.ones(8, dtype=int)
    once = clustered_interval(right, alerts)
    assert clustered_interval(5 * right, 5 * alerts) == pytest.approx(once)
    # One alert a loan: Wilson's, with seven alerts for eight, since the variance is estimated.
    assert once == pytest.approx(proportion_confint(3 / 8 * 7, 7, method="wilson"))


def test_all_right_is_as_sure_as_there_are_loans():
    assert clustered_interval(np.array([6, 6]), np.array([6, 6])) == pytest.approx(
        proportion_confint(2, 2, method="wilson")
    )


def test_the_interval_of_precision_covers_it():
    # Loans with 1 to 6 alerts that are all right or all wrong, a third of them right: 60 loans, 2,000 times. The share is a ratio
    # of sums, so a little below 95% is what to expect; simulation error 0.5%.
    rng, inside = np.random.default_rng(2), 0
    for _ in range(2_000):
        alerts = rng.integers(1, 7, 60)
        low, high = clustered_interval(alerts * (rng.random(60) < 1 / 3), alerts)
        inside += low <= 1 / 3 <= high
    assert 0.93 <= inside / 2_000 <= 0.97


def test_a_difference_in_recall_is_paired():
    one, other = np.array([1, 1, 1, 0] * 50, dtype=bool), np.array([1, 1, 0, 0] * 50, dtype=bool)
    value, low, high = paired_difference(one, other, repetitions=2_000, random_state=0)
    assert value == 0.25
    # The differences are 0 or 1, a quarter of them 1: standard error sqrt(0.25 * 0.75 / 200) = 0.0306.
    assert (low, high) == pytest.approx((0.25 - 1.96 * 0.0306, 0.25 + 1.96 * 0.0306), abs=0.006)
    assert paired_difference(one, one, repetitions=50, random_state=0) == (0, 0, 0)


# Whole panels


def settings_of(**changes: object) -> Settings:
    raw = SETTINGS.model_dump()
    return Settings.model_validate(raw | changes | {"backtest": raw["backtest"] | dict(changes.get("backtest", {}))})


def four_loans() -> Panel:
    """Return eight months of loans 0 (high, defaults in month 6), 1 (high), 2 (low, defaults in month 7) and 3 (low)."""
    late = np.zeros((4, 8))
    late[0, 5:], late[2, 6:] = [30, 90, 90], [60, 90]
    dti = np.tile([[50.0], [50.0], [10.0], [10.0]], 8)
    return Panel(
        np.arange(4), np.datetime64("2020-01", "M") + np.arange(8), dti, np.full((4, 8), 20.0), np.ones((4, 8)), late
    )


SHORT = settings_of(window=5, amber_points=2, red_points=4, backtest={"horizon": 2})


def test_a_whole_panel_by_hand():
    result = backtest(four_loans(), settings=SHORT, random_state=0)
    rows = result.performance.set_index(["matched_to", "method"])
    row = rows.loc[("rule", "rule")]
    # Windows end in months 4 to 7. Evaluation: loan 0 in 4 (in 5 it is 30 days late), 1 in 4, 5, 6, 2 in 4, 5, 3 in 4, 5, 6.
    assert row["loan_months"] == 9
    assert row["alerts_per_1000"] == pytest.approx(1000 * 4 / 9)
    # In months 4 and 5: one alert on loan 0, right; two on loan 1, wrong. Loan 0 is found two months before, 2 is not.
    assert (row["alerts"], row["right"], row["recall"], row["lead_median"]) == (3, 1, 0.5, 2)
    # The caps alone flag the same loans.
    assert rows.loc[("rule", "caps")].equals(row.rename(("rule", "caps")))
    # Nobody was less than 30 days late, so days past due alone find neither default.
    assert set(result.comparisons["verdict"]) == {"open"}
    assert result.comparisons.set_index("baseline")["difference"].groupby(level=0).unique().to_dict() == {
        "caps": [0], "days_past_due": [0.5]
    }  # fmt: skip


def test_the_rule_is_judged_without_days_past_due_too():
    panel = four_loans()
    panel.days_past_due[2, 4:6] = 12  # a point for loan 2, in the two months before it is too late
    result = backtest(panel, settings=SHORT.with_points(1, 4), random_state=0)
    rows = result.performance.set_index(["matched_to", "method"])
    assert rows.loc[("rule", "rule"), "recall"] == 1.0
    assert rows.loc[("rule without days past due", "rule without days past due"), "recall"] == 0.5


def test_a_cap_is_breached_whatever_is_known_of_the_other():
    panel = four_loans()
    panel.revol_util[0] = np.nan
    rows = backtest(panel, settings=SHORT, random_state=0).performance.set_index(["matched_to", "method"])
    assert rows.loc[("rule", "caps"), "recall"] == 0.5


def test_by_month_counts_what_is_known_then():
    result = backtest(four_loans(), settings=SHORT, random_state=0)
    table = result.by_month
    assert table["month"].astype(str).tolist() == ["2020-05-01", "2020-06-01", "2020-07-01", "2020-08-01"]
    assert table["loans"].tolist() == [4, 3, 2, 2]
    assert table["amber"].tolist() == [2, 1, 1, 1]
    # Within two months after month 4: loan 0; after month 5: loan 2, which had no alert.
    assert table["defaults"].iloc[:2].tolist() == [1, 1]
    assert table["right"].iloc[:2].tolist() == [1, 0]
    assert table[["defaults", "right"]].iloc[2:].isna().all(axis=None)


def test_a_panel_too_short_to_halve_keeps_its_settings():
    result = backtest(four_loans(), settings=SHORT, random_state=0)
    assert result.recommended == SHORT
    assert "too short" in result.chosen
    assert set(result.performance["period"]) == {"all months"}


def test_no_backtest_without_days_past_due_months_or_defaults():
    panel = four_loans()
    silent = Panel(panel.loan_id, panel.months, panel.dti, panel.revol_util, panel.balance)
    well = Panel(panel.loan_id, panel.months, panel.dti, panel.revol_util, panel.balance, np.zeros((4, 8)))
    for other, settings, why in (
        (silent, SHORT, "do not tell days past due"),
        (panel.until(panel.months[5]), SHORT, "need 7 months of snapshots, the panel has 6"),
        (well, SHORT, "no loan of the panel defaults"),
    ):
        assert why in why_not(other, settings=settings)
        assert backtest(other, settings=settings, random_state=0) is None
    assert why_not(panel, settings=SHORT) == ""


def drifting(n: int = 3_000, *, drift: float = 1.0, seed: int = 0) -> tuple[Panel, np.ndarray, np.ndarray]:
    """Return 24 months in which utilisation of half the loans that default rises before, and probabilities then and now."""
    rng, months = np.random.default_rng(seed), np.arange(24)
    ends = np.where(rng.random(n) < 0.25, rng.integers(6, 40, n), 99)[:, np.newaxis]
    rising = (rng.random(n) < 0.5)[:, np.newaxis] * np.clip(months - (ends - 8), 0, 8) * 4 * drift
    util = rng.normal(50, 18, (n, 1)) + rng.normal(0, 2, (n, 24)) + rising
    dti = rng.normal(18, 7, (n, 1)) + rng.normal(0, 0.4, (n, 24))
    late = np.clip((months - (ends - 3)) * 30.0, 0, 120)
    gone = months > ends
    dti, util, late = (np.where(gone, np.nan, values) for values in (dti, util, late))
    probability = 1 / (1 + np.exp(2 - 0.02 * dti - 0.005 * util))
    panel = Panel(np.arange(n), np.datetime64("2020-01", "M") + months, dti, util, np.where(gone, np.nan, 1.0), late)
    return panel, probability[:, 0], probability


@pytest.fixture(scope="module")
def planted() -> Backtest:
    panel, then, now = drifting()
    return backtest(panel, settings=SETTINGS, probability_then=then, probability_now=now, random_state=0)


@pytest.fixture(scope="module")
def noise() -> Backtest:
    panel, then, now = drifting(drift=0.0)
    loose = SETTINGS.with_points(1, 3)  # for many alerts, so that a difference could be shown
    return backtest(panel, settings=loose, probability_then=then, probability_now=now, random_state=0)


def test_a_planted_drift_is_found(planted: Backtest):
    row = planted.performance.query("setting == 'recommended' and method == 'rule'").iloc[0]
    # Half the defaults drift, by four points a month; all of these can be found, and of the others hardly any.
    assert 0.4 <= row["recall"] <= 0.65
    assert row["precision"] > 5 * row["base_rate"]
    assert row["lead_median"] >= 4
    shown = planted.comparisons.query("setting == 'recommended'")
    assert set(shown["verdict"]) == {"more"}
    assert (shown["beyond_chance_low"] > 0.1).all()


def test_noise_is_not_found(noise: Backtest):
    rows = noise.performance.query("alerts >= 100")
    assert len(rows) >= 6
    # Nothing is planted. What is flagged defaults as often as what is not, within three standard errors.
    error = (rows["precision_high"] - rows["precision_low"]) / (2 * 1.96)
    assert ((rows["precision"] - rows["base_rate"]).abs() <= 3 * error).all()
    assert (noise.comparisons[["only_rule", "only_baseline"]].sum(axis=1) >= 10).any()
    # Its trends flicker, so it finds more than lights that stay; not more than chance does.
    assert (noise.comparisons["difference_low"] > 0).any()
    assert "more" not in set(noise.comparisons["verdict"])
    assert noise.comparisons["words"].str.contains("cannot be shown|fewer|nothing to find").all()


def test_a_few_defaults_decide_nothing():
    panel, then, now = drifting(n=150)
    result = backtest(panel, settings=SETTINGS, probability_then=then, probability_now=now, random_state=0)
    few = result.comparisons[result.comparisons[["only_rule", "only_baseline"]].sum(axis=1) < 10]
    assert (few["beyond_chance_low"] > 0).any()
    assert set(few["verdict"]) == {"open"}


def test_baselines_alert_as_often_as_the_rule(planted: Backtest):
    rows = planted.performance
    for _, group in rows.groupby(["period", "setting", "matched_to"]):
        own = group.loc[group["method"] == group["matched_to"], "alerts_per_1000"].item()
        # Scores are continuous, so the number of alerts is met to one. Nobody is less than 30 days late here, so days past due give none.
        late = group["method"] == "days_past_due"
        assert group.loc[~late, "alerts_per_1000"].to_numpy() == pytest.approx(
            own, abs=1001 / group["loan_months"].iloc[0]
        )
        assert group.loc[late, "alerts_per_1000"].tolist() == [0]
        assert len(group) == 1 + len(BASELINES)


def test_the_recommended_setting_keeps_within_the_budget_on_the_months_it_was_chosen_on(planted: Backtest):
    panel, then, now = drifting()
    history = make_history(panel, settings=SETTINGS, probability_then=then, probability_now=now)
    # Windows end in months 5 to 23; the earlier half of these nineteen is 5 to 13.
    row = measure(history.rule_lights(planted.recommended), history.default_month, Period(5, 13, 6))
    assert 0 < row["alerts_per_1000"] <= SETTINGS.backtest.alerts_per_1000
    assert row["red_per_1000"] <= SETTINGS.backtest.red_per_1000


def test_the_choice_sees_no_later_months():
    panel, then, now = drifting(n=1_500)
    late = panel.days_past_due.copy()
    late[:, 14:] = np.random.default_rng(3).permutation(late[:, 14:], axis=0)
    util = panel.revol_util.copy()
    util[:, 14:] *= 2
    other = Panel(panel.loan_id, panel.months, panel.dti, util, panel.balance, late)
    results = [
        backtest(one, settings=SETTINGS, probability_then=then, probability_now=now, repetitions=10, random_state=0)
        for one in (panel, other)
    ]
    assert results[0].chosen == results[1].chosen
    assert results[0].recommended == results[1].recommended
    assert not results[0].performance.equals(results[1].performance)


def test_without_the_model_there_is_no_baseline_of_it():
    result = backtest(drifting(n=800)[0], settings=SETTINGS, repetitions=10, random_state=0)
    assert set(result.performance["method"]) == {*RULES, "caps", "days_past_due"}
    assert set(result.trade_off["method"]) == {"rule", "caps", "days_past_due"}


def test_the_trade_off_falls_with_points_and_strictness(planted: Backtest):
    rule = planted.trade_off.query("method == 'rule'")
    table = rule.pivot_table(index="strictness", columns="points", values="alerts_per_1000")
    assert (table.diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)
    assert (table.diff(axis=0).iloc[1:] <= 0).all(axis=None)
    for name in BASELINES:
        recalls = planted.trade_off[planted.trade_off["method"] == name].sort_values("alerts_per_1000")["recall"]
        assert recalls.is_monotonic_increasing


def test_the_same_seed_gives_the_same_numbers():
    panel = drifting(n=500)[0]
    first, second = (backtest(panel, settings=SETTINGS, repetitions=20, random_state=4) for _ in range(2))
    pd.testing.assert_frame_equal(first.comparisons, second.comparisons)


def tried(*rows: tuple[float, int, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["strictness", "points", "alerts_per_1000", "recall"]).assign(
        defaults=100, by_chance=0.0
    )


def test_the_best_recall_within_the_budget_is_chosen():
    # The budgets: 50 alerts and 10 red lights.
    settings = settings_of(backtest={"alerts_per_1000": 50, "red_per_1000": 10})
    table = tried(
        (1.0, 1, 80, 0.9),
        (1.0, 2, 40, 0.6),
        (1.0, 3, 12, 0.4),
        (1.0, 4, 9, 0.3),
        (1.0, 5, 2, 0.1),
        (1.5, 1, 30, 0.6),
        (1.5, 2, 11, 0.2),
    )
    choice = choose(table, settings=settings)
    # 0.6 is the best within 50, and 30 alerts are fewer than 40; no number of points of that strictness keeps red within 10.
    assert choice.settings == settings.stricter(1.5).with_points(1, NEVER)
    choice = choose(table[table["strictness"] == 1.0], settings=settings)
    assert choice.settings == settings.stricter(1.0).with_points(2, 4)
    assert "found 60% of 100 defaults, 0% by chance, with 40.0 alerts" in choice.words


def test_what_flickers_is_not_chosen_for_what_chance_finds():
    table = tried((1.0, 1, 40, 0.6), (1.0, 2, 40, 0.5)).assign(by_chance=[0.4, 0.1])
    assert choose(table, settings=SETTINGS).settings.amber_points == 2


def test_red_needs_more_points_than_amber_however_few_the_alerts():
    choice = choose(tried((1.0, 1, 80, 0.9), (1.0, 2, 4, 0.6), (1.0, 3, 1, 0.2)), settings=SETTINGS)
    assert choice.settings == SETTINGS.stricter(1.0).with_points(2, 3)


@pytest.mark.parametrize("recall", [0.0, float("nan")])
def test_settings_stay_where_nothing_is_found(recall: float):
    choice = choose(tried((1.0, 1, 40, recall), (1.0, 2, 90, 0.9)), settings=SETTINGS)
    assert choice.settings == SETTINGS
    assert "stay as they are" in choice.words


def test_the_frontier_is_what_no_other_setting_beats():
    table = tried((1, 1, 90, 0.9), (1, 2, 50, 0.5), (1, 3, 50, 0.6), (1, 4, 60, 0.6), (1, 5, 10, 0.1), (1, 6, 0, 0.0))
    assert mark_frontier(table).tolist() == [True, False, True, False, True, False]


def test_a_default_is_found_by_an_alert_in_the_months_before_it_only():
    lights = np.array([[0, 1, 0, 0, 0, X, X], [0, 0, 0, 0, 1, X, X]])
    outcome = find_defaults(lights, np.array([5, 5]), Period(0, 6, 3))
    assert outcome.caught.tolist() == [False, True]
    assert outcome.lead.tolist() == [0, 1]


def test_an_alert_that_stood_before_the_horizon_has_a_longer_lead_than_the_horizon():
    lights = np.array(
        [
            [X, 0, 1, 1, 2, 1, 1, X],  # stood since month 2, five months before the default in month 7
            [X, 1, 1, 1, 1, 1, 1, X],  # since month 1, the first that was judged: six months or more
            [X, 1, 0, 1, X, 1, 1, X],  # since month 3: a month without a light ends nothing, a green one does
            [X, 1, 1, 1, 1, 0, 1, X],  # its last alerts began in month 6
            [X, 1, 1, 1, 0, 0, 0, X],  # not found: nothing stood in the two months before
        ]
    )
    outcome = find_defaults(lights, np.full(5, 7), PERIOD)
    assert outcome.caught.tolist() == [True, True, True, True, False]
    assert outcome.lead.tolist() == [2, 2, 2, 1, 0]
    assert outcome.stood.tolist() == [5, 6, 4, 1, 0]
    assert outcome.cut.tolist() == [False, True, False, False, False]


def test_the_median_of_how_long_alerts_stood_is_a_lower_bound_where_the_middle_one_is_cut():
    lights = np.array([[X, 0, 1, 1, 1, 1, 1, X], [X, 1, 1, 1, 1, 1, 1, X], [X, 1, 1, 1, 1, 1, X, X]])
    months = np.array([7, 7, 6])
    row = measure(lights[1:], months[1:], PERIOD)
    assert (row["stood_median"], row["stood_cut"]) == (5.5, True)
    # One that is cut at the top moves nothing: 5 stands in the middle of 2, 5 and 6 or more.
    short = np.array([[X, 0, 0, 0, 0, 1, 1, X]])
    row = measure(np.concatenate([short, lights[:2]]), np.full(3, 7), PERIOD)
    assert (row["lead_median"], row["stood_median"], row["stood_cut"]) == (2, 5, False)


def test_days_past_due_alone_flag_who_is_late_and_first_who_was_later_before():
    panel = four_loans()
    panel.days_past_due[1, 4:], panel.days_past_due[3, 4:], panel.days_past_due[3, 2] = 12, 12, 25
    history = make_history(panel, settings=SHORT)
    score = baseline_scores(history, settings=SHORT)["days_past_due"]
    # Of month 4: loans 1 and 3 are 12 days late, 3 was 25 days late two months before; 0 and 2 are not late.
    month = pd.Series(score, index=history.row)[history.month == 4]
    assert month.sort_values(ascending=False).dropna().index.tolist() == [3, 1]


def test_days_past_due_alone_find_no_default_that_nothing_announces(noise: Backtest):
    rows = noise.performance.query("method == 'days_past_due'")
    assert (rows["caught"] == 0).all()
    words = noise.comparisons.query("baseline == 'days_past_due'")["words"]
    assert words.str.contains("with 0.0, and no more are to be had").all()


def test_the_back_test_tells_what_each_threshold_costs(planted: Backtest):
    costs = planted.costs.set_index(["signal", "floor"])
    assert set(costs.query("floor == ''").index.get_level_values("signal")) == set(SIGNALS) - {
        "payment_shortfall",
        "inquiries",
    }  # nobody delivers them here
    # Utilisation rises before half of the defaults: its trend finds them, and the trend of debt-to-income does not.
    assert costs.loc[("util_trend", ""), "caught_alone"] > costs.loc[("dti_trend", ""), "caught_alone"]
    assert costs.loc[("util_trend", ""), "recall"] > costs.loc[("dti_trend", ""), "recall"] + 0.2
