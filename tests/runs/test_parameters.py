import json
from pathlib import Path

import pytest

from loantap.errors import ParameterError
from loantap.runs.parameters import check_values, declared
from loantap.settings import notebooks_dir

CELL = """\
run_dir: str = ""  # run folder
bins: int = 10  # quantile bins [2..20]
penalties: list[str] = ["l1", "l2"]  # penalties to try [l1 | l2]
Cs: list[float] = [
    0.01,
    1,
]  # strengths to try [0.001..100]
address: str = "tcp://host#1"  # a scheduler, or "#"
"""


def test_a_list_takes_its_rule_for_each_of_its_values():
    known = declared(CELL, "04_x.ipynb")
    assert known["penalties"].parse("l2", notebook="04_x.ipynb") == ["l2"]
    assert known["Cs"].parse("0.1, 10", notebook="04_x.ipynb") == [0.1, 10.0]
    assert known["Cs"].parse([0.1, 10.0], notebook="04_x.ipynb") == [0.1, 10.0]
    assert known["Cs"].help == "strengths to try"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("penalties", "l1,l3", "expected some of l1, l2, got 'l1,l3'. penalties to try."),
        ("penalties", "", "expected some of l1, l2"),
        ("penalties", [], "one value or several"),
        ("penalties", "l1,l1", "each once"),
        ("Cs", "0.1,1000", "expected 100 or less"),
        ("Cs", [0.1, float("nan")], "a finite number"),
        ("Cs", "0.1,x", "a value of type list[float]"),
        ("Cs", 0.1, "a value of type list[float]"),
    ],
)
def test_a_list_out_of_its_rule_is_refused(name: str, value: object, message: str):
    with pytest.raises(ParameterError) as caught:
        declared(CELL, "04_x.ipynb")[name].parse(value, notebook="04_x.ipynb")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("bins = 10  # no type", "'bins' expected a type among str, int"),
        ("bins: dict = {}  # a table", "got dict. Write it as: bins: int = 1"),
    ],
)
def test_a_parameter_needs_a_type_that_is_known(line: str, message: str):
    with pytest.raises(ParameterError) as caught:
        declared(line, "04_x.ipynb")
    assert message in str(caught.value)


def test_the_rules_of_an_open_notebook_are_those_that_stand_in_it():
    values = {"run_dir": "", "bins": 10, "penalties": ["l2"], "Cs": [0.1], "address": ""}
    check_values(["", CELL, "# Parameters\nbins = 10"], values)
    for change, message in (
        ({"bins": 40}, "this notebook: parameter 'bins' expected 20 or less, got 40. quantile bins."),
        ({"bins": "10"}, "expected a value of type int, got '10'"),
        ({"penalties": "l1"}, r"expected a value of type list\[str\], got 'l1'"),
        ({"penalties": ["l3"]}, "expected some of l1, l2"),
    ):
        with pytest.raises(ParameterError, match=message):
            check_values(["", CELL], values | change)
    widened = CELL.replace("[2..20]", "[2..50]")
    check_values([CELL, widened], values | {"bins": 40})  # the reader changed the rule, and ran its cell again


@pytest.mark.slow
def test_papermill_by_hand_meets_the_rules_too(tmp_path: Path):
    import papermill
    from papermill.exceptions import PapermillExecutionError

    with pytest.raises(PapermillExecutionError) as caught:
        papermill.execute_notebook(
            notebooks_dir() / "02_eda.ipynb", tmp_path / "out.ipynb", {"bins": 40}, progress_bar=False, log_output=False
        )
    assert (caught.value.ename, "expected 20 or less, got 40" in caught.value.evalue) == ("ParameterError", True)
    cells = json.loads((tmp_path / "out.ipynb").read_text("utf-8"))["cells"]
    assert sum(bool(cell.get("outputs")) for cell in cells) <= 2  # the error, and papermill's word on it
