"""Without extras: what works, and what the other commands say. Packages that only extras bring cannot be imported here."""

import ast
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from loantap.data.synthetic import write_loans
from loantap.settings import project_root

# Started with the names that no package of the core brings, and then what `loantap` gets.
ABSENT = """
import sys
absent = set(sys.argv[1].split(","))
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""
ALONE = f"""{ABSENT}
from loantap.cli.app import main
sys.argv = ["loantap", *sys.argv[2:]]
main()
"""


def closure(extras: tuple[str, ...]) -> set[str]:
    """Return the packages that loantap brings with some extras, with all that they bring."""
    found, waiting = set(), [("loantap", extras)]
    while waiting:
        name, chosen = waiting.pop()
        for need in map(Requirement, requires(name) or []):
            wanted = any(need.marker.evaluate({"extra": extra}) for extra in ("", *chosen)) if need.marker else True
            named = need.name.lower().replace("_", "-")
            if wanted and named not in found:
                found.add(named)
                waiting.append((named, tuple(need.extras)))
    return found


def started(code: str, *words: str, extras: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run some code where only the packages of the core and of these extras can be imported."""
    there = {*closure(extras), "loantap", "setuptools"}
    absent = [name for name, brought in packages_distributions().items() if there.isdisjoint(one.lower().replace("_", "-") for one in brought)]  # fmt: skip
    command = [sys.executable, "-c", code, ",".join(absent), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def loantap(*words: str) -> subprocess.CompletedProcess[str]:
    return started(ALONE, *words)


def test_the_core_is_small():
    heavy = {"duckdb", "sqlalchemy", "alembic", "fsspec", "statsmodels", "tabmat", "glum", "fairlearn", "imbalanced-learn", "matplotlib", "mlflow", "boto3"}  # fmt: skip
    assert not closure(()) & heavy
    assert not closure(("api",)) & heavy


def test_every_command_stays_in_the_help():
    done = loantap("--help")
    assert done.returncode == 0, done.stderr
    for command in ("run", "score", "watch", "serve", "promote", "track", "mlflow", "sources", "publish", "demo", "deploy", "doctor"):  # fmt: skip
        assert f" {command} " in done.stdout


def test_applications_are_scored_and_the_doctor_answers(model_folder: Path, tmp_path: Path):
    write_loans(tmp_path / "loans.csv", 50, seed=1)
    done = loantap(
        "score", str(tmp_path / "loans.csv"), "--model", str(model_folder), "--out", str(tmp_path / "scores.csv")
    )
    assert done.returncode == 0, done.stderr
    assert "Scored 50 of 50" in done.stdout
    told = loantap("doctor")
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("run", "--rows", "1000", "--out", "{folder}/run"), "report"),
        (("run", "--sources", "loantap.yml", "--out", "{folder}/run"), "sources"),
        (("sources", "check"), "sources"),
        (("score", "table:a", "--model", "{model}", "--out", "{folder}/s.csv"), "sources"),
        (("serve", "api", "--model", "{model}"), "api"),
        (("serve", "dashboard", "--model", "{model}"), "dashboard"),
        (("mlflow",), "mlflow"),
        (("deploy", "task", "--environment", "staging"), "aws"),
        (("lab",), "lab"),
    ],
)
def test_a_command_without_its_extra_names_it(words: tuple[str, ...], extra: str, model_folder: Path, tmp_path: Path):
    given = [word.format(folder=tmp_path, model=model_folder) for word in words]
    done = loantap(*given)
    assert done.returncode == 2, done.stderr
    assert "Get it with:" in done.stderr
    assert f"[{extra}]" in done.stderr or "make extras" in done.stderr.replace("make -C", "make extras")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


PAGES = sorted((project_root() / "src" / "loantap_serving" / "dashboard").glob("*.py"))


def test_the_pages_of_the_dashboard_need_its_extra_alone():
    nodes = [node for page in PAGES for node in ast.parse(page.read_text("utf-8")).body]
    imports = [ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    done = started("\n".join([ABSENT, *imports]), extras=("dashboard",))
    assert done.returncode == 0, done.stderr


def test_the_service_needs_its_extra_alone():
    code = f"{ABSENT}\nimport loantap_serving.api.app, loantap_serving.api.server, loantap_serving.batch, loantap.watchlist.month"
    done = started(code, extras=("api",))
    assert done.returncode == 0, done.stderr


def test_a_whole_job_needs_the_extra_of_the_report_alone():
    """What `loantap run` and `loantap report` import up to their end, tracking that nobody asked for among it, and what promotes."""
    modules = [
        ".".join(path.relative_to(project_root() / "src").with_suffix("").parts).removesuffix(".__init__")
        for path in (project_root() / "src" / "loantap").rglob("*.py")
        if path.name != "__main__.py"
    ]
    serving = [
        "loantap_serving.gates",
        "loantap_serving.tracking_store",
        "loantap_serving.month_files",
        "loantap_pages.site",
    ]
    end = "from pathlib import Path\nfrom loantap.extensions import provider\nprovider('track')(Path('nowhere'), asked=False)"
    done = started("\n".join([ABSENT, *(f"import {name}" for name in (*modules, *serving)), end]), extras=("report",))
    assert done.returncode == 0, done.stderr
