"""What is published tells nothing of the folders of the machine it was made on, with either renderer."""

import json
from pathlib import Path

import nbformat
import pytest
from nbformat import v4
from render_support import make_project, make_run

from loantap.runs.local_paths import without_folders
from loantap.runs.page import Page
from loantap.runs.results import RunFolder
from loantap.runs.staging import stage_report

RUN = "/srv/anna/credit risk/runs/r1"
PRIVATE = ("/home", "anna", "credit risk")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('data = "/srv/anna/loans.csv"', 'data = "loans.csv"'),
        (f"PosixPath('{RUN}/results/eda.json')", "PosixPath('r1/results/eda.json')"),
        (f"Read from {RUN}.", "Read from r1."),
        ("/opt/venv/lib/seaborn/rc.py:12: UserWarning: x", "rc.py:12: UserWarning: x"),
        ("File \x1b[32m/usr/lib/python3/abc.py:5\x1b[39m, in f", "File \x1b[32mabc.py:5\x1b[39m, in f"),
        ("<td>/srv/loans/a.csv</td></tr></table>", "<td>a.csv</td></tr></table>"),
        ("| sqlite:////srv/loans/a.db |", "| sqlite:///a.db |"),
        ("| /srv/my\\_loans/a\\_b.csv |", "| a\\_b.csv |"),
        ("name,/srv/loans/a.csv,5\n/srv/b/", "name,a.csv,5\nb/"),
    ],
)
def test_a_local_path_is_cut_down_to_its_name(text, shown):
    assert without_folders(text, [RUN, "not a path", 5]) == shown


@pytest.mark.parametrize(
    "text",
    [
        "see https://example.org/a/b and s3://bucket/a/b, ../a/b or results/tables/x.csv",
        "postgresql://analyst@host:5432/loans/live",
        "1/2/2015, n/a, and/or, a / b / c, 5%/year",
        'src="data:image/png;base64,iVBOR/w0K/Ggo+/AA/AN="',
        '<br/><img src="figures/a.svg"/></td></tr>',
        "run.path / 'results' / f'{name}/a/b.json'",
    ],
)
def test_what_is_no_local_path_stays(text):
    assert without_folders(text, [RUN]) == text


def test_an_image_stays_as_it_is():
    output = {
        "data": {"image/png": " /9j/4AAQ/Sk", "text/plain": "/srv/anna/x"},
        "metadata": {"image/png": {"alt": "Of /srv/anna/z"}},
        "count": 3,
        "lines": ["/srv/anna/y"],
    }
    assert without_folders(output) == {
        "data": {"image/png": " /9j/4AAQ/Sk", "text/plain": "x"}, "metadata": {"image/png": {"alt": "Of z"}}, "count": 3, "lines": ["y"],
    }  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run whose notebook was executed elsewhere, in the folder RUN, and names local files in each of its parts."""
    monkeypatch.setenv("LOANTAP_HOME", str(make_project(tmp_path / "project")))
    folder = make_run(tmp_path / "run")
    snapshots = "/srv/anna/credit risk/live.csv"
    (folder / "manifest.json").write_text(
        json.dumps({"run_id": "r1", "data": {"kind": "synthetic"}, "parameters": {"snapshots": snapshots, "seed": 1}})
    )
    (folder / "results" / "early_warning.json").write_text(json.dumps({"source": snapshots, "months": 3}))
    (folder / "results" / "tables" / "sources.csv").write_text(f"source,location\r\nloans,{snapshots}\n")
    (folder / "results" / "tables" / "sources.json").write_text(json.dumps({"caption": f"From {folder}/loans.csv."}))
    (folder / "results" / "figures" / "rate.json").write_text(json.dumps({"alt": f"Of {snapshots}."}))
    outputs = [
        v4.new_output("stream", name="stderr", text="/srv/anna/.venv/lib/x.py:3: UserWarning: odd\n"),
        v4.new_output("execute_result", {"text/plain": f"PosixPath('{RUN}/results/eda.json')"}),
        v4.new_output("execute_result", {"text/html": "<table><tr><td>/srv/anna/a.csv</td></tr></table>"}),
        v4.new_output("error", ename="E", evalue=f"{RUN}: no", traceback=["File \x1b[32m/srv/anna/a.py:1\x1b[39m"]),
    ]
    cell = v4.new_code_cell(f'run_dir = "{RUN}"', outputs=outputs, metadata={"tags": ["injected-parameters"]})
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# Data\n\nFrom /srv/anna/a.csv."), cell])
    notebook.metadata["papermill"] = {"input_path": "/srv/anna/01.ipynb", "parameters": {"run_dir": RUN, "seed": 1}}
    nbformat.write(notebook, folder / "notebooks" / "01.ipynb")
    return folder


def test_what_a_renderer_is_given_names_no_folder(run, tmp_path):
    folder = stage_report(run, tmp_path / "site").folder
    texts = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()
    }
    assert {"notebooks/01.ipynb", "tables/sources.csv", "tables/sources.json", "figures/rate.json"} <= set(texts)
    assert [name for name, text in texts.items() for word in (*PRIVATE, str(tmp_path)) if word in text] == []
    cell = nbformat.reads(texts["notebooks/01.ipynb"], as_version=4).cells[2]
    assert cell.source == 'run_dir = "r1"'
    assert cell.outputs[1].data["text/plain"] == "PosixPath('r1/results/eda.json')"
    assert texts["tables/sources.csv"] == "source,location\nloans,live.csv\n"


def test_the_runs_own_notebook_keeps_its_paths(run, tmp_path):
    before = (run / "notebooks" / "01.ipynb").read_bytes()
    stage_report(run, tmp_path / "site")
    assert (run / "notebooks" / "01.ipynb").read_bytes() == before


def test_a_page_tells_files_by_their_names(run):
    assert Page(RunFolder(run)).result("early_warning") == {"source": "live.csv", "months": 3}
