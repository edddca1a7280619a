"""Each page of the dashboard, run by Streamlit's own test harness; a browser looks at them in tests/end_to_end."""

from pathlib import Path

import pandas as pd
import pytest
from serve_run import write_run
from streamlit.testing.v1 import AppTest

import loantap.serve.dashboard as pages
from loantap.errors import InputError
from loantap.model.finalist import Finalist
from loantap.report.results import RunFolder
from loantap.serve.dashboard.sources import MODEL, RUN, find_sources
from loantap.serve.store import ModelStore

APP = Path(pages.__file__).with_name("app.py")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, finalist: Finalist, loans: pd.DataFrame) -> Path:
    return write_run(tmp_path_factory.mktemp("dashboard") / "run", finalist, loans)


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run, shown by the dashboard, with an empty store of models."""
    monkeypatch.setenv("LOANTAP_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv(RUN, str(made))
    monkeypatch.setenv(MODEL, "")
    return made


def opened(page: str = "score.py") -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    if page != "score.py":
        app = app.switch_page(page).run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    parts = [*app.markdown, *app.warning, *app.info, *app.error, *app.caption, *app.header, *app.subheader]
    return "\n".join(part.value for part in parts)


@pytest.mark.parametrize("page", ["score.py", "explore.py", "portfolio.py", "policy.py", "watchlist.py"])
def test_every_page_says_that_data_are_synthetic_and_what_is_shown(page: str, run: Path):
    app = opened(page)
    assert "SYNTHETIC DATA" in said(app)
    assert "not the champion" in said(app)
    assert "**Run** r1" in [line.value for line in app.sidebar.markdown]


def test_a_promoted_model_is_shown_first_and_without_a_warning(run: Path):
    ModelStore().promote(run / "model", "r1", [])
    app = opened()
    assert "not the champion" not in said(app)
    assert "the champion" in app.sidebar.markdown[0].value


def test_an_application_is_scored_with_reasons_and_alternatives(run: Path):
    app = opened()
    app.button[0].click().run()
    assert not app.exception
    assert app.header[0].value in ("Approve", "Refer to a person")
    assert "The probability of default is **" in said(app)
    assert "the risk. (R" in said(app)
    assert "debt-to-income" in said(app)


def test_wrong_values_are_named_at_their_fields_and_nothing_is_scored(run: Path):
    app = opened()
    app.text_input(key="field_earliest_cr_line").set_value("long ago")
    app.number_input(key="field_int_rate").set_value(0.5)
    app.button[0].click().run()
    assert len(app.error) == 3
    assert "2 fields need another value" in app.error[-1].value
    assert not app.header


def test_unknown_values_may_be_left_open(run: Path):
    app = opened()
    app.selectbox(key="field_emp_length").set_value("not known")
    app.number_input(key="field_mort_acc").set_value(None)
    app.button[0].click().run()
    assert not app.error
    assert app.header


def test_a_factor_and_a_filter_change_what_is_counted(run: Path, loans: pd.DataFrame):
    app = opened("explore.py")
    assert app.metric[0].value == f"{len(loans):,}"
    app.selectbox[0].set_value("term").run()
    app.multiselect[0].set_value(["grade"]).run()
    app.multiselect(key="filter_grade").set_value(["B", "C"]).run()
    shown = loans.loc[loans["grade"].isin(["B", "C"])]
    assert app.metric[0].value == f"{len(shown):,}"
    assert app.dataframe[0].value["n"].sum() == len(shown)


def test_a_filter_that_leaves_too_few_loans_says_so(run: Path):
    app = opened("explore.py")
    app.multiselect[0].set_value(["purpose", "grade"]).run()
    app.multiselect(key="filter_purpose").set_value(["wedding"])
    app.multiselect(key="filter_grade").set_value(["G"]).run()
    assert "too few to say anything" in said(app)
    assert not app.dataframe


def test_a_file_is_scored_and_summed_up(run: Path, raw_loans: pd.DataFrame):
    app = opened("portfolio.py")
    content = raw_loans.head(30).to_csv(index=False).encode()
    app.file_uploader[0].set_value(("loans.csv", content, "text/csv")).run()
    assert not app.exception
    assert [metric.value for metric in app.metric][:2] == ["30", "30"]


def test_scores_are_dropped_when_another_page_is_opened(run: Path, raw_loans: pd.DataFrame):
    app = opened("portfolio.py")
    app.file_uploader[0].set_value(("loans.csv", raw_loans.head(30).to_csv(index=False).encode(), "text/csv")).run()
    assert "scored" in app.session_state
    app.switch_page("watchlist.py").run()
    assert "scored" not in app.session_state


def test_a_file_of_no_use_is_refused_in_words(run: Path):
    app = opened("portfolio.py")
    app.file_uploader[0].set_value(("loans.csv", b"a,b\n1,2\n", "text/csv")).run()
    assert not app.exception
    assert "these are missing" in said(app)


def test_a_higher_threshold_refers_fewer(run: Path):
    app = opened("policy.py")
    before = app.table[0].value
    assert before.iloc[:, 0].tolist() == before.iloc[:, 1].tolist()
    app.slider[0].set_value(45.0).run()
    after = app.table[0].value
    assert float(after.iloc[0, 0].split()[0]) < float(before.iloc[0, 0].split()[0])
    assert after.iloc[:, 1].tolist() == before.iloc[:, 1].tolist()


def test_there_is_no_watchlist_before_early_warning_has_run(run: Path):
    assert "early warning has not been run on it" in said(opened("watchlist.py"))


def test_a_watchlist_is_shown_where_there_is_one(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = tmp_path / "watched"
    other.mkdir()
    (other / "manifest.json").write_text((run / "manifest.json").read_text())
    folder = RunFolder(other)
    folder.write_result("early_warning", {})
    folder.write_table(pd.DataFrame({"loan": [7], "why": ["late"]}), "watchlist", title="t", caption="c")
    monkeypatch.setenv(RUN, str(other))
    assert opened("watchlist.py").dataframe[0].value["loan"].tolist() == [7]


def test_a_run_without_a_model_can_still_be_explored(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = tmp_path / "unmodelled"
    (other / "data").mkdir(parents=True)
    for name in ("manifest.json", "data/loans.parquet"):
        (other / name).write_bytes((run / name).read_bytes())
    monkeypatch.setenv(RUN, str(other))
    assert "There is no model yet" in said(opened())
    assert opened("explore.py").metric


def test_a_spoilt_model_is_a_message_and_no_traceback(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "model"
    folder.mkdir()
    for path in (run / "model").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "reasons.json").write_text("[]")
    monkeypatch.setenv(MODEL, str(folder))
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    assert not app.exception
    assert "reasons" in app.error[0].value


def test_a_model_of_another_run_has_no_policy_page(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = tmp_path / "other"
    other.mkdir()
    (other / "manifest.json").write_text((run / "manifest.json").read_text().replace('"r1"', '"r2"'))
    monkeypatch.setenv(MODEL, str(run / "model"))
    monkeypatch.setenv(RUN, str(other))
    assert "made by run r1, and this is run r2" in said(opened("policy.py"))


def test_the_run_that_made_the_champion_is_shown_with_it(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    runs = tmp_path / "runs"
    for name in ("r1", "r2"):
        (runs / name / "data").mkdir(parents=True)
        for part in ("manifest.json", "data/loans.parquet"):
            (runs / name / part).write_bytes((run / part).read_bytes())
    monkeypatch.setattr("loantap.serve.dashboard.sources.runs_dir", lambda: runs)
    monkeypatch.setattr("loantap.report.results.runs_dir", lambda: runs)
    newest = find_sources()
    assert newest.run is not None
    assert (newest.run.path.name, newest.model) == ("r2", None)
    ModelStore().promote(run / "model", "r1", [])
    found = find_sources()
    assert found.run is not None
    assert (found.run.path.name, found.promoted) == ("r1", True)


def test_the_champion_is_known_by_its_version_wherever_it_is_named(run: Path, tmp_path: Path):
    assert not find_sources(run / "model", run).promoted
    ModelStore().promote(run / "model", "r1", [])
    assert find_sources(run / "model", run).promoted
    assert find_sources(run, run).promoted
    assert find_sources(ModelStore().folder, run).promoted


def test_the_champion_of_a_store_that_is_named_is_promoted(run: Path, tmp_path: Path):
    other = ModelStore(tmp_path / "other")
    other.promote(run / "model", "r1", [])
    assert find_sources(other.folder, run).promoted
    assert not find_sources(run / "model", run).promoted


def test_a_broken_store_matters_only_where_no_model_is_named(run: Path):
    store = ModelStore().folder
    store.mkdir()
    (store / "champion.json").write_text("{")
    assert not find_sources(run / "model", run).promoted
    with pytest.raises(InputError, match=r"champion\.json"):
        find_sources(run=run)


def copied(run: Path, folder: Path) -> Path:
    for path in (path for path in run.rglob("*") if path.is_file()):
        target = folder / path.relative_to(run)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return folder


def test_a_model_whose_writing_was_interrupted_is_a_message(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = copied(run, tmp_path / "cut")
    (other / "model" / "SHA256SUMS").unlink()
    with pytest.raises(InputError, match="SHA256SUMS"):
        find_sources(run=other)
    monkeypatch.setenv(RUN, str(other))
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    assert not app.exception
    assert "SHA256SUMS" in app.error[0].value


def test_damaged_loans_are_a_message(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = copied(run, tmp_path / "damaged")
    (other / "data" / "loans.parquet").write_bytes(b"PAR1 no more")
    monkeypatch.setenv(RUN, str(other))
    assert "expected the cleaned loans as Parquet" in said(opened("explore.py"))
    assert "expected the cleaned loans as Parquet" in said(opened("policy.py"))


def test_nothing_to_show_is_said_before_anything_starts(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loantap.serve.dashboard.sources.newest_run", lambda: None)
    with pytest.raises(InputError, match="loantap run"):
        find_sources()
    with pytest.raises(InputError, match="expected a run's folder"):
        find_sources(run=tmp_path)
