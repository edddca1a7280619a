"""Which levers are adopted, in which order, and why others are left out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_books import random_book, small_book

from loantap.policy.design import Marginal, combine, design_policy
from loantap.policy.groupings import Grouping
from loantap.policy.levers import Cap, Exclusion, OwnPrice, Threshold, refused_by
from loantap.policy.limits import Found, found
from loantap.policy.simulate import simulate

HOME, GRADE, PROFESSION = Grouping("home_ownership"), Grouping("grade"), Grouping("profession_group")


def combined(book, levers, *, min_cell=1, repetitions=100):
    candidates = [found(book, lever, min_cell=min_cell) for lever in levers]
    marginal = Marginal.of(book, levers, repetitions=repetitions, random_state=0)
    return combine(marginal, candidates, min_cell=min_cell)


def by_hand():
    """Six kinds of loans of 100, 50 of each, half of them defaults.

    expected  realised  home  grade  DTI  utilisation  profession
          -4        -4  RENT      A   10           50           X
          -3        -3   OWN      A   30           50           X
          -3        -3   OWN      A   30           50           X
          -2        -2   OWN      B   30           50           X
          -1        +2   OWN      C   10           90           X
          +5        +5   OWN      A   10           50           Y
    """
    kinds = [
        (-4, -4, "RENT", "A", 10, 50, "X"), (-3, -3, "OWN", "A", 30, 50, "X"), (-3, -3, "OWN", "A", 30, 50, "X"),
        (-2, -2, "OWN", "B", 30, 50, "X"), (-1, 2, "OWN", "C", 10, 90, "X"), (5, 5, "OWN", "A", 10, 50, "Y"),
    ]  # fmt: skip
    expected, realised, home, grade, dti, utilisation, profession = (np.repeat(part, 50) for part in zip(*kinds, strict=True))  # fmt: skip
    return small_book(
        expected=expected,
        realised=realised,
        home_ownership=home,
        grade=grade,
        dti=dti.astype(float),
        revol_util=utilisation.astype(float),
        profession_group=profession,
        default=np.tile([0, 1], 150),
    )


LEVERS = [Exclusion(HOME, ("RENT",)), Exclusion(GRADE, ("B",)), Cap("dti", 20), Cap("revol_util", 80), Exclusion(PROFESSION, ("Y",))]  # fmt: skip


def test_the_lever_that_adds_most_comes_first_and_gains_are_marginal():
    # Money asked for: 300 * 100. The cap on DTI refuses 50 * (3 + 3 + 2) = 400 of losses, RENT 50 * 4 = 200; grade B is
    # among those whom the cap refuses already. Per 100 asked for: 400 / 300 and 200 / 300.
    policy = combined(by_hand(), LEVERS)
    assert policy.steps["id"].tolist() == ["cap_dti", "exclude_home_ownership"]
    assert policy.steps["n_refused"].tolist() == [150, 50]
    assert policy.steps["expected_gain"].tolist() == pytest.approx([4 / 3, 2 / 3])
    assert policy.steps["realised_gain"].tolist() == pytest.approx([4 / 3, 2 / 3])
    assert (policy.steps["realised_gain_low"] > 0).all()
    assert policy.steps["rule"].tolist() == [
        "decline applications with DTI above 20",
        "decline applications with home ownership RENT",
    ]


def test_the_others_are_left_out_for_a_reason():
    left_out = combined(by_hand(), LEVERS).left_out.set_index("id")
    assert left_out["reason"].to_dict() == {
        "exclude_grade": "declines nobody whom the adopted limits do not",
        "cap_revol_util": "realised gain not shown",
        "exclude_profession_group": "expected profit falls",
    }
    # The cap on utilisation would add 50 * 1 by the model and takes away 50 * 2 in fact.
    assert left_out.loc["cap_revol_util", "expected_gain"] == pytest.approx(50 / 300)
    assert left_out.loc["cap_revol_util", "realised_gain"] == pytest.approx(-100 / 300)
    assert left_out.loc["exclude_profession_group", "expected_gain"] == pytest.approx(-250 / 300)
    assert left_out.loc["exclude_grade", "n_refused"] == 0


def test_a_gain_that_may_be_chance_is_not_adopted():
    # 100 loans that earn 39 or lose 41 in turn: -1 on average, with a standard error of 40 / 100^0.5 = 4. Refusing them gains
    # 100 of the 20,000 asked for, 0.5 per 100: above 0, but not beyond doubt.
    expected, home = np.repeat([-1.0, 5.0], 100), np.repeat(["RENT", "OWN"], 100)
    realised = np.where(home == "RENT", np.tile([39.0, -41.0], 100), 5.0)
    policy = combined(small_book(expected=expected, realised=realised, home_ownership=home), [Exclusion(HOME, ("RENT",))])  # fmt: skip
    assert policy.adopted == ()
    row = policy.left_out.iloc[0]
    assert row["reason"] == "realised gain not shown"
    assert row["realised_gain"] == pytest.approx(0.5)
    assert row["realised_gain_low"] < 0 < row["realised_gain_high"]


def test_the_more_levers_are_tried_the_surer_a_gain_has_to_be():
    # Refusing RENT gains 9 for each of 400 loans, give or take 40 / 400^0.5 = 2 each, of 80,000 asked for: 4.5 standard errors.
    # OWN gains 5 for each, 2.5 standard errors: enough for one lever (1.96), too little for the best of ten (2.81).
    home = np.repeat(["RENT", "OWN"], 400)
    realised = np.where(home == "RENT", -9.0, -5.0) + np.tile([40.0, -40.0], 400)
    book = small_book(expected=[-5.0] * 800, realised=realised, home_ownership=home, default=np.tile([0, 1], 400))
    own = Exclusion(HOME, ("OWN",))
    marginal = Marginal.of(book, [own], repetitions=500, random_state=0)
    assert marginal.gains([], min_cell=1).loc["exclude_home_ownership", "reason"] == ""
    of_ten = marginal.gains([], min_cell=1, tried=10).loc["exclude_home_ownership"]
    assert (of_ten["reason"], of_ten["realised_gain_low"] > 0) == ("realised gain not shown", True)
    rent = Marginal.of(book, [Exclusion(HOME, ("RENT",))], repetitions=500, random_state=0)
    assert rent.gains([], min_cell=1, tried=10)["reason"].tolist() == [""]


def test_another_confidence_asks_for_more_or_less():
    book, lever = random_book(400, seed=4), Cap("dti", 30)
    widths = []
    for confidence in (0.5, 0.95, 0.999):
        marginal = Marginal.of(book, [lever], repetitions=200, random_state=0, confidence=confidence)
        row = marginal.gains([], min_cell=1).iloc[0]
        widths.append(row["realised_gain_high"] - row["realised_gain_low"])
    assert widths == sorted(widths)
    assert widths[0] < widths[1] < widths[2]


def test_the_cumulative_rules_refuse_what_each_step_adds():
    book = by_hand()
    policy = combined(book, LEVERS)
    rules = policy.cumulative(book)
    assert list(rules) == ["approve all", "cap_dti", "exclude_home_ownership"]
    assert [refused.sum() for refused in rules.values()] == [0, 150, 200]
    assert (rules["exclude_home_ownership"] == policy.refuses(book)).all()


def test_what_was_not_found_is_left_out_for_its_own_reason():
    book = by_hand()
    none = Found("cap_income", "cap on income", None, "expected profit never turns negative", *[None] * 2)  # type: ignore[arg-type]
    marginal = Marginal.of(book, [OwnPrice()], repetitions=20, random_state=0)
    policy = combine(marginal, [none, found(book, OwnPrice(), min_cell=1)], min_cell=1)
    assert policy.steps["id"].tolist() == ["own_price"]
    assert policy.left_out[["id", "rule", "reason"]].to_numpy().tolist() == [["cap_income", "", "expected profit never turns negative"]]  # fmt: skip
    assert policy.left_out[["n_refused", "expected_gain", "realised_gain"]].isna().all(axis=None)


def test_too_few_others_are_no_ground_for_adopting_a_lever():
    # Grade B is refused by the cap but for 4 of its loans.
    book = small_book(
        expected=[-5.0] * 40 + [-5.0] * 4 + [5.0] * 40,
        grade=["A"] * 20 + ["B"] * 24 + ["A"] * 40,
        dti=[30.0] * 40 + [10.0] * 44,
        default=np.tile([0, 1], 42),
    )
    policy = combined(book, [Cap("dti", 20), Exclusion(GRADE, ("B",))], min_cell=5)
    assert policy.steps["id"].tolist() == ["cap_dti"]
    row = policy.left_out.iloc[0]
    assert row["reason"] == "declines too few others to tell"
    assert row[["n_refused", "expected_gain", "realised_gain"]].isna().all()


def test_without_levers_everybody_is_approved():
    book = by_hand()
    policy = combined(book, [])
    assert policy.adopted == ()
    assert policy.steps.empty
    assert policy.left_out.empty
    assert not policy.refuses(book).any()
    assert list(policy.cumulative(book)) == ["approve all"]


def test_the_interval_of_a_marginal_gain_is_that_of_a_plain_loop():
    book = random_book(200, seed=4)
    first, second = Cap("dti", 30), Cap("revol_util", 70)
    gains = Marginal.of(book, [first, second], repetitions=50, random_state=9).gains(["cap_dti"], min_cell=1)
    fresh = second.refuses(book) & ~first.refuses(book)
    rng, drawn = np.random.default_rng(9), []
    for _ in range(50):
        rows = rng.integers(0, 200, 200)
        drawn.append(-100 * book.realised[rows][fresh[rows]].sum() / book.amount[rows].sum())
    row = gains.loc["cap_revol_util"]
    assert row["realised_gain"] == pytest.approx(-100 * book.realised[fresh].sum() / book.amount.sum())
    # The same draws, so only rounding differs.
    assert row[["realised_gain_low", "realised_gain_high"]].tolist() == pytest.approx(list(np.quantile(drawn, [0.025, 0.975])), rel=1e-9)  # fmt: skip
    assert (gains.loc["cap_dti", "n_refused"], gains.loc["cap_dti", "expected_gain"]) == (0, 0)


@settings(max_examples=30)
@given(st.integers(0, 50), st.floats(0.05, 0.5), st.floats(5, 40), st.floats(20, 100))
def test_marginal_gains_add_up_to_the_effect_of_the_whole(seed: int, at: float, dti: float, utilisation: float):
    book = random_book(200, seed=seed)
    levers = [Threshold("profit", at), Cap("dti", dti), Cap("revol_util", utilisation), OwnPrice()]
    policy = combined(book, levers, repetitions=20)
    table = simulate(book, policy.cumulative(book), repetitions=20, random_state=0)
    assert policy.steps["realised_gain"].sum() == pytest.approx(table["profit_change"].iloc[-1], abs=1e-9)
    assert policy.steps["n_refused"].sum() == table["n_refused"].iloc[-1] == policy.refuses(book).sum()
    assert table["n_approved"].is_monotonic_decreasing
    whole = -100 * book.expected[policy.refuses(book)].sum() / book.amount.sum()
    assert policy.steps["expected_gain"].sum() == pytest.approx(whole, abs=1e-9)


@settings(max_examples=30)
@given(st.integers(0, 50))
def test_no_lever_left_out_would_still_be_worth_adopting(seed: int):
    book = random_book(200, seed=seed)
    levers = [Threshold("profit", 0.3), Cap("dti", 20), Cap("revol_util", 70)]
    policy = combined(book, levers, repetitions=20)
    for lever in set(levers) - set(policy.adopted):
        more = refused_by([*policy.adopted, lever], book) & ~policy.refuses(book)
        row = policy.left_out.set_index("id").loc[lever.id]
        assert row["expected_gain"] == pytest.approx(-100 * book.expected[more].sum() / book.amount.sum(), abs=1e-9)
        assert row["expected_gain"] <= 0 or row["reason"] == "realised gain not shown"


CANDIDATES = [
    "threshold_profit", "own_price", "amount_by_risk_tier", "term_by_risk_tier", "cap_dti", "cap_revol_util", "amount_by_grade",
    "term_by_grade", "exclude_home_ownership", "exclude_profession_group",
]  # fmt: skip


def designed(book):
    return design_policy(book, min_cell=10, repetitions=60, random_state=0, thresholds={"f2": 0.12, "profit": 0.3})


def test_every_candidate_is_adopted_or_left_out_and_the_f2_threshold_is_none():
    policy = designed(random_book(2_000))
    assert list(policy.found) == CANDIDATES
    told = policy.combination.steps["id"].tolist() + policy.combination.left_out["id"].tolist()
    assert sorted(told) == sorted(CANDIDATES)
    assert policy.found["threshold_profit"].lever == Threshold("profit", 0.3)


def test_once_a_loan_has_to_pay_at_its_own_price_nothing_adds_to_expected_profit():
    policy = designed(random_book(2_000))
    assert policy.combination.steps["id"].tolist() == ["own_price"]
    with_lever = policy.combination.left_out.dropna(subset=["n_refused"])
    assert set(with_lever["reason"]) <= {"expected profit falls", "declines nobody whom the adopted limits do not"}


def test_the_plain_policy_needs_no_model():
    plain = designed(random_book(2_000)).plain
    told = set(plain.steps["id"]) | set(plain.left_out["id"])
    assert told == {one for one in CANDIDATES if "tier" not in one} - {"own_price", "threshold_profit"}


def test_a_planted_rule_is_adopted_and_holds_on_new_loans():
    def drawn(seed: int):
        rng = np.random.default_rng(seed)
        dti = rng.uniform(0, 40, 3_000).round(2)
        probability = np.where(dti > 24, 0.5, 0.1)
        default = (rng.random(3_000) < probability).astype(int)
        # Repaid earns 10 and a default loses 40: -15 expected above 24, +5 below.
        return small_book(expected=10 - 50 * probability, realised=10 - 50 * default, default=default, dti=dti, probability=probability)  # fmt: skip

    training, test = drawn(0), drawn(1)
    policy = designed(training)
    assert policy.plain.adopted == (Cap("dti", 24),)
    row = simulate(test, {"plain": policy.plain.refuses(test)}, repetitions=100, random_state=0).iloc[0]
    # Two fifths of the loans are refused, each with a gain of 15: 6 per 100 asked for. One loan's part in it has a variance of
    # 0.4 * (15^2 + 25^2) - 6^2 = 304, so the standard error is (304 / 3,000)^0.5 = 0.32; four of them are allowed.
    assert row["profit_change"] == pytest.approx(6, abs=1.3)
    assert row["profit_change_low"] > 0


def test_the_pincode_changes_nothing():
    book = random_book(800)
    leaky = random_book(800, pincode=np.where(book.default, "93700", "00813"))
    assert designed(book).combination.steps.equals(designed(leaky).combination.steps)
    assert {one.finding for one in designed(book).found.values()} == {one.finding for one in designed(leaky).found.values()}  # fmt: skip
