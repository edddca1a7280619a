"""The words of a comparison: which of loans, parameters and method differ, and what follows."""

import pandas as pd
import pytest

from loantap.analysis.causes import compare_facts
from loantap.analysis.changes import Changes, compare_numbers
from loantap.exhibits.changes import NONE, exhibits, headline, record, told

FIRST, SECOND = ({"run_id": "r1", "finished_at": "x", "loans": 2_000, "defaults": 300}, {"run_id": "r2", "finished_at": None, "loans": 2_100, "defaults": 500})  # fmt: skip


def results(**grades: int) -> dict:
    """Return results of 1,000 loans in each grade."""
    shape = {"n": 1_000 * len(grades), "defaults": sum(grades.values())}
    levels = [{"level": name, "n": 1_000, "defaults": bad} for name, bad in grades.items()]
    return {
        "eda": {"shape": shape, "settings": {"confidence": 0.95}, "strength": []},
        "association_grade": {"factor": "grade", "levels": levels},
    }


def changes(*causes: tuple[str, str, str, str, str], earlier: dict, later: dict, same_loans: bool = False) -> Changes:
    return Changes(
        earlier=FIRST, later=SECOND, same_loans=same_loans, shared=0, alpha=0.05,
        causes=pd.DataFrame(causes, columns=["aspect", "what", "earlier", "later", "where"]),
        numbers=compare_numbers(earlier, later, same_loans=same_loans),
        facts=compare_facts(earlier, later),
    )  # fmt: skip


A, B = results(A=100, B=200), results(A=100, B=320)
LOANS = ("loans", "source", "a.csv", "b.csv", "")
PARAMETER = ("parameters", "alpha", "0.05", "0.1", "policy")
METHOD = ("method", "library", "", "changed", "all stages")


@pytest.mark.parametrize(
    ("causes", "said"),
    [
        ([], "Nothing changed since run r1"),
        ([LOANS], "Loans changed since run r1; parameters and method did not"),
        ([PARAMETER], "Parameters changed since run r1; loans and method did not"),
        ([METHOD], "Method changed since run r1; loans and parameters did not"),
        (
            [METHOD, LOANS],
            "Loans and method changed since run r1; parameters did not; their effects cannot be told apart",
        ),
    ],
)
def test_the_first_words_say_which_of_the_three_differ(causes: list, said: str):
    assert headline(changes(*causes, earlier=A, later=A, same_loans=not causes)) == said


def test_results_that_differ_without_a_cause_are_said():
    assert headline(changes(earlier=A, later=B, same_loans=True)).startswith("Results changed since run r1, though")


def test_each_parameter_and_each_part_of_the_method_is_named():
    lines = told(
        changes(
            PARAMETER, METHOD, ("method", "package numpy", "1", "2", "all stages"), earlier=A, later=B, same_loans=True
        )
    )
    assert "Parameters: alpha from 0.05 to 0.1 (policy)." in lines
    assert "Method: library changed (all stages); package numpy from 1 to 2 (all stages)." in lines


def test_on_the_same_loans_no_chance_is_claimed():
    found = changes(PARAMETER, earlier=A, later=B, same_loans=True)
    text = " ".join([*told(found), *(part.caption for part in exhibits(found).parts)])
    assert "2 of 3 numbers differ" in text
    assert "more than chance" not in text
    assert "Holm" not in text


def test_other_loans_are_judged_beyond_chance_with_the_rule():
    text = " ".join(told(changes(LOANS, earlier=A, later=B)))
    assert (
        "2 of 3 numbers changed by more than chance explains: Default rate of all loans; Grade B (a test of each difference"
        in text
    )


def test_without_an_earlier_run_there_is_only_a_sentence():
    assert record(None) == {"earlier": None, "told": [NONE]}
    assert exhibits(None).parts == ()


def test_the_title_of_the_chart_is_its_message():
    titles = {part.name: part.title for part in exhibits(changes(LOANS, earlier=A, later=B)).parts}
    assert titles["changes-grades"] == "The default rate of 1 of 2 grades changed"
    same = {part.name: part.title for part in exhibits(changes(LOANS, earlier=A, later=A)).parts}
    assert same["changes-grades"] == "No grade’s default rate is shown to have changed".replace("’", "'")


def test_what_changed_stands_first_in_the_table():
    table = next(
        part.table for part in exhibits(changes(LOANS, earlier=A, later=B)).parts if part.name == "changes-rates"
    )
    assert table is not None
    assert table["verdict"].tolist() == ["changed", "changed", "not shown"]
    assert table["what"].tolist() == ["Default rate of all loans", "Grade B", "Grade A"]
