"""The whole policy on a frame of loans, as the notebook goes about it, for tests of what is said of it."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from loantap.data.annuity import annuity
from loantap.decisions.policy.book import Book, make_book
from loantap.decisions.policy.design import design_policy
from loantap.decisions.policy.fairness import fairness
from loantap.decisions.policy.levers import OwnPrice, Threshold
from loantap.decisions.policy.pincode import pincode_tiers
from loantap.decisions.policy.segments import segments
from loantap.decisions.policy.sensitivity import break_even, tornado
from loantap.decisions.policy.simulate import simulate, trade_off_curve
from loantap.exhibits import policy as exhibits
from loantap.exhibits import policy_sentences as say
from loantap.exhibits.exhibit import Exhibit, together
from loantap.exhibits.policy import Basis
from loantap.model.economics import Economics, value_if_default, value_if_repaid
from loantap.model.profit import best_profit_threshold


def grade_risk(loans: pd.DataFrame) -> np.ndarray:
    """A model: the default rate of each loan's grade, a little higher with DTI, shape (n,)."""
    rate = loans.groupby("grade", observed=True)["default"].transform("mean").to_numpy(dtype=float)
    dti = loans["dti"].rank(pct=True).to_numpy(dtype=float)
    return np.clip(rate * (0.8 + 0.4 * dti), 0.01, 0.9)


def alike(loans: pd.DataFrame) -> tuple[pd.DataFrame, Economics]:
    """Loans at one rate and term, and the assumptions under which each earns nothing at the default rate of all.

    If outcomes depend on nothing, no rule gains or loses anything by these loans: the hardest case for a verdict.
    """
    loans = loans.assign(term=60, int_rate=13.0, installment=annuity(loans["loan_amnt"], 13.0, 60))
    rate = loans["default"].mean()

    def earned(cost: float) -> float:
        economics = Economics().with_("funding_cost", cost)
        return float(((1 - rate) * value_if_repaid(loans, economics) + rate * value_if_default(loans, economics)).sum())

    return loans, Economics().with_("funding_cost", brentq(earned, 0.0, 0.5))


def books(loans: pd.DataFrame, probability: np.ndarray, economics: Economics, *, seed: int) -> tuple[Book, Book]:
    """Three quarters of the loans for training, the others for the test."""
    rows = np.random.default_rng(seed).permutation(len(loans))
    cut = 3 * len(loans) // 4
    training, test = (make_book(loans.iloc[part], probability[part], economics) for part in (rows[:cut], rows[cut:]))
    return training, test


def parts(training: Book, test: Book, *, confidence: float = 0.95, repetitions: int = 50) -> dict[str, Any]:
    """What `policy_result` takes."""
    drawn: Any = {"repetitions": repetitions, "random_state": 0, "confidence": confidence}
    thresholds = {"f2": 0.12, "profit": best_profit_threshold(training.probability, training.realised)}
    rules = [*(Threshold(name, at) for name, at in thresholds.items()), OwnPrice()]
    designed = design_policy(training, min_cell=10, thresholds=thresholds, **drawn)
    levers = {name: one.lever.refuses(test) for name, one in designed.found.items() if one.lever}
    effects = simulate(test, {"approve all": test.probability > 1} | {rule.id: rule.refuses(test) for rule in rules}, **drawn)  # fmt: skip
    alone = simulate(test, levers, **drawn) if levers else effects[:0]
    told = pd.DataFrame([(one.id, one.title, one.finding) for one in designed.found.values()], columns=["name", "lever", "finding"])  # fmt: skip
    steps = pd.concat([designed.combination.steps.assign(reason=say.ADOPTED), designed.combination.left_out])
    refusals = {say.COMBINED: designed.combination.refuses(test), "F2 threshold": rules[0].refuses(test)}
    return {
        "test": test, "training": training, "synthetic": True, "confidence": confidence, "score": "F2", "thresholds": thresholds, "effects": effects,
        "designed": designed, "levers": told.merge(alone, on="name", how="left"), "steps": steps.rename(columns={"title": "lever"}),
        "combined": simulate(test, designed.combination.cumulative(test), **drawn), "plain": simulate(test, designed.plain.cumulative(test), **drawn),
        "gaps": fairness(test, refusals, min_cell=10, confidence=confidence).gaps, "segments": exhibits.with_product(segments(test, min_cell=10, **drawn)),
        "swings": tornado(training, test, confidence=confidence), "break_even": break_even(test),
        "pincodes": pincode_tiers(training, test, min_cell=10, **drawn),
    }  # fmt: skip


def shown(found: dict[str, Any]) -> list[Exhibit]:
    """Every exhibit of the policy."""
    test, training, confidence = found["test"], found["training"], found["confidence"]
    basis, designed = Basis(len(training.loans), len(test.loans), confidence), found["designed"]
    drawn: Any = {"repetitions": 20, "random_state": 0, "confidence": confidence}
    curve = trade_off_curve(test, **drawn)
    effects = found["effects"].assign(policy=found["effects"]["name"])
    groups = fairness(test, {say.COMBINED: test.expected < 0}, min_cell=10, confidence=confidence).groups
    result = say.policy_result(**found)
    tables = {
        "assumptions": result["assumptions"], "tornado": found["swings"], "thresholds": effects, "levers": found["levers"], "steps": found["steps"],
        "combined": found["combined"].assign(policy=found["combined"]["name"]), "segments": found["segments"],
        "groups": groups, "gaps": found["gaps"],
    }  # fmt: skip
    caps = {name: designed.found[f"cap_{name}"] for name in ("dti", "revol_util")}
    return [
        *(exhibits.table(name, rows, basis) for name, rows in tables.items()),
        *together(exhibits.evidence(designed.found, basis), exhibits.pincodes(found["pincodes"], basis)),
        exhibits.limits(caps, basis),
        exhibits.table("trade-off", curve, basis, points=effects),
        exhibits.recommendation(result),
    ]
