"""What is said of the original claims follows from their verdicts, and says what was counted, and over how many the correction goes."""

import pandas as pd
import pytest

from loantap.analysis.claim_counts import counts_of_loans, read_counts
from loantap.analysis.claim_list import columns_of, factors_of, load_claims
from loantap.analysis.claims import Judgement, judge_claims
from loantap.analysis.counts import FrameCounts
from loantap.exhibits import claims as exhibits
from loantap.exhibits.claims import OWN, PUBLISHED
from loantap.report.results import RunFolder

CLAIMS = load_claims()


@pytest.fixture(scope="module")
def published() -> list[Judgement]:
    return judge_claims(CLAIMS, read_counts())


def own(loans: pd.DataFrame, **options: float) -> list[Judgement]:
    counts = counts_of_loans(FrameCounts(loans), factors=factors_of(CLAIMS), columns=columns_of(CLAIMS))
    return judge_claims(CLAIMS, counts, **options)


def test_the_exhibits_are_published_with_all_they_say(published: list[Judgement], loans: pd.DataFrame, tmp_path):
    run, mine = RunFolder(tmp_path), own(loans, min_cell=10)
    for exhibit in (
        exhibits.verdicts(published, basis=PUBLISHED), exhibits.verdicts(mine, basis=OWN), exhibits.side_by_side(published, mine)
    ):  # fmt: skip
        assert run.publish(exhibit) is exhibit
    assert run.table("claims")["verdict"].tolist() == [tested.verdict for tested in published]
    assert f"n = {len(loans):,} loans" in run.exhibit("claims-this-run", "tables").caption
    assert (
        f"n = 396,030 published loans, {len(loans):,} of this run" in run.exhibit("claims-verdicts", "figures").caption
    )


def test_the_title_counts_the_verdicts(published: list[Judgement]):
    assert exhibits.verdicts(published, basis=PUBLISHED).title == (
        "22 claims on the published counts of the real portfolio: 13 supported (of which 3 by the leak only), 4 contradicted, "
        "1 without evidence either way, 4 cannot be tested"
    )


def test_another_alpha_leaves_no_word_of_the_usual_one(published: list[Judgement], loans: pd.DataFrame):
    assert "95 % intervals" in exhibits.verdicts(published, basis=PUBLISHED).caption
    half, mine = judge_claims(CLAIMS, read_counts(), alpha=0.5), own(loans, alpha=0.5, min_cell=25)
    shown = [
        exhibits.verdicts(half, basis=PUBLISHED),
        exhibits.verdicts(mine, basis=OWN),
        exhibits.side_by_side(half, mine),
    ]
    captions = " ".join(exhibit.caption for exhibit in shown)
    assert captions.count("50 %") == 3
    assert "95 %" not in captions
    reasons = " ".join(entry["this_run"]["evidence"] for entry in exhibits.records(half, mine))
    assert "25 of each" in reasons
    assert "10 of each" not in reasons


def test_it_is_said_over_how_many_comparisons_the_correction_goes(published: list[Judgement]):
    tested = [found for found in published if found.effect]
    told = f"Holm over {2 * len(tested)} comparisons: both questions of the {len(tested)} claims that could be tested."
    assert told in exhibits.verdicts(published, basis=PUBLISHED).caption
    assert told in exhibits.correction(exhibits.records(published))


def test_two_ways_to_count_a_job_are_told_apart(published: list[Judgement], loans: pd.DataFrame):
    def managers(records: list[dict]) -> dict:
        return next(entry for entry in records if entry["id"] == "managers")

    entry = managers(exhibits.records(published, own(loans)))
    assert "of 4,250 loans with the exact title Manager defaulted" in entry["evidence"]
    assert "loans of the profession Manager in all its spellings" in entry["this_run"]["evidence"]
    assert "title" not in managers(exhibits.records(published, basis="counts of our branch"))["evidence"]


def test_a_difference_of_means_is_told_in_pooled_standard_deviations(published: list[Judgement]):
    entry = next(entry for entry in exhibits.records(published) if entry["id"] == "dti")
    assert f"{entry['facts']['standardized']:.2f} pooled standard deviations" in entry["evidence"]


def test_what_matters_is_read_from_the_claims(published: list[Judgement]):
    assert exhibits.smallest(exhibits.records(published)) == "0.90 or 1.11"


def test_each_claim_is_told_once_under_its_verdict(published: list[Judgement], loans: pd.DataFrame):
    records = exhibits.records(published, own(loans, min_cell=10))
    told = {verdict: exhibits.paragraphs(records, verdict) for verdict in {tested.verdict for tested in published}}
    for entry in records:
        assert [verdict for verdict, text in told.items() if f"**{entry['claim']}: " in text] == [entry["verdict"]]
    assert "*Instead:*" in told["contradicted"]
    assert "[exhibit](" in told["contradicted"]
    assert "[exhibit](" not in exhibits.paragraphs(records, "contradicted", linked=False)
