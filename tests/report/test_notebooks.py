import ast
from pathlib import Path

import nbformat
import pytest

from loantap.errors import ParameterError
from loantap.report.notebooks import STAGES, Stage, check_parameters
from loantap.report.parameters import parameters
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
def test_committed_notebooks_are_clean_and_typed(path: Path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code), "clear the outputs"
    assert notebook.metadata.kernelspec.name == "python3"
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
