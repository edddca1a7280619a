"""`import loantap`: its names, their examples, the tutorial, and the reference made of them."""

import ast
import doctest
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from sealed import seal_run

import loantap
from loantap import public
from loantap.analysis.counts import FrameCounts
from loantap.analysis.levels import factor_counts
from loantap.data.accounts import describe
from loantap.data.applications import FIELDS
from loantap.data.ingest import ingest
from loantap.data.reading import SyntheticLoans
from loantap.data.synthetic import generate_loans
from loantap.errors import InputError
from loantap.exhibits.exhibit import Exhibit
from loantap.jsonable import jsonable
from loantap.model.economics import Economics, loan_profit
from loantap.model.fitted import fit_calibrated
from loantap.model.inputs import feature_frame
from loantap.model.persistence import save_model
from loantap.model.recipe import Recipe
from loantap.runs.library import library_modules
from loantap.runs.manifest import new_manifest
from loantap.runs.results import RunFolder
from loantap.settings import project_root

ROOT = project_root()
FUNCTIONS = [name for name in loantap.__all__ if name[0].islower()]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with the run that the examples speak of, as the working folder."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "_quarto.yml", folder)
    shutil.copytree(ROOT / "data" / "reference", folder / "data" / "reference")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOANTAP_HOME", str(folder))
        patch.chdir(folder)
        _finished(folder / "runs" / "20260102-030405")
        yield folder


def _finished(folder: Path) -> None:
    run, source, recipe = RunFolder(folder), SyntheticLoans(4_000, 0), Recipe("without_pincode", "ratios", "none")
    summary = ingest(source, loans_path=run.loans_path, quarantine_path=None)
    manifest = new_manifest(folder.name, {"rows": source.rows, "seed": source.seed}, [])
    manifest.status, manifest.finished_at = "done", manifest.started_at
    manifest.data = jsonable(describe(summary, source, loans_path=run.loans_path)["data"])
    manifest.write(folder)
    loans = run.loans()
    grade = public.analyse(factor_counts(FrameCounts(loans), "grade"), factor="grade")
    run.write_result("association_grade", grade.to_dict())
    run.publish(Exhibit("association-grade", "Grade", "n = 4,000", table=grade.levels))
    fitted = fit_calibrated(
        feature_frame(loans, inputs=recipe.inputs),
        loans["default"].to_numpy(),
        loan_profit(loans, Economics()),
        recipe=recipe,
        C=0.3,
        sample=np.arange(len(loans)),
        folds=3,
        random_state=0,
    )
    save_model(run.path / "model", fitted, loans=loans, card={"name": "a test"}, page="<p>a test</p>")
    seal_run(folder)


def ran(text: str, name: str, filename: str) -> int:
    """Run the examples of a text, and return how many there were."""
    example = doctest.DocTestParser().get_doctest(text, {}, name, filename, 0)
    said: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.append)
    assert not outcome.failed, "".join(said)
    return outcome.attempted


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_has_an_example_that_runs(name: str, project: Path):
    assert ran(getattr(loantap, name).__doc__, name, public.__file__) > 1


def test_the_tutorial_prints_what_it_says(project: Path):
    path = ROOT / "docs" / "tutorial.md"
    assert ran(path.read_text("utf-8"), "tutorial", str(path)) > 20


@pytest.mark.parametrize("name", loantap.__all__)
def test_every_public_name_is_explained(name: str):
    assert getattr(loantap, name) is getattr(public, name)
    assert getattr(loantap, name).__doc__


def test_an_editor_sees_the_names_that_there_are():
    stub = ast.parse((ROOT / "src" / "loantap" / "__init__.pyi").read_text("utf-8"))
    seen = [alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(seen) == sorted(loantap.__all__)
    assert set(loantap.__all__) < set(dir(loantap))


def test_a_name_that_is_none_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'loantap' has no attribute 'open_runs'"):
        loantap.open_runs  # noqa: B018


def test_importing_loantap_loads_nothing_else():
    code = "import sys; before = set(sys.modules); import loantap; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "loantap" in loaded
    assert loaded - {"loantap"} <= sys.stdlib_module_names


def test_the_library_does_not_stand_on_its_own_roof():
    for path in (ROOT / "src" / "loantap").rglob("*.py"):
        assert not re.search(
            r"(from|import) loantap\.public|from loantap import (?!__version__)", path.read_text("utf-8")
        ), path
    assert "loantap.public" not in library_modules(ROOT / "notebooks" / "04_tuning.ipynb"), "a stage would run again"


def test_the_loans_are_those_of_a_run(project: Path):
    assert_frame_equal(loantap.synthetic_loans(4_000, seed=0), loantap.open_run().loans())


def test_a_factor_is_analysed_as_the_notebook_does_it(project: Path):
    run = loantap.open_run("20260102-030405")
    assert jsonable(loantap.analyse_factor(run.loans(), "grade").to_dict()) == run.result("association_grade")


def test_one_application_and_many_are_answered_alike(project: Path):
    model = loantap.load_model("20260102-030405")
    raw = generate_loans(20, seed=1).set_axis(range(100, 120))
    many = loantap.score_applications(model, raw)
    assert list(many.index) == list(raw.index)
    known = raw[[column.name for column in FIELDS]].assign(term=raw["term"].str.strip()).astype("object")
    for row, application in known.where(known.notna(), None).iterrows():
        one = loantap.score_application(model, application)
        assert one.probability_of_default == pytest.approx(many.loc[row, "probability_of_default"], abs=1e-12)
        assert (one.decision, one.model_version) == tuple(many.loc[row, ["decision", "model_version"]])
        assert one.reasons[0].code == many.loc[row, "reason_1"]


def test_every_fault_is_an_input_error(project: Path, tmp_path: Path):
    loans, model = loantap.synthetic_loans(500, seed=1), loantap.load_model("20260102-030405")
    (tmp_path / "empty").mkdir()
    for call, told in (
        (lambda: loantap.synthetic_loans(0), "expected rows to be 1 or more"),
        (lambda: loantap.synthetic_loans(1), "expected both outcomes"),
        (lambda: loantap.open_run("absent"), "expected a run's folder"),
        (lambda: loantap.open_run(tmp_path / "empty"), "manifest"),
        (lambda: loantap.load_model("absent"), "expected a model's folder"),
        (lambda: loantap.load_model(), "expected a promoted model"),
        (lambda: loantap.analyse_factor(loans, "colour"), "colour"),
        (lambda: loantap.analyse_factor(loans.drop(columns="default"), "grade"), "got default"),
        (lambda: loantap.analyse_factor(loans, "grade", reference="Z"), "expected a level of 'grade'"),
        (lambda: loantap.score_application(model, {}), "loan_amnt: Field required"),
        (lambda: loantap.score_applications(model, generate_loans(3, seed=1).assign(dti="-1")), "column 'dti'"),
    ):
        with pytest.raises(InputError, match=re.escape(told)):
            call()


def test_a_run_that_was_changed_is_not_opened(project: Path, tmp_path: Path):
    shutil.copytree(project / "runs" / "20260102-030405", tmp_path / "run")
    (tmp_path / "run" / "results" / "association_grade.json").write_text("{}")
    with pytest.raises(InputError, match=r"association_grade\.json"):
        loantap.open_run(tmp_path / "run")


def test_without_a_run_it_says_how_to_make_one(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copy(ROOT / "_quarto.yml", tmp_path)
    monkeypatch.setenv("LOANTAP_HOME", str(tmp_path))
    with pytest.raises(InputError, match="Make one with: loantap run"):
        loantap.open_run()


def test_the_reference_is_built_without_a_warning(tmp_path: Path):
    script = ROOT / "tools" / "reference.py"
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", script, tmp_path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "loantap.html").read_text("utf-8")
    for name in loantap.__all__:
        assert f'id="{name}"' in page
    assert "A tutorial" in page
    assert "loantap.synthetic_loans" in page
