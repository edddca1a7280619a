"""Which engine renders, what Quarto is given, and that a render is whole or absent."""

import json
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import yaml
from render_support import make_project, make_run, write_quarto

from loantap.errors import InputError, MissingToolError, RenderError
from loantap.runs import render
from loantap.runs.quarto import find_quarto
from loantap_pages.execute import execute_page

# Renders nothing, but writes down how it was called and leaves what Quarto would.
RECORDING = """
if [ "$1" = "--version" ]; then echo "1.9.3"; exit 0; fi
mkdir -p _site
pwd > "$RECORD/cwd"; echo "$@" > "$RECORD/args"; env > "$RECORD/env"
cp _quarto.yml _*.lua _*.typ *.qmd "$RECORD"; [ ! -d notebooks ] || cp -r notebooks "$RECORD"
echo "<title>by quarto</title>" > _site/index.html
echo "%PDF" > _site/loantap-insights.pdf
"""


PYTHON = sys.executable


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("LOANTAP_HOME", str(make_project(tmp_path / "project")))
    monkeypatch.delenv("QUARTO_PATH", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    # Running the pages takes seconds, and a real interpreter.
    monkeypatch.setattr("loantap.runs.quarto_pages.execute_page", lambda page, folder, env: page)
    return tmp_path / "project"


@pytest.fixture
def run(tmp_path, project):
    return make_run(tmp_path / "run")


@pytest.fixture
def builtin(monkeypatch):
    """Stand in for the built-in renderer where only the choice matters."""

    def write(staged, **_):
        staged.output.mkdir()
        (staged.output / "index.html").write_text("new")
        (staged.output / "loantap-insights.pdf").write_text("new")
        return "built-in (pandoc 3.9, typst 0.15.2)"

    monkeypatch.setattr("loantap_pages.site.render_site", write)


@pytest.fixture
def record(tmp_path, monkeypatch):
    folder = tmp_path / "record"
    folder.mkdir()
    monkeypatch.setenv("RECORD", str(folder))
    return folder


def on_path(monkeypatch, folder):
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def version(text):
    return f'[ "$1" = "--version" ] && echo {text} && exit 0\n'


def test_without_quarto_the_builtin_renderer_is_taken(run, builtin):
    assert find_quarto() is None
    assert render.render_report(run).engine == "built-in (pandoc 3.9, typst 0.15.2)"


@pytest.mark.parametrize("where", ["QUARTO_PATH", "folder", "PATH", "beside"])
def test_quarto_is_found_in_each_place(where, tmp_path, project, monkeypatch):
    path = write_quarto(tmp_path / "bin" if where == "beside" else tmp_path / "q" / "bin", version("1.10.2"))
    if where == "QUARTO_PATH":
        monkeypatch.setenv("QUARTO_PATH", str(path))
    elif where == "folder":
        monkeypatch.setenv("QUARTO_PATH", str(tmp_path / "q"))
    elif where == "PATH":
        on_path(monkeypatch, path.parent)
    found = find_quarto()
    assert found
    assert (found.path, found.version, found.supported) == (path, "1.10.2", True)


def test_a_newer_quarto_beside_the_interpreter_wins_over_an_old_one_on_path(tmp_path, project, monkeypatch):
    on_path(monkeypatch, write_quarto(tmp_path / "old", version("1.4.550")).parent)
    newer = write_quarto(tmp_path / "bin", version("1.9.0"))
    assert find_quarto().path == newer


def test_quarto_path_that_names_nothing_is_an_error(run, tmp_path, monkeypatch):
    monkeypatch.setenv("QUARTO_PATH", str(tmp_path / "nowhere"))
    with pytest.raises(MissingToolError, match=r"QUARTO_PATH=.*nowhere"):
        render.render_report(run)


def test_quarto_gets_the_run_the_interpreter_and_pages_at_the_top(run, record, tmp_path, project, monkeypatch):
    on_path(monkeypatch, write_quarto(tmp_path / "q", RECORDING).parent)
    rendered = render.render_report(run)
    assert rendered.engine == "quarto 1.9.3"
    assert "by quarto" in rendered.html.read_text()
    assert (record / "args").read_text().strip() == "render"
    env = dict(line.split("=", 1) for line in (record / "env").read_text().splitlines() if "=" in line)
    assert env["QUARTO_PYTHON"] == sys.executable
    assert env["LOANTAP_RUN"] == str(run)
    assert env["LOANTAP_HOME"] == str(project)
    assert not any(
        part.startswith((".", "_")) for part in Path((record / "cwd").read_text().strip()).relative_to(run).parts
    )
    config = yaml.safe_load((record / "_quarto.yml").read_text())
    left = config["website"]["navbar"]["left"]
    assert left[0] == {"text": "Insights", "href": "index.qmd"}
    assert left[-1] == {"text": "Notebooks", "menu": [{"text": "Tuning", "href": "notebooks/04_tuning.qmd"}]}
    html = config["format"]["html"]
    assert html["theme"] == {"light": ["default", "assets/light.scss"], "dark": ["default", "assets/dark.scss"]}
    assert html["respect-user-color-scheme"] is True
    assert html["css"] == ["assets/report.css", "assets/first-screen.css"]
    assert config["project"]["render"] == ["*.qmd", "notebooks/04_tuning.qmd"]
    assert "pre-render" not in config["project"]
    assert {"_glossary.lua", "_quarto.lua", "_tables.lua", "_links.lua"} <= set(config["filters"])
    assert all((record / name).is_file() for name in config["filters"])


def test_quarto_gets_the_synthetic_notice_for_every_page_and_the_pdf(run, record, tmp_path, monkeypatch):
    on_path(monkeypatch, write_quarto(tmp_path / "q", RECORDING).parent)
    render.render_report(run, engine="quarto")
    config = yaml.safe_load((record / "_quarto.yml").read_text())
    assert "Synthetic data" in config["format"]["html"]["include-before-body"][0]["text"]
    front = yaml.safe_load((record / "index.qmd").read_text().split("---")[1])
    typst = front["format"]["typst"]
    *files, notice = typst["include-in-header"]
    assert all((record / one["file"]).is_file() for one in files)
    assert "Synthetic data" in notice["text"]
    assert typst["output-file"] == "loantap-insights"


def test_quarto_gets_pages_that_were_run_and_runs_nothing(run, record, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", PYTHON)
    monkeypatch.setattr("loantap.runs.quarto_pages.execute_page", execute_page)
    on_path(monkeypatch, write_quarto(tmp_path / "q", RECORDING).parent)
    render.render_report(run, engine="quarto")
    index = (record / "index.qmd").read_text()
    assert yaml.safe_load(index.split("---")[1])["engine"] == "markdown"
    assert "Of 1,000 loans, 12.3% defaulted" in index
    assert "Synthetic loans, **1000** rows." in index
    for page in record.rglob("*.qmd"):
        assert not re.search(r"^```\{python", page.read_text(), re.M), page
    assert not list((record / "notebooks").glob("*.ipynb"))


def test_a_page_that_only_quarto_understands_is_left_to_it(run, project, record, tmp_path, monkeypatch):
    page = project / "reports" / "methods.qmd"
    page.write_text("---\ntitle: Methods\n---\n\n```{r}\n1 + 1\n```\n")
    on_path(monkeypatch, write_quarto(tmp_path / "q", RECORDING).parent)
    render.render_report(run, engine="quarto")
    assert (record / "methods.qmd").read_text() == page.read_text()


def test_real_data_gets_no_notice_from_quarto(record, tmp_path, project, monkeypatch):
    on_path(monkeypatch, write_quarto(tmp_path / "q", RECORDING).parent)
    render.render_report(make_run(tmp_path / "real", kind="file"))
    assert (
        "Synthetic data: "
        not in (record / "_quarto.yml").read_text() + (record / "index.qmd").read_text().split("\n```")[0]
    )


@pytest.mark.parametrize("engine", ["auto", "quarto"])
def test_a_quarto_that_fails_is_shown_and_nothing_takes_its_place(engine, run, builtin, tmp_path, monkeypatch):
    script = version("1.9.3") + 'echo "ERROR: YAML on line 3" >&2; exit 7\n'
    on_path(monkeypatch, write_quarto(tmp_path / "q", script).parent)
    with pytest.raises(RenderError, match=r"(?s)Quarto 1\.9\.3 .* exit code 7:\nERROR: YAML on line 3"):
        render.render_report(run, engine=engine)
    assert not (run / "report").exists()


def test_of_a_long_dump_what_helps_is_told(run, tmp_path, monkeypatch):
    dump = (
        "pandoc\n  to: html\n" * 50
        + "\x1b[1m\x1b[31mERROR: no such theme\x1b[39m\n  in dark.scss\n\nStack trace:\n"
        + "    at x.ts:1:2\n" * 40
    )
    (tmp_path / "dump").write_text(dump)
    on_path(monkeypatch, write_quarto(tmp_path / "q", version("1.9.3") + f"cat {tmp_path}/dump >&2; exit 1\n").parent)
    with pytest.raises(RenderError) as caught:
        render.render_report(run)
    assert str(caught.value).split("exit code 1:\n")[1] == "ERROR: no such theme\n  in dark.scss"


def test_quartos_warnings_are_told_once_each_and_in_one_line(run, record, tmp_path, monkeypatch):
    said = (
        r"printf '\033[33mWARN: no such link\033[39m\nWARN: no such link\n[WARNING] Div unclosed\nOutput created\n' >&2"
        + "\n"
    )
    on_path(monkeypatch, write_quarto(tmp_path / "q", RECORDING + said).parent)
    assert render.render_report(run).warnings == ("no such link", "Div unclosed")


def test_a_quarto_that_does_not_end_is_ended_with_its_children(run, tmp_path, monkeypatch):
    monkeypatch.setattr("loantap.runs.quarto.LIMIT_SECONDS", 1)
    child = f"sleep 60 & echo $! > {tmp_path}/child; wait\n"
    on_path(monkeypatch, write_quarto(tmp_path / "q", version("1.9.3") + child).parent)
    with pytest.raises(RenderError, match=r"had not finished after .* and was ended"):
        render.render_report(run)
    with suppress(psutil.NoSuchProcess):  # or ended, and nobody has asked for its exit code yet
        assert psutil.Process(int((tmp_path / "child").read_text())).status() == psutil.STATUS_ZOMBIE
    assert not list(run.glob("rendering-*"))


def test_a_quarto_that_writes_nothing_is_an_error(run, tmp_path, monkeypatch):
    on_path(monkeypatch, write_quarto(tmp_path / "q", version("1.9.3") + "exit 0\n").parent)
    with pytest.raises(RenderError, match=r"no index\.html"):
        render.render_report(run)


def test_a_quarto_that_cannot_tell_its_version_is_an_error(run, builtin, tmp_path, monkeypatch):
    on_path(monkeypatch, write_quarto(tmp_path / "q", "echo broken >&2; exit 3\n").parent)
    with pytest.raises(RenderError, match="broken"):
        render.render_report(run)
    assert render.render_report(run, engine="builtin").html.exists()


def test_an_old_quarto_is_named_and_passed_over(run, builtin, tmp_path, monkeypatch):
    path = write_quarto(tmp_path / "q", version("1.8.25"))
    on_path(monkeypatch, path.parent)
    assert find_quarto() is None
    engine = render.render_report(run).engine
    assert engine.startswith("built-in")
    assert f"Quarto 1.8.25 at {path} is too old, 1.9 or newer is needed" in engine
    with pytest.raises(MissingToolError, match=r"Quarto 1\.8\.25 .* too old"):
        render.render_report(run, engine="quarto")


def test_asking_for_quarto_where_there_is_none_says_how_to_get_it(run):
    with pytest.raises(MissingToolError, match=r"no quarto was found.*Install Quarto 1\.9"):
        render.render_report(run, engine="quarto")


def test_an_unknown_engine_is_refused(run):
    with pytest.raises(InputError, match="got 'latex'"):
        render.render_report(run, engine="latex")


@pytest.mark.parametrize(("content", "message"), [(None, "manifest.json: expected this file"), ("{", "expected JSON")])
def test_a_folder_that_is_no_run_is_refused_and_stays_as_it_was(content, message, tmp_path, project, builtin):
    folder = tmp_path / "other"
    folder.mkdir()
    if content:
        (folder / "manifest.json").write_text(content)
    before = sorted(folder.iterdir())
    with pytest.raises(InputError, match=message):
        render.render_report(folder)
    assert sorted(folder.iterdir()) == before


def test_a_run_folder_that_does_not_exist_is_refused(tmp_path, project):
    with pytest.raises(InputError, match="found none"):
        render.render_report(tmp_path / "nowhere")


@pytest.mark.parametrize("error", [RenderError("no"), KeyboardInterrupt()])
def test_a_render_that_ends_early_leaves_the_former_report(error, run, builtin, monkeypatch):
    render.render_report(run)
    (run / "report" / "index.html").write_text("former")

    def fail(staged, **_):
        staged.output.mkdir()
        (staged.output / "index.html").write_text("half")
        raise error

    monkeypatch.setattr("loantap_pages.site.render_site", fail)
    with pytest.raises(type(error)):
        render.render_report(run)
    assert (run / "report" / "index.html").read_text() == "former"
    assert not list(run.glob("rendering-*"))


def test_a_swap_that_fails_puts_the_former_report_back(run, builtin, monkeypatch):
    render.render_report(run)
    (run / "report" / "index.html").write_text("former")
    rename = Path.rename

    def fail_on_new(path, target):
        if path.name == "_site":
            raise OSError("disk")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_on_new)
    with pytest.raises(OSError, match="disk"):
        render.render_report(run)
    assert (run / "report" / "index.html").read_text() == "former"


def test_what_a_killed_render_left_is_mended_by_the_next(run, builtin, monkeypatch):
    # Killed between the two moves: the former report lies beside its place.
    former = run / ".loantap-staging-0badcafe-former-report"
    former.mkdir()
    (former / "index.html").write_text("former")
    (run / "rendering-0badcafe" / "site").mkdir(parents=True)

    def fail(staged, **_):
        raise RenderError("no")

    monkeypatch.setattr("loantap_pages.site.render_site", fail)
    with pytest.raises(RenderError):
        render.render_report(run)
    assert (run / "report" / "index.html").read_text() == "former"
    assert not [path for path in run.iterdir() if "0badcafe" in path.name]


def test_a_report_without_its_pdf_is_an_error(run, monkeypatch):
    def write(staged, **_):
        staged.output.mkdir()
        (staged.output / "index.html").write_text("new")
        return "built-in"

    monkeypatch.setattr("loantap_pages.site.render_site", write)
    with pytest.raises(RenderError, match=r"wrote no loantap-insights\.pdf"):
        render.render_report(run)


def test_stages_of_one_notebook_have_titles_that_tell_them_apart_in_the_order_of_the_run(
    run, record, tmp_path, monkeypatch
):
    stages = ["tuning-without-pincode", "tuning-with-pincode", "association-home_ownership", "association-grade"]
    for stage in stages:
        shutil.copy(run / "notebooks" / "04_tuning.ipynb", run / "notebooks" / f"{stage}.ipynb")
    (run / "notebooks" / "04_tuning.ipynb").unlink()
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "stages": [{"name": stage} for stage in stages]}))
    on_path(monkeypatch, write_quarto(tmp_path / "q", RECORDING).parent)
    render.render_report(run)
    menu = yaml.safe_load((record / "_quarto.yml").read_text())["website"]["navbar"]["left"][-1]["menu"]
    assert [item["text"] for item in menu] == [
        "Tuning: without pincode", "Tuning: with pincode", "Association with home ownership", "Association with grade",
    ]  # fmt: skip
    front = yaml.safe_load((record / "notebooks" / "association-grade.qmd").read_text().split("---")[1])
    assert front["title"] == "Association with grade"
    assert front["subtitle"] == "Tuning"  # the notebook's own
    # The run's own notebooks are left as they were.
    cells = json.loads((run / "notebooks" / "association-grade.ipynb").read_text())["cells"]
    assert cells[0]["cell_type"] == "markdown"
