"""The claims' verdicts on the published counts, where the answers are known, and the rule that makes them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from loantap.analysis.claim_counts import PortfolioCounts, counts_of_loans, read_counts
from loantap.analysis.claim_list import Claim, columns_of, factors_of, load_claims
from loantap.analysis.claims import CANNOT, CONTRADICTED, NO_EVIDENCE, SUPPORTED, VERDICTS, ClaimResult, evaluate_claims
from loantap.analysis.counts import FrameCounts
from loantap.errors import InputError
from loantap.settings import project_root

CLAIMS = load_claims()
KNOWN = {
    "portfolio-shares": SUPPORTED, "amount": SUPPORTED, "pincode": SUPPORTED, "pincode-11650": SUPPORTED,
    "pincode-86630": SUPPORTED, "pincode-48052": CONTRADICTED, "pincode-70466": CONTRADICTED,
    "pincode-30723": CONTRADICTED, "term": SUPPORTED, "grade": SUPPORTED, "dti": SUPPORTED, "utilisation": SUPPORTED,
    "grade-a": SUPPORTED, "mortgage": SUPPORTED, "directors": SUPPORTED, "project-managers": SUPPORTED,
    "teachers": NO_EVIDENCE, "managers": CONTRADICTED, "model-accuracy": CANNOT, "model-recall": CANNOT,
    "model-precision": CANNOT, "model-f2": CANNOT,
}  # fmt: skip


@pytest.fixture(scope="module")
def published() -> dict[str, ClaimResult]:
    return {tested.claim.id: tested for tested in evaluate_claims(CLAIMS, read_counts())}


def portfolio(n: int, defaults: int, of: dict[str, tuple[int, int]]) -> PortfolioCounts:
    """A portfolio with job titles only."""
    counts = {level: {"n": own, "defaults": bad} for level, (own, bad) in of.items()}
    return PortfolioCounts.model_validate(
        {"portfolio": "made up", "loans": {"n": n, "defaults": defaults}, "levels": {"profession": {"counts": counts}}, "means": {}}
    )  # fmt: skip


def job(direction: str, smallest: float) -> Claim:
    return next(claim for claim in CLAIMS if claim.id == "teachers").model_copy(
        update={"direction": direction, "smallest_effect": smallest}
    )


def test_the_verdicts_on_the_published_counts_are_those_known(published: dict[str, ClaimResult]):
    assert {name: tested.verdict for name, tested in published.items()} == KNOWN
    assert set(KNOWN.values()) == set(VERDICTS)


def test_one_holm_correction_goes_over_both_questions_of_all_claims(published: dict[str, ClaimResult]):
    tested = [found for found in published.values() if found.effect]
    p_values = [p for found in tested for p in (found.effect.p_value, found.effect.p_against)]
    adjusted = [p for found in tested for p in (found.p_adjusted, found.p_against_adjusted)]
    # statsmodels multiplies in another order: equal up to floating point.
    assert adjusted == pytest.approx(multipletests(p_values, method="holm")[1], rel=1e-12, abs=1e-300)


def test_a_claim_that_cannot_be_tested_does_not_dilute_the_others(published: dict[str, ClaimResult]):
    without = [claim for claim in CLAIMS if claim.test != "metric"]
    alone = {tested.claim.id: tested.p_adjusted for tested in evaluate_claims(without, read_counts())}
    assert alone == {name: published[name].p_adjusted for name in alone}


def test_teachers_stand_at_the_base_rate(published: dict[str, ClaimResult]):
    found = published["teachers"].effect
    assert (found.facts["level_defaults"], found.facts["level_n"]) == (857, 4389)
    assert (round(found.estimate, 2), round(found.ci_low, 2), round(found.ci_high, 2)) == (0.99, 0.92, 1.07)


def test_the_model_claims_say_why_counts_do_not_decide(published: dict[str, ClaimResult]):
    assert "accuracy of 82.8% and an F2 of 63.1%" in published["model-f2"].reason


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((4000, 600), SUPPORTED),  # 15% against about 20%
        ((4000, 1000), CONTRADICTED),  # 25%: reversed
        ((40_000, 8000), CONTRADICTED),  # the base rate, tightly
        ((40_000, 7760), CONTRADICTED),  # lower beyond doubt of size: too little to matter
        ((400, 80), NO_EVIDENCE),  # the base rate, loosely
        ((40, 6), NO_EVIDENCE),
    ],
)
def test_each_verdict_is_reached(counts: tuple[int, int], verdict: str):
    made = portfolio(200_000, 40_000, {"Teacher": counts})
    assert evaluate_claims([job("less", 0.9)], made)[0].verdict == verdict


def test_swapping_outcomes_and_direction_swaps_nothing_else():
    for n, bad in ((4000, 600), (4000, 1000), (40_000, 8000), (400, 80)):
        one = evaluate_claims([job("less", 0.9)], portfolio(200_000, 40_000, {"Teacher": (n, bad)}))[0]
        other = evaluate_claims([job("more", 1 / 0.9)], portfolio(200_000, 160_000, {"Teacher": (n, n - bad)}))[0]
        assert one.verdict == other.verdict
        assert one.effect.estimate == pytest.approx(1 / other.effect.estimate)
        assert one.p_against_adjusted == pytest.approx(other.p_against_adjusted)


def test_a_missing_factor_and_small_cells_cannot_be_tested():
    counts = portfolio(2000, 400, {"Teacher": (40, 6), "Nurse": (600, 100), "Driver": (500, 110)})
    small, absent = evaluate_claims([job("less", 0.9), CLAIMS[-8]], counts, min_cell=10)
    assert (small.verdict, absent.verdict) == (CANNOT, CANNOT)
    assert "10 of each" in small.reason
    assert small.to_dict()["facts"] is None
    assert (
        "say nothing about home ownership"
        in evaluate_claims([claim for claim in CLAIMS if claim.id == "mortgage"], counts)[0].reason
    )


def test_loans_and_their_counts_say_the_same(loans: pd.DataFrame):
    counts = counts_of_loans(FrameCounts(loans), factors=factors_of(CLAIMS), columns=columns_of(CLAIMS))
    found = {tested.claim.id: tested for tested in evaluate_claims(CLAIMS, counts, min_cell=10)}
    assert found["term"].verdict == found["grade"].verdict == found["pincode-11650"].verdict == SUPPORTED
    amount = loans.groupby("default")["loan_amnt"].mean()
    assert found["amount"].effect.estimate == pytest.approx(amount[1] - amount[0])
    assert sum(count.n for count in counts.levels["grade"].counts.values()) == len(loans)
    for tested in found.values():  # nothing from a cell under ten is told
        facts = tested.effect.facts if tested.effect else {}
        bad, n = facts.get("level_defaults"), facts.get("level_n")
        assert bad is None or all(cell == 0 or cell >= 10 for cell in (bad, n - bad))


def test_the_list_names_every_original_claim_once():
    assert len(CLAIMS) == len({claim.id for claim in CLAIMS}) == 22
    codes = {claim.level for claim in CLAIMS if claim.variable == "pincode" and claim.level}
    assert codes == {"11650", "86630", "48052", "70466", "30723"}
    assert {claim.variable: claim.claimed for claim in CLAIMS if claim.test == "metric"} == {
        "accuracy": 0.83, "recall": 0.654, "precision": 0.552, "f2": 0.63,
    }  # fmt: skip
    assert all(claim.instead for claim in CLAIMS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"direction": "equal"}, "direction among more, less"),
        ({"level": ""}, "a level"),
        ({"claimed": 0.2}, "a claimed value"),
        ({"smallest_effect": 1.11}, "claimed side of 1"),
        ({"id": "Two words"}, "id"),
        ({"sourc": "x"}, "sourc"),
    ],
)
def test_a_wrong_claim_is_refused(tmp_path: Path, change: dict, message: str):
    claim = next(claim for claim in CLAIMS if claim.id == "teachers").model_dump() | change
    path = tmp_path / "claims.yml"
    path.write_text(json.dumps([claim]), "utf-8")
    with pytest.raises(InputError, match=message):
        load_claims(path)


def test_an_id_that_stands_twice_is_refused(tmp_path: Path):
    path = tmp_path / "claims.yml"
    path.write_text(json.dumps([CLAIMS[0].model_dump()] * 2), "utf-8")
    with pytest.raises(InputError, match="stands twice"):
        load_claims(path)


def test_the_published_counts_are_what_the_script_makes():
    script = project_root() / "tools" / "build_published_counts.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_published_facts_are_taken_as_well():
    assert read_counts(project_root() / "data" / "reference" / "published_facts.json") == read_counts()


def test_published_factors_add_up_to_the_portfolio():
    counts = read_counts()
    for factor in factors_of(CLAIMS):
        assert counts.frame(factor)[["n", "defaults"]].sum().tolist() == [396_030, 77_673]
    assert np.isclose(counts.loans.defaults / counts.loans.n, 0.19613, atol=1e-5)
