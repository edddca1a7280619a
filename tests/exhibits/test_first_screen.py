"""The first screen says what the results say, in few words, and nothing where they show nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from loantap.analysis.association import analyse
from loantap.exhibits import association, first_screen
from loantap.exhibits.findings import MOST, first_findings
from loantap.exhibits.first_screen import side_by_side
from loantap.runs.page import Page
from loantap.runs.results import RunFolder

LEVELS = [{"level": name, "n": 500, "default_rate": rate} for name, rate in (("36", 0.15), ("60", 0.31))]
RANGES = [{"level": f"over {start}", "n": 500, "default_rate": 0.1 + start / 200} for start in (5, 10, 15, 20)]
YEARS = [{"start": f"{year}-01-01", "n": 100, "defaults": 20 + year - 2010, "unripe": year > 2011} for year in (2010, 2011, 2012)]  # fmt: skip


def leak_row(name: str, auc: float, *, verdict: str = "clear", known: str = "application") -> dict[str, Any]:
    return {
        "column": name,
        "known": known,
        "auc": auc,
        "auc_low": auc - 0.03,
        "auc_high": auc + 0.03,
        "verdict": verdict,
    }


def policies(gain: float) -> dict[str, Any]:
    listed = [
        {"gain": 0.0, "profit_total": 900_000.0},
        {"gain": gain, "gain_low": -100_000.0, "gain_high": 195_000.0, "profit_total": 900_000.0 + gain},
    ]
    words = {
        "verdict": "not shown",
        "short": "Keep the rules.",
        "ask": "Asked of the committee: settle what is recovered.",
    }
    return {"policies": listed, "n": 1_448, "recommended": words}


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    """Return the first page of a run that tested grade and profession, in a staging folder."""
    stages = [{"name": f"association-{factor}"} for factor in ("grade", "profession")]
    data = {"kind": "file", "location": "a/loans.csv", "sha256": "0123456789ab", "rows": 9_000, "rows_read": 9_100, "period": ["2010-01", "2016-12"]}  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps({"run_id": "r1", "data": data, "stages": stages}))
    run = RunFolder(tmp_path)
    outcomes = [{"outcome": "defaulted", "amount_lent": 20_394_225.0, "share_of_amount": 0.2}]
    shape = {"n": 9_000, "default_rate": 0.19, "ci_low": 0.18, "ci_high": 0.2, "outcomes": outcomes}
    drivers = [{"driver": "term", "levels": LEVELS}, {"driver": "dti", "levels": RANGES}, {"driver": "revol_util", "levels": RANGES}]  # fmt: skip
    found = [{"id": name, "title": f"The finding on {name}."} for name in ("term", "dti", "utilisation")]
    run.write_result("eda", {"shape": shape, "settings": {"confidence": 0.9}, "findings": found, "drivers": drivers, "vintages": YEARS})  # fmt: skip
    run.write_result(
        "leaks", {"columns": [leak_row("grade", 0.69, known="pricing"), leak_row("term", 0.59)], "alpha": 0.05}
    )
    run.write_result("model", {"without_pincode": {"test": {"n": 1_448, "roc_auc": 0.696}}})
    run.write_result("policy", policies(47_255.0))
    for factor in ("grade", "profession"):
        counts = pd.DataFrame({"level": ["Other", "B", "C"], "n": [3_000] * 3, "defaults": [300, 600, 900]})
        result = analyse(counts, factor=factor)
        run.write_result(f"association_{factor}", result.to_dict())
        run.publish(association.levels(result))
    (tmp_path / "staged" / "figures").mkdir(parents=True)
    (run.path / "results" / "figures").mkdir(parents=True, exist_ok=True)
    (run.path / "results" / "figures" / "policy-trade-off.json").write_text(
        json.dumps({"name": "p", "alt": 'Lines of "all".'})
    )
    monkeypatch.chdir(tmp_path / "staged")
    return Page(run)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (0.2, "one loan in five"),
        (0.189, "about one loan in five"),
        (0.5, "one loan in two"),
        (0.42, "42.0% of all loans"),
        (0.003, "0.3% of all loans"),
        (0.0, "0% of all loans"),
    ],
)
def test_a_share_is_said_as_people_say_it_where_that_is_true(rate: float, words: str):
    assert first_screen.share_in_words(rate) == words


def test_the_answer_names_the_strongest_predictor_and_what_only_seems_one(shown: Page):
    assert first_screen.answer(shown) == (
        "About one loan in five defaulted, and the strongest legitimate predictor is the lender's own grade."
    )
    columns = [
        leak_row("pincode", 0.83, verdict="leak"),
        leak_row("sub_grade", 0.70, known="pricing"),
        leak_row("grade", 0.69, known="pricing"),
    ]
    shown.run.write_result("leaks", {"columns": columns, "alpha": 0.05})
    told = first_screen.answer(Page(shown.run))
    assert "the strongest legitimate predictors are the lender's own sub" in told
    assert told.endswith("grade and grade; pincode gives the outcome away and is excluded.")


def test_many_predictors_that_cannot_be_told_apart_are_counted(shown: Page):
    shown.run.write_result("leaks", {"columns": [leak_row(f"c{place}", 0.6) for place in range(6)], "alpha": 0.05})
    assert "closely followed by 5 others" in first_screen.answer(Page(shown.run))


def test_without_a_column_that_is_shown_to_predict_none_is_named(shown: Page):
    shown.run.write_result("leaks", {"columns": [leak_row("grade", 0.51), leak_row("pincode", 0.52)], "alpha": 0.05})
    told = first_screen.answer(Page(shown.run))
    assert told.endswith("defaulted, and no single column is shown to predict default.")
    assert not [word for word in ("grade", "pincode", "lender") if word in told]


def test_key_figures_are_those_of_the_results(shown: Page):
    told = re.sub(r"`[^`]*`\{=typst\}|\*\*|\]\{[^}]*\}|\[", "", first_screen.tiles(shown))
    for words in ("9,000", "funded 2010 to 2016", "19.0%", "90% CI 18.0 to 20.0%", "20.4m", "20.0% of all money lent", "70 in 100", "1,448 unseen loans",
                  "No leak", "9,000 of 9,100 records used", "+47,000 (+5%)", "Not shown"):  # fmt: skip
        assert words in told, words
    assert (Path("figures") / "first-trend.svg").is_file()


def test_a_policy_that_gained_nothing_is_said_to_have(shown: Page):
    shown.run.write_result("policy", policies(-1.0))
    told = first_screen.tiles(Page(shown.run))
    assert "no policy earned more than approving all" in told
    assert "+" not in told.split("gain from declining")[1].split("pairs ranked")[0]


def test_the_decision_says_its_verdict_what_is_asked_and_shows_the_frontier(shown: Page):
    told = first_screen.decision(shown)
    for words in (
        "Not shown",
        "Keep the rules.",
        "**Asked of the committee:** settle what is recovered.",
        "policy.qmd#sec-sheet",
        "fig-alt=\"Lines of 'all'.\"",
    ):
        assert words in told


def test_findings_are_of_what_was_tested_and_each_has_a_chart_of_its_own(shown: Page):
    found = first_findings(shown)
    assert [one.name for one in found] == ["grade", "term", "dti", "profession", "utilisation"]
    assert len(found) == MOST
    told = first_screen.findings(shown)
    for one in found:
        assert one.text.replace("%", "") in told.replace("%", "").replace("\\", "")
        assert (Path("figures") / f"first-{one.name}.svg").is_file()
    assert [one.ordered for one in found] == [False, False, True, False, True]
    assert "Other" not in found[3].levels
    assert found[2].alt == "Default rate by debt-to-income ratio: over 5 12.5%, over 20 20.0%."


def test_pure_levels_are_drawn_together_by_how_they_ended(shown: Page):
    counts = pd.DataFrame({"level": ["a", "b", "c", "d"], "n": [2_000] * 4, "defaults": [0, 2_000, 400, 420]})
    result = analyse(counts, factor="grade")
    shown.run.write_result("association_grade", result.to_dict())
    grade = first_findings(Page(shown.run))[0]
    assert grade.levels == ("1 all default", "2 mixed", "1 none default")
    assert grade.rates == (1.0, 0.205, 0.0)


def test_where_the_loans_come_from_takes_one_line(shown: Page):
    told = first_screen.source_line(shown).splitlines()[1]
    assert told.startswith("`loans.csv` · run r1 [· [PDF](loantap-insights.pdf) · ")
    assert "[Excel](loantap-tables.xlsx) · [What changed](changes.qmd)" in told


def test_cells_side_by_side_are_a_grid_for_each_renderer():
    text = side_by_side(["one", "two"], name="tiles", columns="2")
    assert text.count("::: {.tiles-cell}") == 2
    assert text.count("{=typst}") == 3
    assert text.index("one") < text.index("], [") < text.index("two")
