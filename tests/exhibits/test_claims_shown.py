"""What is said of the original claims follows from their verdicts, and says what was counted, and over how many the correction goes."""

from dataclasses import replace

import pandas as pd
import pytest

from loantap.analysis.claim_counts import counts_of_loans, read_counts
from loantap.analysis.claim_list import columns_of, factors_of, load_claims
from loantap.analysis.claim_tests import Effect, trend_effect
from loantap.analysis.claims import NO_EVIDENCE, SUPPORTED, ClaimResult, evaluate_claims
from loantap.analysis.counts import FrameCounts
from loantap.exhibits import claims as exhibits
from loantap.exhibits.claim_sentences import OWN, PUBLISHED, evidence
from loantap.runs.results import RunFolder

CLAIMS = load_claims()


@pytest.fixture(scope="module")
def published() -> list[ClaimResult]:
    return evaluate_claims(CLAIMS, read_counts())


def own(loans: pd.DataFrame, **options: float) -> list[ClaimResult]:
    counts = counts_of_loans(FrameCounts(loans), factors=factors_of(CLAIMS), columns=columns_of(CLAIMS))
    return evaluate_claims(CLAIMS, counts, **options)


def test_the_exhibits_are_published_with_all_they_say(published: list[ClaimResult], loans: pd.DataFrame, tmp_path):
    run, mine = RunFolder(tmp_path), own(loans, min_cell=10)
    for exhibit in (
        exhibits.verdicts(published, basis=PUBLISHED), exhibits.verdicts(mine, basis=OWN), exhibits.side_by_side(published, mine)
    ):  # fmt: skip
        assert run.publish(exhibit) is exhibit
    assert run.table("claims")["verdict"].tolist() == [tested.verdict for tested in published]
    assert f"n = {len(loans):,};" in run.exhibit("claims-this-run", "tables").caption
    assert (
        f"n = 396,030 published loans and {len(loans):,} of this run"
        in run.exhibit("claims-verdicts", "figures").caption
    )


def test_the_title_counts_the_verdicts(published: list[ClaimResult]):
    assert exhibits.verdicts(published, basis=PUBLISHED).title == (
        "Of 22 claims, 13 hold (3 of them by data leakage only), 4 do not hold, 1 is undecided and 4 cannot be tested"
    )


def test_people_read_a_verdict_in_plain_words_and_results_keep_its_name(published: list[ClaimResult]):
    shown, kept = exhibits.verdicts(published, basis=PUBLISHED).table, exhibits.records(published)
    assert set(shown["verdict"]) == {"supported", "contradicted", "no evidence", "cannot be tested"}
    words = {"holds", "holds by data leakage only", "does not hold", "undecided", "cannot be tested"}
    assert set(shown["judgement"]) == words == {entry["judgement"] for entry in kept}
    assert "verdict" not in exhibits.verdicts(published, basis=PUBLISHED).columns


def test_how_many_claims_cannot_be_tested_is_said(published: list[ClaimResult], loans: pd.DataFrame):
    records = exhibits.records(published, own(loans, min_cell=10))
    assert "On the published counts, 4 of 22 claims cannot be tested." in exhibits.untested(records)
    for entry in records:
        entry["verdict"] = entry["this_run"]["verdict"] = "supported"
    assert exhibits.untested(records).count("every claim can be tested") == 2


def test_another_alpha_leaves_no_word_of_the_usual_one(published: list[ClaimResult], loans: pd.DataFrame):
    assert "95% intervals" in exhibits.verdicts(published, basis=PUBLISHED).caption
    half, mine = evaluate_claims(CLAIMS, read_counts(), alpha=0.5), own(loans, alpha=0.5, min_cell=25)
    shown = [
        exhibits.verdicts(half, basis=PUBLISHED),
        exhibits.verdicts(mine, basis=OWN),
        exhibits.side_by_side(half, mine),
    ]
    captions = " ".join(exhibit.caption for exhibit in shown)
    assert captions.count("50%") == 3
    assert "95%" not in captions
    reasons = " ".join(entry["this_run"]["evidence"] for entry in exhibits.records(half, mine))
    assert "25 of each" in reasons
    assert "10 of each" not in reasons


def test_it_is_said_over_how_many_comparisons_the_correction_goes(published: list[ClaimResult]):
    tested = [found for found in published if found.effect]
    told = f"Holm's adjustment covers {2 * len(tested)} tests: two for each of the {len(tested)} claims that could be tested."
    assert told in exhibits.verdicts(published, basis=PUBLISHED).caption
    assert told in exhibits.correction(exhibits.records(published))


def test_two_ways_to_count_a_job_are_told_apart(published: list[ClaimResult], loans: pd.DataFrame):
    def managers(records: list[dict]) -> dict:
        return next(entry for entry in records if entry["id"] == "managers")

    entry = managers(exhibits.records(published, own(loans)))
    assert "of 4,250 loans with the exact title Manager defaulted" in entry["evidence"]
    assert "loans of the profession Manager in all its spellings" in entry["this_run"]["evidence"]
    assert "title" not in managers(exhibits.records(published, basis="counts of our branch"))["evidence"]


def test_a_difference_of_means_is_told_in_pooled_standard_deviations(published: list[ClaimResult]):
    entry = next(entry for entry in exhibits.records(published) if entry["id"] == "dti")
    assert f"{entry['facts']['standardized']:.2f} pooled standard deviations" in entry["evidence"]


def test_each_kind_of_claim_is_told_with_its_test_and_what_matters(published: list[ClaimResult]):
    table = exhibits.kinds(exhibits.records(published))
    rows = {row.split("|")[1].strip(): row for row in table.splitlines()[2:]}
    assert len(rows) == len({claim.test for claim in CLAIMS})
    assert "odds ratio 0.90 or 1.11" in rows["One group defaults more, or less, than all other loans"]
    assert "500 (amount)" in rows["A number is higher among loans that default"]
    assert "0 of 4" in rows["A model reaches a stated score"]


def test_each_claim_is_told_once_under_its_verdict(published: list[ClaimResult], loans: pd.DataFrame):
    records = exhibits.records(published, own(loans, min_cell=10))
    told = {verdict: exhibits.paragraphs(records, verdict) for verdict in {tested.verdict for tested in published}}
    for entry in records:
        assert [verdict for verdict, text in told.items() if f"**{entry['claim']}: " in text] == [entry["verdict"]]
    assert "*What to do instead:*" in told["contradicted"]
    assert "[the exhibit](" in told["contradicted"]
    assert "[the exhibit](" not in exhibits.paragraphs(records, "contradicted", linked=False)


def judged(published: list[ClaimResult], name: str, verdict: str, **facts: object) -> ClaimResult:
    """A claim of the list as if its verdict and facts were these."""
    tested = next(tested for tested in published if tested.claim.id == name)
    effect = tested.effect or Effect("score", "rate", 900, 0.679, 0.664, 0.693, 0.01, 1.0, tested.claim.claimed)
    return replace(tested, effect=replace(effect, facts={**effect.facts, **facts}), verdict=verdict, p_adjusted=0.2)


@pytest.mark.parametrize(
    ("name", "by_it", "without_it"),
    [
        ("pincode", {"pure": 6}, {"pure": 0}),
        ("pincode-11650", {"separation": "all_default"}, {"separation": None}),
        ("model-recall", {"without_pincode": 0.3}, {"without_pincode": 0.66}),
    ],
)
def test_that_a_claim_holds_by_the_leak_is_told_by_the_numbers(published, name: str, by_it: dict, without_it: dict):
    for facts, told in ((by_it, True), (without_it, False)):
        entry = exhibits.records(
            [judged(published, name, SUPPORTED, flagged_share=0.2, **{"without_pincode": 0.3} | facts)]
        )[0]
        assert entry["leak"] is told


def test_no_word_on_a_claim_about_the_model_says_what_only_a_run_can_show(published: list[ClaimResult]):
    records = exhibits.records(published)
    told = " ".join(entry["caveat"] + entry["evidence"] for entry in records if entry["id"].startswith("model-"))
    assert "leak" not in told


def test_where_the_correction_alone_decides_against_the_interval_it_is_said(published: list[ClaimResult]):
    recall = judged(published, "model-recall", NO_EVIDENCE, flagged_share=0.2, without_pincode=0.3)
    decides = (
        "After adjustment for all tests, which the interval lacks, this neither confirms the claim nor rules it out"
    )
    assert decides in evidence(recall, OWN)
    unsure = replace(recall, effect=replace(recall.effect, ci_low=0.64, p_value=0.3))
    assert evidence(unsure, OWN).endswith(
        "30.0% without it. The claim is 65.4%. This neither confirms the claim nor rules it out."
    )


def test_a_trend_says_how_many_levels_it_does_not_show(published: list[ClaimResult]):
    counts = pd.DataFrame({"level": ["A", "B", "C"], "n": [500, 500, 9], "defaults": [50, 100, 4]})
    grade = next(tested for tested in published if tested.claim.id == "grade")
    for shown, told in ((["A", "B", "C"], False), (["A", "B"], True)):
        effect = trend_effect(counts, direction="more", smallest=1.11, alpha=0.05, shown=shown)
        text = evidence(replace(grade, effect=effect), OWN)
        assert ("(1 of the levels, with counts too small to show, left out)" in text) is told
