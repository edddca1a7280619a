"""Sentences of the exploratory notebook hold no more than its numbers: by chance, with other parameters, beside its tables.

The notebook's own cells are run on a frame, without a kernel; figures are not drawn.
"""

import json
import re
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from loantap.analysis.counts import FrameCounts
from loantap.data.columns import NAMES
from loantap.exhibits.drivers import DRIVERS, with_percent
from loantap.exhibits.exhibit import Exhibit, Exhibits, Finding
from loantap.exhibits.heads import heads, label
from loantap.exhibits.plots import drivers, eda
from loantap.exhibits.words import capital
from loantap.runs import bench
from loantap.settings import notebooks_dir

CELLS = [
    compile("".join(cell["source"]), "02_eda", "exec")
    for cell in json.loads((notebooks_dir() / "02_eda.ipynb").read_text("utf-8"))["cells"]
    if cell["cell_type"] == "code"
]
SHUFFLES = 20
# A sentence that is false in 1 of 20 shuffles is met in more than this many of them once in 10,000 times; there are about 15.
MOST = int(binom.ppf(0.9999, SHUFFLES, 0.05))
DESCRIBED = {"shape", "correlation"}  # sentences that compare no outcomes
RAW = re.compile(
    rf"\b(?:{'|'.join(name for name in NAMES if '_' in name or name == 'dti')}|none_default|all_default)\b"
)
QUIET = re.compile(
    "significant difference|not differ significantly|No two|no two|No single|too few|^None of|No value is missing"
)


class Seen:
    """What the notebook works on, and what it published."""

    is_synthetic = True

    def __init__(self, loans: pd.DataFrame) -> None:
        self._loans = loans
        self.parts: list[Exhibit] = []
        self.findings: list[Finding] = []
        self.results: dict[str, Any] = {}
        # The same counts are asked for again and again.
        self.by = cache(lambda *columns: FrameCounts(loans).by(*columns))

    def loans(self, columns: list[str] | None = None) -> pd.DataFrame:
        return self._loans[columns] if columns else self._loans

    def counts(self, _: list[str]) -> "Seen":
        return self

    def sample_note(self, *_: Any, **__: Any) -> str:
        return ""

    def publish(self, exhibit: Exhibit | Exhibits) -> Exhibit | Exhibits:
        self.parts += exhibit.parts
        self.findings += [finding for part in exhibit.parts for finding in part.findings]
        return exhibit

    def write_result(self, name: str, value: dict) -> None:
        self.results[name] = value

    def part(self, name: str) -> Exhibit:
        return next(part for part in self.parts if part.name == name)

    def found(self, name: str) -> Finding:
        return next(finding for finding in self.findings if finding.id == name)

    def words(self) -> str:
        """Return everything that a reader of the exhibits reads, but for the cells of tables."""
        texts = [text for part in self.parts for text in (part.title, part.caption, part.alt, part.text)]
        return "\n".join(texts + [finding.text for finding in self.findings])


def see(loans: pd.DataFrame, **parameters: Any) -> Seen:
    seen = Seen(loans)
    names: dict[str, Any] = {"display": lambda _: None, "print": lambda _: None}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "notebook_run", lambda _: seen)
        for module in (drivers, eda):
            own = [name for name, made in vars(module).items() if getattr(made, "__module__", "") == module.__name__]
            for name in own:
                patch.setattr(module, name, lambda *_, **__: None)
        for number, cell in enumerate(CELLS):
            exec(cell, names)
            if number == 0:
                names |= parameters
    return seen


@pytest.fixture(scope="module")
def story(loans: pd.DataFrame) -> Seen:
    return see(loans)


def claims(seen: Seen) -> set[str]:
    """Return which kinds of sentence say that something goes with default."""
    told = [("missing" if one.id.startswith("missing") else one.id, one.title) for one in seen.findings]
    told += [(name, seen.part(f"eda-{name}").title) for name in ("medians", "pairs", "missing", "outliers", "leaks")]
    told += [("implausible", line) for line in seen.part("eda-implausible").text.splitlines()]
    return {name for name, text in told if name not in DESCRIBED and not QUIET.search(text)}


def test_a_planted_story_is_told(story: Seen):
    assert claims(story) >= {
        "missing",
        "medians",
        "term",
        "dti",
        "strongest-application",
        "strongest-pricing",
        "pairs",
        "leaks",
    }


@pytest.mark.slow
def test_outcomes_dealt_at_random_are_told_as_chance(loans: pd.DataFrame):
    rng = np.random.default_rng(0)
    made: Counter[str] = Counter()
    for _ in range(SHUFFLES):
        made.update(claims(see(loans.assign(default=rng.permutation(loans["default"].to_numpy())))))
    assert {name: times for name, times in made.items() if times > MOST} == {}


def test_other_parameters_leave_no_word_of_the_defaults(loans: pd.DataFrame):
    words = see(loans, confidence=0.5, min_cell=25, seed=7, sample_rows=300, period="year").words()
    told = [
        "50% Wilson",
        "50% CI",
        "50% Hanley",
        "in 25 loans or more",
        "sample of 300 loans, seed 7",
        "by year of",
    ]
    assert [text for text in told if text not in words] == []
    assert [
        text for text in ("95%", "10 loans or more", "seed 0", "4,000 loans, seed", "quarter") if text in words
    ] == []


def test_the_ends_that_are_compared_are_the_first_and_the_last_level_shown(story: Seen):
    levels = {row["driver"]: row["levels"]["level"] for row in story.results["eda"]["drivers"]}
    compared = {row.column: row.name for row in DRIVERS} | {"annual_inc": "income"}
    for column in ("loan_amnt", "term", "dti", "revol_util", "annual_inc"):
        known = levels[column][levels[column] != "missing"]
        text = story.found(compared[column]).title
        for level in (known.iloc[0], known.iloc[-1]):
            assert (with_percent(level) if column in ("dti", "revol_util") else level) in text


def test_the_strongest_column_is_that_of_the_table(story: Seen):
    table = story.part("eda-strength").table
    for known in ("application", "pricing"):
        of_kind = table[table["known"] == known]
        first = of_kind.loc[of_kind["auc"].idxmax()]
        title = story.found(f"strongest-{known}").title
        assert title.startswith(f"{capital(label(first['driver']))} is the strongest ")
        assert f"(AUC {first['auc']:.3f})" in title
        close = of_kind[(of_kind["ci_high"] > first["ci_low"]) & (of_kind["driver"] != first["driver"])]
        named = [driver for driver in close["driver"] if label(driver) in title.split("though")[-1]]
        more = re.search(r"and (\d+) more", title)
        assert len(named) + (int(more[1]) if more else 0) == len(close)


def test_a_column_has_the_same_strength_wherever_it_is_told(story: Seen):
    row = story.part("eda-strength").table.set_index("driver").loc["int_rate"]
    assert (
        f"interest rate separates defaulted from repaid loans best (AUC {row['auc']:.3f})"
        in story.part("eda-pairs").title
    )


def test_medians_that_lie_furthest_apart_are_those_of_the_table(story: Seen):
    table = story.part("eda-medians").table
    apart = table[(table["diff_low"] > 0) | (table["diff_high"] < 0)]
    furthest = apart.loc[(apart["difference"] / apart["repaid"]).abs().idxmax(), "column"]
    assert (
        f"{len(apart)} of {len(table)} medians differ significantly between defaulted and repaid loans, {label(furthest)} most"
        in story.part("eda-medians").title
    )


def test_the_title_on_missing_values_names_the_largest_difference_beyond_chance(story: Seen):
    table = story.part("eda-missing").table
    apart = table[(table["diff_low"] > 0) | (table["diff_high"] < 0)]
    assert story.part("eda-missing").title.startswith(
        f"Loans without a value for {label(apart.loc[apart['difference'].abs().idxmax(), 'column'])} default"
    )


def test_every_published_column_of_numbers_is_shown_as_one(story: Seen):
    for part in story.parts:
        for name, kind in part.columns.items():
            number = pd.api.types.is_numeric_dtype(part.table[name]) and part.table[name].dtype != "bool"
            assert number == (kind != "text"), f"{part.name}: {name} as {kind}"


def test_no_name_of_a_column_is_read_anywhere(story: Seen):
    assert sorted(set(RAW.findall(story.words()))) == []


def test_sentences_are_short(story: Seen):
    titles = [len(part.title.split()) for part in story.parts if part.title]
    assert max(titles) <= 28
    assert sum(titles) / len(titles) <= 18


def test_every_table_has_heads_in_words_and_each_once(story: Seen):
    for part in (part for part in story.parts if part.table is not None):
        told = heads(part.columns)
        assert not [head for head in told if "_" in head or not re.match("[A-Zp]", head)], part.name
        assert len(set(told)) == len(told), part.name
        assert not {"ci_low", "ci_high", "diff_low", "auc_low"} & {*part.columns}, part.name
