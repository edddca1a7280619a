import ast
from pathlib import Path

import nbformat
import pytest

from loantap.analysis import levels
from loantap.errors import InputError, ParameterError
from loantap.runs.notebooks import (
    FACTORS,
    STAGES,
    Stage,
    check_parameters,
    factors_of,
    merged_parameters,
    named_stages,
    stages_of,
    with_factor,
)
from loantap.runs.parameters import parameters
from loantap.settings import notebooks_dir

NOTEBOOKS = sorted(notebooks_dir().glob("*.ipynb"))
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
CELL = """\
run_dir: str = ""  # run folder
rows: int = 5000  # how many [1000..9000]
share: float = 0.2  # held out [0.05..]
factor: str = "grade"  # which [grade | pincode]
quiet: bool = False  # say less
"""


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    cell = nbformat.v4.new_code_cell(CELL, metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata=KERNEL)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "_quarto.yml").touch()
    nbformat.write(notebook, tmp_path / "notebooks" / "01_x.ipynb")
    monkeypatch.setenv("LOANTAP_HOME", str(tmp_path))
    return Stage("x", "01_x.ipynb")


def test_rules_are_read_from_the_help_comments(stage: Stage):
    found = parameters(stage.path)
    assert (found["rows"].low, found["rows"].high) == (1000, 9000)
    assert (found["share"].low, found["share"].high) == (0.05, None)
    assert found["factor"].choices == ("grade", "pincode")
    assert found["rows"].help == "how many"


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        ({"rows": "1000"}, {"rows": 1000}),
        ({"share": "0.5"}, {"share": 0.5}),
        ({"share": 1}, {"share": 1.0}),
        ({"quiet": "true"}, {"quiet": True}),
        ({"x.factor": "pincode"}, {"factor": "pincode"}),
    ],
)
def test_values_are_parsed_in_their_type(stage: Stage, given: dict, parsed: dict):
    assert check_parameters((stage,), given) == {"x": parsed}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"row": 1}, "no notebook has a parameter 'row'. Did you mean 'rows'?"),
        ({"x.row": 1}, "01_x.ipynb has no parameter 'row'. Did you mean 'rows'?"),
        ({"y.rows": 1}, "expected one of the stages x, got 'y'"),
        ({"rows": "many"}, "01_x.ipynb: parameter 'rows' expected a value of type int, got 'many'"),
        ({"rows": 2000.5}, "expected a value of type int, got 2000.5"),
        ({"rows": "999"}, "expected 1000 or more, got '999'. how many."),
        ({"rows": 9001}, "expected 9000 or less, got 9001"),
        ({"share": "0.01"}, "expected 0.05 or more"),
        ({"share": "nan"}, "expected a finite number"),
        ({"factor": "state"}, "expected one of grade, pincode, got 'state'"),
        ({"quiet": 1}, "expected a value of type bool, got 1"),
    ],
)
def test_wrong_parameters_name_the_notebook_and_the_choices(stage: Stage, given: dict, message: str):
    with pytest.raises(ParameterError) as caught:
        check_parameters((stage,), given)
    assert message in str(caught.value)


def test_a_notebook_without_parameters_is_refused(tmp_path: Path):
    cells = [nbformat.v4.new_code_cell("x = 1")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), tmp_path / "n.ipynb")
    with pytest.raises(ParameterError, match="tag 'parameters'"):
        parameters(tmp_path / "n.ipynb")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_committed_notebooks_are_typed(path: Path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# ")
    known = parameters(path)
    assert "run_dir" in known
    assert all(parameter.help for parameter in known.values())


def test_every_stage_has_its_notebook_and_takes_its_parameters():
    chosen = check_parameters(STAGES, {})
    assert {stage.notebook for stage in STAGES} <= {path.name for path in NOTEBOOKS}
    for stage in STAGES:
        known = parameters(stage.path)
        for name, value in chosen[stage.name].items():
            known[name].parse(value, notebook=stage.notebook)


def test_defaults_keep_their_own_rules():
    for path in NOTEBOOKS:
        for parameter in parameters(path).values():
            parameter.parse(ast.literal_eval(parameter.default), notebook=path.name)


def names(**given: object) -> list[str]:
    return [stage.name.removeprefix("association-") for stage in stages_of(given) if stage.notebook[:2] == "03"]


@pytest.mark.parametrize("factors", ["pincode,grade,profession,purpose", ["pincode", "grade", "profession", "purpose"]])
def test_a_run_has_an_association_stage_for_each_of_its_factors(factors: object):
    assert names(factors=factors) == ["pincode", "grade", "profession", "purpose"]
    chosen = check_parameters(stages_of({"factors": factors}), {"factors": factors, "association-purpose.alpha": "0.1"})
    assert chosen["association-purpose"] == {"factor": "purpose", "alpha": 0.1}
    assert all("factors" not in parameters for parameters in chosen.values())


def test_without_a_word_the_factors_are_those_of_the_report():
    assert names() == ["pincode", "grade", "profession", "home_ownership"]
    assert [stage.name for stage in stages_of({})] == [stage.name for stage in STAGES]


def test_every_factor_that_can_be_tested_has_its_stage():
    assert {"state", "profession_group", "term", "emp_length", "verification_status", "application_type"} < {
        *levels.FACTORS
    }
    assert names(factors=",".join(levels.FACTORS)) == [*levels.FACTORS]
    assert FACTORS.choices == levels.FACTORS
    assert "loan_status" not in levels.FACTORS
    assert all(levels.known_factor(name) == name for name in levels.FACTORS)


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ("int_rate", "expected some of pincode, state, profession"),  # a number
        ("shoe_size,grade", "got 'shoe_size,grade'. which factors are tested"),
        ("loan_status", "expected some of"),  # the outcome
        ("grade,grade", "each once"),
        ("", "expected some of"),
        ([], "one value or several"),
        (3, "a value of type list"),
    ],
)
def test_what_is_no_factor_is_refused_with_all_that_are(factors: object, message: str):
    with pytest.raises(ParameterError) as caught:
        check_parameters(STAGES, {"factors": factors})
    assert message in str(caught.value)
    assert str(caught.value).startswith("loantap run: parameter 'factors'")


def test_the_notebook_and_the_job_know_the_same_factors():
    assert parameters(notebooks_dir() / "03_association.ipynb")["factor"].choices == ()  # the library refuses others
    with pytest.raises(InputError, match=r"expected one of pincode, state.*got 'int_rate'"):
        levels.known_factor("int_rate")


def test_a_misspelled_list_of_factors_is_recognised():
    with pytest.raises(ParameterError, match="Did you mean 'factors'"):
        check_parameters(STAGES, {"factor_s": "grade"})


def test_a_factor_that_is_asked_for_by_itself_joins_those_of_the_run():
    given = with_factor({"seed": 1}, "purpose", only="association", former={"factors": "grade", "seed": 0})
    assert given == {"seed": 1, "factors": ["grade", "purpose"]}
    chosen = named_stages("association", "purpose", stages=stages_of(given), with_ingest=True)
    assert [stage.name for stage in chosen] == ["ingest", "association-purpose"]
    assert with_factor({}, "grade", only="association") == {}
    with pytest.raises(InputError, match="--only association"):
        with_factor({}, "purpose", only=None)
    with pytest.raises(InputError, match=r"--factor expected one of pincode, .*got 'int_rate'"):
        with_factor({}, "int_rate", only="association")


def test_factors_are_the_runs_whichever_stages_they_are_given_for():
    merged = merged_parameters({"factors": "grade", "seed": 1}, {"factors": "grade,purpose"}, STAGES[:1])
    assert merged == {"factors": "grade,purpose", "seed": 1}
    assert factors_of(merged) == ["grade", "purpose"]


def test_how_many_loans_compete_is_said_for_all_tunings_or_for_one():
    def rows(**given: object) -> list[object]:
        chosen = check_parameters(STAGES, given)
        return [one.get("ablation_rows") for name, one in chosen.items() if name.startswith("tuning-")]

    assert rows() == [None, 10_000, 10_000]  # the notebook's own, and fewer for what is a comparison only
    assert rows(ablation_rows=4_000) == [4_000] * 3
    assert rows(**{"ablation_rows": 4_000, "tuning-with-pincode.ablation_rows": 5_000}) == [4_000, 5_000, 4_000]
    inputs = [one["inputs"] for name, one in check_parameters(STAGES, {"inputs": "with_pincode"}).items() if name.startswith("tuning-")]  # fmt: skip
    assert inputs == ["without_pincode", "with_pincode", "application_only"]  # what makes a stage what it is stays
