"""The whole policy on a frame of loans, as the notebook goes about it, for tests of what is said of it."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit

from loantap.data.annuity import annuity
from loantap.exhibits import decision
from loantap.exhibits import policy as exhibits
from loantap.exhibits import policy_sentences as say
from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.policy import Basis
from loantap.model.economics import Economics, value_if_default, value_if_repaid
from loantap.policy.book import Book, make_book
from loantap.policy.composition import composition, expected_loss
from loantap.policy.design import Policy, design_policy
from loantap.policy.fairness import fairness
from loantap.policy.levers import Lever
from loantap.policy.listing import listed, thresholds_on
from loantap.policy.pincode import pincode_tiers
from loantap.policy.scenarios import break_even, scenarios, tornado, worst_corners
from loantap.policy.segments import segments
from loantap.policy.simulate import simulate, trade_off_curve
from loantap.policy.stress import shifts, stress, turns, vintages
from loantap.policy.verdicts import choose, verdicts


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


def chain(
    training: Book,
    test: Book,
    *,
    apart: tuple[Book, Book] | None = None,
    confidence: float = 0.95,
    repetitions: int = 50,
    score: str = "F2",
    min_cell: int = 10,
) -> SimpleNamespace:
    """Every policy made from a training book and judged on a test book, and out of time.

    Args:
        training: What policies are made from.
        test: What they are judged on.
        apart: Earlier and later loans; by default the training loans funded before and in the last quarter of their months.
        confidence: Of every interval and verdict.
        repetitions: Of the bootstrap.
        score: What the model's own threshold is best for.
        min_cell: The smallest count.
    """
    drawn: Any = {"repetitions": repetitions, "random_state": 0, "confidence": confidence}
    asked: Any = {"score": score, "required_return": 0.02, "forgone": 0.1, "min_cell": min_cell}
    if apart is None:
        issued = training.loans["issue_d"].to_numpy()
        since = np.sort(issued)[3 * len(issued) // 4]
        apart = training.part(issued < since), training.part(issued >= since)
    earlier, latest = apart

    def made(book: Book) -> tuple[dict[str, float], Policy, dict[str, Lever]]:
        at = thresholds_on(book, beta=2, capacity=0.2)
        designed = design_policy(book, min_cell=min_cell, thresholds=at, **drawn)
        return at, designed, listed(book, designed, thresholds=at, **asked)

    def riskier(points: float) -> np.ndarray:
        return np.asarray(expit(logit(test.probability) + 0.02 * points))

    thresholds, designed, policies = made(training)
    refusals = {name: policy.refuses(test) for name, policy in policies.items()}
    effects, varied = simulate(test, refusals, **drawn), scenarios(test, refusals)
    later = simulate(latest, {name: policy.refuses(latest) for name, policy in made(earlier)[2].items()}, **drawn)
    judged = verdicts(effects, varied, later)
    years = vintages(training, min_cell=min_cell)
    worst = years.loc[years["odds"].idxmax()] if len(years) else None
    groups = fairness(test, refusals, min_cell=min_cell, confidence=confidence)
    tables = {
        "composition": composition(test, refusals, min_cell=min_cell), "scenarios": varied, "corners": worst_corners(test, refusals),
        "stress": stress(test, refusals, shifts(test, worst=worst, riskier=riskier)), "turns": turns(test, refusals, riskier=riskier),
        "expected_loss": expected_loss(test, refusals), "gaps": groups.gaps, "later": later,
    }  # fmt: skip
    first_month = f"{latest.loans['issue_d'].min():%Y-%m}"
    entries = decision.records(policies, effects=effects, verdicts=judged, first_month=first_month, **tables)
    return SimpleNamespace(
        training=training, test=test, confidence=confidence, score=score, thresholds=thresholds, designed=designed, policies=policies,
        refusals=refusals, effects=effects, verdicts=judged, choice=choose(effects, judged), years=years, groups=groups.groups, entries=entries,
        drawn=drawn, min_cell=min_cell, **tables,
    )  # fmt: skip


def parts(made: SimpleNamespace) -> dict[str, Any]:
    """What `policy_result` takes, of a chain."""
    test, training, designed = made.test, made.training, made.designed
    told = pd.DataFrame([(one.id, one.title, one.finding) for one in designed.found.values()], columns=["name", "lever", "finding"])  # fmt: skip
    steps = pd.concat([designed.combination.steps.assign(reason=say.ADOPTED), designed.combination.left_out])
    sure = {"min_cell": made.min_cell, **made.drawn}
    return {
        "test": test, "training": training, "synthetic": True, "confidence": made.confidence, "score": made.score, "thresholds": made.thresholds,
        "entries": made.entries, "choice": made.choice, "levers": told.merge(made.effects, on="name", how="left"),
        "steps": steps.rename(columns={"title": "lever"}), "combined": simulate(test, designed.combination.cumulative(test), **made.drawn),
        "evidence": exhibits.evidence(designed.found, basis(made)), "gaps": exhibits.titled(made.gaps, made.entries),
        "segments": exhibits.with_product(segments(test, **sure)), "swings": tornado(training, test, made.years), "years": made.years,
        "break_even": break_even(test), "pincodes": pincode_tiers(training, test, **sure),
    }  # fmt: skip


def basis(made: SimpleNamespace) -> Basis:
    """What the numbers of a chain rest on."""
    return Basis(len(made.training.loans), len(made.test.loans), made.confidence)


def shown(made: SimpleNamespace, found: dict[str, Any]) -> list[Exhibit]:
    """Every exhibit of the policy: of a chain and its parts."""
    rests, result = basis(made), say.policy_result(**found)
    curve = trade_off_curve(made.test, **made.drawn)
    tables = {
        "assumptions": result["assumptions"], "tornado": found["swings"], "levers": found["levers"], "steps": found["steps"],
        "combined": found["combined"].assign(policy=found["combined"]["name"]), "segments": found["segments"],
    }  # fmt: skip
    detailed = {
        "scenarios": made.scenarios, "stress": made.stress, "turns": made.turns, "expected-loss": made.expected_loss, "gaps": made.gaps,
        "groups": made.groups,
    }  # fmt: skip
    caps = {name: made.designed.found[f"cap_{name}"] for name in ("dti", "revol_util")}
    several = [
        found["evidence"],
        exhibits.pincodes(found["pincodes"], rests),
        exhibits.sheet(made.entries, rests, curve=curve),
        exhibits.details(detailed, made.entries, rests),
    ]
    return [
        *(exhibits.table(name, rows, rests) for name, rows in tables.items()),
        *(one for some in several for one in some),
        exhibits.limits(caps, rests),
        exhibits.recommendation(result),
    ]
