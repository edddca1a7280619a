"""The decision sheet: what is recommended follows from the verdict, and a planted loss is found, judged and told."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from policy_parts import basis, books, chain, grade_risk, parts

from loantap.data.annuity import annuity
from loantap.data.ingest import ingest
from loantap.data.loan_file import open_loans
from loantap.exhibits import decision
from loantap.exhibits import decision_advice as advice
from loantap.exhibits import policy as exhibits
from loantap.exhibits import policy_sentences as say
from loantap.exhibits.economics import rounded, rounded_range
from loantap.exhibits.words import show
from loantap.model.economics import ASSUMPTIONS, Economics
from loantap.policy import scenarios as varied
from loantap.policy.book import Book, make_book
from loantap.policy.scenarios import scenarios
from loantap.policy.verdicts import (
    DEPENDS,
    LATER_LOSES,
    NOT_LATER,
    NOT_SHOWN,
    SHOWN,
    Choice,
    choose,
    verdicts,
)
from loantap.runs.results import RunFolder

pytestmark = pytest.mark.slow

LOSS = "loss_given_default"
ENTRY = {
    "name", "title", "rule", "n", "n_refused", "n_good_refused", "n_defaults_avoided", "profit_total", "composition", "approval_ratio",
    "scenarios", "worst_corner", "out_of_time", "stress", "turns", "expected_loss", "verdict", "reasons", "conditions", "gain_least", "gain_most",
    *(
        f"{name}{end}" for end in ("", "_low", "_high")
        for name in (
            "refused", "approved", "good_refused", "defaults_avoided", "default_rate_approved", "profit", "profit_change", "profit_total",
            "profit_per_100", "per_year", "gain",
        )
    ),
}  # fmt: skip


def planted(n: int, seed: int, *, rate: float = 0.9) -> Book:
    """Loans at 12% of which one in five, those of tenants in grade G, default at a rate, and a twentieth of the others."""
    rng = np.random.default_rng(seed)
    bad = rng.random(n) < 0.2
    probability = np.where(bad, 0.9, 0.05)
    amount = rng.integers(8, 60, n) * 500.0
    loans = pd.DataFrame(
        {
            "loan_amnt": amount, "int_rate": 12.0, "term": 36, "installment": annuity(pd.Series(amount), 12.0, 36).to_numpy(),
            "issue_d": pd.Timestamp("2013-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D"), "grade": np.where(bad, "G", "B"),
            "dti": rng.uniform(0, 35, n).round(2), "revol_util": rng.uniform(0, 100, n).round(1),
            "annual_inc": rng.gamma(4, 15_000, n).round(), "home_ownership": np.where(bad, "RENT", rng.choice(["OWN", "MORTGAGE", "RENT"], n)),
            "emp_title": "Nurse", "purpose": "car", "pincode": "00813",
            "default": (rng.random(n) < np.where(bad, rate, 0.05)).astype(int),
        }
    )  # fmt: skip
    # A model that errs a little, so that neighbours in risk are not all alike.
    return make_book(loans, np.clip(probability * rng.uniform(0.9, 1.1, n), 0.01, 0.97), Economics())


@pytest.fixture(scope="module")
def made() -> SimpleNamespace:
    return chain(planted(2_000, 0), planted(1_000, 1))


def entry(made: SimpleNamespace, name: str) -> Any:
    return decision.entries_by_name(made.entries)[name]


def retold(
    made: SimpleNamespace, *, ranges: pd.DataFrame | None = None, later: pd.DataFrame | None = None
) -> tuple[list[Any], Choice]:
    """The same effects with other scenarios, or judged on other later loans."""
    told = made.scenarios if ranges is None else ranges
    judged = verdicts(made.effects, told, later)
    tables = {
        name: getattr(made, name) for name in ("composition", "corners", "stress", "turns", "expected_loss", "gaps")
    }
    entries = decision.records(
        made.policies, effects=made.effects, verdicts=judged, scenarios=told, later=later, first_month="2014-01", **tables
    )  # fmt: skip
    return entries, choose(made.effects, judged)


# A planted loss


def test_a_group_that_loses_under_every_assumption_is_shown_and_recommended(made: SimpleNamespace):
    told = decision.recommended(made.entries, made.choice)
    assert told["verdict"] == SHOWN
    chosen = entry(made, told["name"])
    assert told["rules"] == [chosen["rule"]]
    assert told["candidate"] is None
    assert told["conditions"] == []
    assert told["effect"] == chosen
    # It refuses grade G and nobody else, 0.9 of whom default.
    by_grade = {row["level"]: row["refused"] for row in chosen["composition"]["grade"]}
    assert by_grade["G"] > 0.95
    assert by_grade["B"] < 0.05
    assert chosen["gain_low"] > 0
    assert chosen["gain_least"] > 0
    assert chosen["out_of_time"]["gain"] > 0
    assert all(
        row["turns_at"] != row["turns_at"] or not row["low"] <= row["turns_at"] <= row["high"]
        for row in chosen["scenarios"]
    )
    said = advice.recommendation(made.choice, made.entries, made.confidence)
    assert said.startswith(chosen["rule"][:1].upper() + chosen["rule"][1:])
    for words in (
        rounded(chosen["gain"], chosen["gain_low"], chosen["gain_high"]), rounded_range(chosen["gain_low"], chosen["gain_high"]),
        rounded(*(chosen["out_of_time"][name] for name in ("gain", "gain_low", "gain_high"))),
        rounded_range(chosen["gain_least"], chosen["gain_most"]), "95%", show(chosen["n"], "count"),
    ):  # fmt: skip
        assert words in said


@pytest.mark.parametrize(("name", "end", "value"), [(LOSS, "low", 0.0), ("default_after", "high", 1.0)])
def test_an_assumption_pushed_to_its_end_turns_shown_into_depends(
    made: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, name: str, end: str, value: float
):
    # If nothing is lost by a default, or all is paid before it, refusing gains nothing.
    pushed = tuple(one.model_copy(update={end: value}) if one.name == name else one for one in ASSUMPTIONS)
    monkeypatch.setattr(varied, "ASSUMPTIONS", pushed)
    entries, choice = retold(made, ranges=scenarios(made.test, made.refusals), later=made.later)
    told = decision.recommended(entries, choice)
    assert told["verdict"] == DEPENDS
    assert told["rules"] == []
    chosen = decision.entries_by_name(entries)[told["name"]]
    assert told["candidate"] == {key: chosen[key] for key in ("name", "title", "rule")}
    row = next(row for row in chosen["scenarios"] if row["assumption"] == name)
    assert row["low"] <= row["turns_at"] <= row["high"]
    assert len(told["conditions"]) == 1
    side = "above" if row["turns_at"] < row["default"] else "below"
    for words in (row["label"], side, show(row["turns_at"], "rate"), show(row["default"], "rate")):
        assert words in told["conditions"][0]
    said = advice.recommendation(choice, entries, made.confidence)
    assert said.startswith("Do not change the policy yet")
    assert told["conditions"][0] in said
    assert chosen["rule"] in said


def test_the_value_at_which_it_turns_is_that_of_the_line(made: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        varied,
        "ASSUMPTIONS",
        tuple(one.model_copy(update={"low": 0.0}) if one.name == LOSS else one for one in ASSUMPTIONS),
    )
    rows = scenarios(made.test, made.refusals).set_index(["name", "assumption"])
    row = rows.loc[("own_price", LOSS)]
    # Profit is linear in what is lost of the balance.
    slope = (row["gain_high"] - row["gain_low"]) / row["high"]
    assert row["turns_at"] == pytest.approx(-row["gain_low"] / slope, abs=1e-4)


def test_a_loss_on_later_loans_turns_shown_into_not_shown(made: SimpleNamespace):
    # In the last loans the group that the policies refuse repaid as everybody does.
    turned = chain(made.training, made.test, apart=(planted(1_000, 2), planted(600, 3, rate=0.02)))
    told = decision.recommended(turned.entries, turned.choice)
    assert (told["verdict"], told["name"], told["rules"], told["candidate"]) == (NOT_SHOWN, None, [], None)
    loses = entry(turned, "own_price")
    assert loses["why"] == LATER_LOSES
    assert loses["out_of_time"]["gain"] < 0
    assert f"{pd.Timestamp(loses['out_of_time']['first_month']):%B %Y}" in loses["reasons"][0]
    assert "lost about" in loses["reasons"][0]
    assert advice.recommendation(turned.choice, turned.entries, 0.95).startswith("Do not change the policy yet")


def test_what_cannot_be_judged_on_later_loans_is_not_shown(made: SimpleNamespace):
    entries, choice = retold(made, later=None)
    assert choice == Choice(NOT_SHOWN, None)
    assert decision.recommended(entries, choice)["rules"] == []
    refusing = [one for one in entries if one["n_refused"] and one["gain_low"] > 0]
    assert refusing
    assert {one["why"] for one in refusing} == {NOT_LATER}
    assert all(one["out_of_time"] is None and len(one["reasons"]) == 1 for one in refusing)


def test_of_the_policies_of_one_verdict_the_largest_gain_is_asked_about(made: SimpleNamespace):
    shown = [one for one in made.entries if one["verdict"] == SHOWN]
    assert len(shown) > 1
    assert made.choice.name == max(shown, key=lambda one: one["gain"])["name"]


# The entries


def test_an_entry_holds_every_part_of_the_sheet(made: SimpleNamespace):
    assert [one["name"] for one in made.entries] == list(made.policies)
    for one in made.entries:
        assert set(one) >= ENTRY, one["name"]
        assert (one["reasons"] == []) == (one["verdict"] != NOT_SHOWN)
        assert (one["conditions"] == []) == (one["verdict"] != DEPENDS)
        assert {row["assumption"] for row in one["scenarios"]} == {each.name for each in ASSUMPTIONS}
        assert set(one["worst_corner"]["values"]) == {each.name for each in ASSUMPTIONS}
        assert one["gain_least"] == min(row["gain_least"] for row in one["scenarios"])
        assert one["gain_most"] == max(row["gain_most"] for row in one["scenarios"])
        assert one["gain_least"] <= one["gain"] + 1e-6
        assert one["gain"] <= one["gain_most"] + 1e-6
        for levels in one["composition"].values():
            assert sum(row["n"] for row in levels) == one["n"]
            assert sum(row["n_refused"] for row in levels) == one["n_refused"]
        assert sum(row["n_granted"] for row in one["expected_loss"]) == one["n"] - one["n_refused"]


def test_who_refuses_nobody_is_not_shown_and_gains_nothing(made: SimpleNamespace):
    nobody = entry(made, "approve all")
    assert (nobody["verdict"], nobody["n_refused"]) == (NOT_SHOWN, 0)
    assert [nobody[name] for name in ("gain", "gain_low", "gain_high", "gain_least", "gain_most")] == [0] * 5
    assert nobody["worst_corner"]["gain"] == 0
    assert nobody["approval_ratio"] is None


def test_the_approval_ratio_of_an_entry_is_the_lowest_of_its_policy(made: SimpleNamespace):
    for one in made.entries:
        rows = made.gaps[(made.gaps["rule"] == one["name"]) & (made.gaps["gap"] > 0)].dropna(subset=["approval_ratio"])
        if rows.empty:
            assert one["approval_ratio"] is None
            continue
        lowest = rows.loc[rows["approval_ratio"].idxmin()]
        told = one["approval_ratio"]
        assert (told["attribute"], told["group"], told["against"]) == (
            lowest["attribute"],
            lowest["highest"],
            lowest["lowest"],
        )
        assert [told["ratio"], told["ratio_low"], told["ratio_high"]] == lowest[["approval_ratio", "approval_ratio_low", "approval_ratio_high"]].tolist()  # fmt: skip


def test_the_result_can_be_written_and_recommends_what_the_entries_say(made: SimpleNamespace, tmp_path):
    run = RunFolder(tmp_path)
    run.write_result("policy", say.policy_result(**parts(made)))
    told = run.result("policy")
    assert [one["name"] for one in told["policies"]] == list(made.policies)
    assert set(told["thresholds"]) == {"f2", "profit", "capacity"}
    assert told["recommended"]["rules"] == [
        next(one["rule"] for one in told["policies"] if one["name"] == told["recommended"]["name"])
    ]
    assert told["recommended"]["verdict"] == SHOWN


# Sentences and tables, by hand


def row(n: int, refused: float, level: str) -> dict[str, Any]:
    return {"level": level, "n": n, "n_refused": round(n * refused), "refused": refused}


def told_of(
    name: str, *, gain: float = 10.0, n_refused: int = 20, refused: tuple[float, float] = (0.5, 0.1), **more: Any
) -> dict[str, Any]:
    composition = {
        "grade": [row(40, refused[0], "A"), row(60, refused[1], "G")], "term": [row(70, 0.3, "36"), row(30, 0.2, "60")],
    }  # fmt: skip
    return {
        "name": name, "title": f"the {name}", "rule": f"refuse by {name}", "n": 100, "n_refused": n_refused, "gain": gain, "gain_low": -5.0,
        "gain_high": 25.0, "composition": composition, "defaults_avoided": 0.361, "good_refused": 0.281, "profit_per_100": 3.98,
        "approval_ratio": None, "out_of_time": None, "reasons": ["It may be chance."], "conditions": [], "verdict": NOT_SHOWN, **more,
    }  # fmt: skip


def test_as_many_refusals_by_risk_are_put_beside_those_by_price():
    price = told_of("own_price")
    risk = told_of("risk_cut_off", defaults_avoided=0.538, good_refused=0.237, profit_per_100=2.1)
    said = decision.against_risk([price, risk])
    for words in ("50.0% of grade A", "10.0% of grade G", "30.0% of 36-month", "20.0% of 60-month", "53.8%", "36.1%", "23.7%", "28.1%", "2.10", "3.98"):  # fmt: skip
        assert words in said
    assert said.endswith("not the risky ones.")  # it refuses more of the best grade than of the worst
    other_way = decision.against_risk([told_of("own_price", refused=(0.1, 0.5)), risk])
    assert "not the risky ones" not in other_way
    assert decision.against_risk([told_of("own_price", n_refused=0), risk]) == ""
    assert decision.against_risk([risk]) == ""


def test_without_a_policy_that_refuses_anybody_nothing_is_recommended():
    said = advice.recommendation(Choice(NOT_SHOWN, None), [told_of("approve all", n_refused=0, gain=0.0)], 0.9)
    assert said.startswith("Do not change the policy yet")
    assert "declines anybody" in said


def test_where_nothing_is_shown_the_largest_gain_is_told_all_the_same():
    entries = [told_of("approve all", n_refused=0, gain=0.0), told_of("cap", gain=7.0), told_of("price", gain=12.0)]
    said = advice.recommendation(Choice(NOT_SHOWN, None), entries, 0.9)
    for words in ("refuse by price", "gained about 12 on 100 test loans", "-5 to 25", "90%"):
        assert words in said
    assert "refuse by cap" not in said


def ratio(low: float, value: float, high: float) -> dict[str, Any]:
    return {
        "attribute": "income",
        "group": "up to 40,000",
        "against": "over 90,000",
        "ratio": value,
        "ratio_low": low,
        "ratio_high": high,
    }


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0.5, 0.6, 0.7), "The whole interval is below the four-fifths mark"),
        ((0.6, 0.75, 0.85), "That is below the four-fifths mark"),
        ((0.7, 0.8, 0.9), "That is not below the four-fifths mark"),
    ],
)
def test_the_four_fifths_mark_is_named_as_what_it_is(numbers: tuple[float, float, float], words: str):
    said = decision.fair(told_of("price", approval_ratio=ratio(*numbers)))
    assert words in said
    for one in ("up to 40,000", "over 90,000", f"{numbers[1]:.2f}", "screening mark", "no law by itself"):
        assert one in said


def test_too_few_good_customers_are_said_to_be():
    assert "too few" in decision.fair(told_of("price"))


@pytest.mark.parametrize(("turns_at", "side"), [(0.693, "above"), (0.8, "below")])
def test_a_condition_names_the_assumption_and_the_value_at_which_the_gain_turns(turns_at: float, side: str):
    row = {"label": "loss given default", "low": 0.4, "default": 0.75, "high": 1.0, "turns_at": turns_at}
    told = decision.condition(row | {"gain_low": -1.0, "gain_high": 1.0})
    assert told.startswith(f"loss given default {side} {show(turns_at, 'rate')} (")
    assert "75.0%" in told
    assert "40.0 to 100.0%" in told


@pytest.mark.parametrize(("turns_at", "gain_high"), [(0.6, -1.0), (float("nan"), 1.0)])
def test_a_gain_that_both_ends_turn_is_said_to_hold_near_what_is_assumed_only(turns_at: float, gain_high: float):
    row = {"label": "loss given default", "low": 0.4, "default": 0.75, "high": 1.0, "turns_at": turns_at}
    told = decision.condition(row | {"gain_low": -1.0, "gain_high": gain_high})
    assert told == "loss given default close to 75.0%, which is assumed (plausible 40.0 to 100.0%)"


def test_policies_that_refuse_the_same_loans_share_a_column(made: SimpleNamespace):
    entries = [
        told_of("approve all", n_refused=0), told_of("own_price", refused=(0.5, 0.1)), told_of("combined", refused=(0.5, 0.1)),
        told_of("risk_cut_off", gain=4.0, refused=(0.1, 0.6)), told_of("threshold_f2", n_refused=70, refused=(0.9, 1.0)),
        told_of("cap_dti", n_refused=3, refused=(0.0, 0.1)),
    ]  # fmt: skip
    told = exhibits.composition_table(entries, basis(made))
    titles = [
        f"The {name}" for name in ("own_price", "risk_cut_off", "threshold_f2")
    ]  # a lever by itself has no column
    assert list(told.columns)[2:] == titles
    assert told.table["loans"].tolist() == [40, 60, 70, 30]
    assert told.table[titles].to_numpy().tolist() == [
        [0.5, 0.1, 0.9],
        [0.1, 0.6, 1.0],
        [0.3, 0.3, 0.3],
        [0.2, 0.2, 0.2],
    ]
    assert told.title == "The grade declined most: A by The own_price; G by The risk_cut_off and The threshold_f2"


def test_the_sheet_has_every_policy_and_its_surety_those_that_refuse_somebody(made: SimpleNamespace):
    curve = pd.DataFrame(
        {
            "threshold": [0.5],
            "refused": [0.1],
            "good_refused": [0.1],
            "defaults_avoided": [0.3],
            "default_rate_approved": 0.1,
        }
    )
    curve = curve.assign(profit_per_100=1.0, profit_per_100_low=0.5, profit_per_100_high=1.5)
    told = {one.name: one.table for one in exhibits.sheet(made.entries, basis(made), curve=curve)}
    assert len(told["policy-sheet"]) == len(made.entries)
    for name in ("policy-surety", "policy-verdicts"):
        assert len(told[name]) == sum(one["n_refused"] > 0 for one in made.entries)
    nobody = [one for one in made.entries if one["name"] == "approve all"]
    assert [one.name for one in exhibits.sheet(nobody, basis(made), curve=curve)] == [
        "policy-sheet",
        "policy-trade-off",
    ]


# The real sample


def test_on_the_real_sample_nothing_is_recommended_that_is_not_shown(real_file: Path, tmp_path: Path):
    ingest(open_loans(real_file), loans_path=tmp_path / "loans.parquet", quarantine_path=None)
    real_loans = pd.read_parquet(tmp_path / "loans.parquet")
    real = chain(*books(real_loans, grade_risk(real_loans), Economics(), seed=0))
    told = decision.recommended(real.entries, real.choice)
    assert bool(told["rules"]) == (told["verdict"] == SHOWN)
    assert (told["candidate"] is not None) == (told["verdict"] == DEPENDS)
    for one in real.entries:
        if one["verdict"] == SHOWN:
            assert min(one["gain_low"], one["gain_least"], one["out_of_time"]["gain"]) > 0
        if one["verdict"] == DEPENDS:
            assert one["gain_low"] > 0 >= one["gain_least"]
    said = advice.recommendation(real.choice, real.entries, real.confidence)
    assert said.startswith("Do not change the policy yet") == (told["verdict"] != SHOWN)
