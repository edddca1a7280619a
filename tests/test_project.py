"""What the project says of itself in several places agrees."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement

from loantap.settings import project_root

ROOT = project_root()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PYPROJECT["optional-dependencies"]


def bounds(texts: list[str]) -> dict[str, str]:
    found = [Requirement(text) for text in texts]
    return {need.name.lower().replace("_", "-"): str(need.specifier) for need in found}


def test_the_conda_environment_asks_for_what_the_project_asks_for():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    conda = bounds([entry for entry in listed if isinstance(entry, str)])
    pip = bounds(next(entry["pip"] for entry in listed if isinstance(entry, dict)))
    wanted = bounds([*PYPROJECT["dependencies"], *EXTRAS["report"], *EXTRAS["sources"], *EXTRAS["lab"]])
    assert conda.pop("python") == PYPROJECT["requires-python"]
    assert conda.pop("quarto") == ">=1.9"
    assert conda.pop("pip") == ""
    assert conda | pip == wanted


def locked(name: str) -> dict[str, set[str]]:
    text = (ROOT / "requirements" / f"{name}.lock").read_text("utf-8")
    versions: dict[str, set[str]] = {}
    for package, number in re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", text, re.M | re.I):
        versions.setdefault(package.lower().replace("_", "-"), set()).add(number)
    return versions


def test_the_locks_satisfy_the_project():
    for name, extras in (("report", ["report"]), ("dev", ["report", "sources", "lab", "dev"])):
        versions = locked(name)
        texts = [*PYPROJECT["dependencies"], *(text for extra in extras for text in EXTRAS[extra])]
        for need in map(Requirement, texts):
            found = versions.get(need.name.lower().replace("_", "-"), set())
            assert found, f"{need.name} is not in {name}.lock: run make lock"
            assert all(number in need.specifier for number in found), f"{need} against {found}: run make lock"


def test_make_extras_brings_every_extra():
    """Its lock is the one that is tested with."""
    versions = locked("dev")
    for extra, texts in EXTRAS.items():
        missing = [need for text in texts if (need := Requirement(text).name.lower().replace("_", "-")) not in versions]
        assert not missing, f"[{extra}] in dev.lock: run make lock"


def test_what_make_report_installs_is_locked():
    done = subprocess.run(["make", "--dry-run", "VENV=build/absent", "report"], cwd=ROOT, capture_output=True, text=True, check=True)  # fmt: skip
    installs = [line for line in done.stdout.splitlines() if "pip" in line and " install " in line]
    assert len(installs) == 2
    assert all("--require-hashes -r requirements/report.lock" in line or "--no-deps --editable ." in line for line in installs)  # fmt: skip
    assert "quarto" not in done.stdout


def test_both_locks_agree():
    dev = locked("dev")
    assert {name: dev.get(name) for name in locked("report")} == locked("report")


# What a lock holds for some Pythons only, and why numbers cannot differ for it.
_BACKPORT, _PAPERMILL = (
    "a backport that typing has from 3.12 on",
    "papermill asks for aiohttp on 3.12; it is never called",
)
LOOKED_AT = {
    "overrides": _BACKPORT,
    **dict.fromkeys(("aiohappyeyeballs", "aiohttp", "aiosignal", "frozenlist", "multidict", "propcache", "yarl"), _PAPERMILL),
}  # fmt: skip


def test_a_package_has_one_version_whatever_the_python():
    for path in (ROOT / "requirements").glob("*.lock"):
        assert {name: found for name, found in locked(path.stem).items() if len(found) > 1} == {}, path.name
        text = path.read_text("utf-8")
        some = set(re.findall(r"^([a-z0-9._-]+)==[^\n]*; [^\n]*python_(?:full_)?version", text, re.M))
        assert some <= set(LOOKED_AT), f"{path.name}: on some Pythons only, look why: {sorted(some - set(LOOKED_AT))}"


def test_the_readme_names_the_pythons_that_are_tested():
    named = re.findall(r"Python :: (3\.\d+)", " ".join(PYPROJECT["classifiers"]))
    assert f"Python {named[0]} to {named[-1]}" in (ROOT / "README.md").read_text("utf-8")
    assert PYPROJECT["requires-python"] == f">={named[0]}"


def test_every_locked_package_carries_hashes():
    for path in (ROOT / "requirements").glob("*.lock"):
        entries = re.split(r"\n(?=[a-z0-9])", path.read_text("utf-8"), flags=re.I)
        assert all("--hash=sha256:" in entry for entry in entries if "==" in entry), path.name


LAYERS = ("data", "analysis", "model", "scoring", ("policy", "watchlist"), "exhibits", "runs", "cli")
HOUSES = ("loantap_pages", "loantap", "loantap_sources", "loantap_serving", "loantap_deploy")


def imported(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    found = ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names] for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)))  # fmt: skip
    return {name for names in found for name in names if name}


def test_imports_point_down_only():
    """A layer, those side by side in it too, knows nothing of the others that are not below it."""
    below: list[str] = []
    for layer in LAYERS:
        side = (layer,) if isinstance(layer, str) else layer
        for name in side:
            allowed = {*below, name}
            for path in (ROOT / "src" / "loantap" / name).rglob("*.py"):
                layers = {
                    parts[1]
                    for module in imported(path)
                    if len(parts := module.split(".")) > 1 and parts[0] == "loantap"
                }
                wrong = {one for one in layers - allowed if (ROOT / "src" / "loantap" / one).is_dir()}
                assert not wrong, f"{path} imports {wrong}"
        below += side


def test_a_house_imports_those_below_it_only():
    for place, house in enumerate(HOUSES):
        for path in (ROOT / "src" / house).rglob("*.py"):
            others = {module.partition(".")[0] for module in imported(path)} & set(HOUSES[place + 1 :])
            assert not others, f"{path} imports {others}"


def test_the_renderer_knows_nothing_of_loans():
    for path in (ROOT / "src" / "loantap_pages").rglob("*.py"):
        assert "loantap" not in {module.partition(".")[0] for module in imported(path)}, path


def test_what_is_not_installed_is_imported_by_nothing_that_is():
    tools = {path.stem for path in (ROOT / "tools").iterdir() if path.suffix == ".py" or path.is_dir()}
    for path in (ROOT / "src").rglob("*.py"):
        found = {module.partition(".")[0] for module in imported(path)} & tools
        assert not found or (found == {"stand_ins"} and path.name == "commands.py"), f"{path} imports {found}"


STATISTICS = re.compile(r"^\s*(from|import) (scipy|statsmodels|sklearn|imblearn)", re.M)


def test_plots_know_nothing_of_statistics():
    for path in (ROOT / "src" / "loantap" / "exhibits" / "plots").glob("*.py"):
        text = path.read_text("utf-8")
        assert not STATISTICS.search(text), path
        assert not re.search(r"from loantap\.(analysis|model|scoring|policy|watchlist)", text), path


def test_exhibits_and_report_compute_no_statistics():
    for folder in ("exhibits", "runs"):
        for path in (ROOT / "src" / "loantap" / folder).rglob("*.py"):
            assert not STATISTICS.search(path.read_text("utf-8")), path


def test_no_notebook_page_or_exhibit_types_a_level_of_confidence():
    typed = re.compile(r"\b(9\d|50|80)(\.\d)? ?%( |-)?(interval|confiden|Wilson|bootstrap|Wald|Newcombe)", re.I)
    for path in (
        *ROOT.glob("notebooks/*.ipynb"),
        *ROOT.glob("reports/*.qmd"),
        *(ROOT / "src" / "loantap" / "exhibits").rglob("*.py"),
    ):
        assert not typed.search(path.read_text("utf-8")), path


def test_modules_stay_small():
    for path in (ROOT / "src").rglob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= 260, f"{path}: make two modules of it"


def test_quarto_that_cannot_be_installed_is_no_failure():
    script = ROOT / "tools" / "install_quarto.py"
    found = subprocess.run([sys.executable, script, "./no-such-package"], capture_output=True, text=True, check=False)
    assert found.returncode == 0
    assert "built-in renderer" in found.stdout


def test_no_file_names_a_path_of_somebodys_machine():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in listed:
        path = ROOT / name
        if path.is_file() and path.suffix in {".py", ".md", ".qmd", ".yml", ".toml", ".ipynb", ".lua", ".css", ""}:
            assert not re.search(r"(/home/|/Users/|/root/)[a-z]", path.read_text("utf-8", errors="ignore")), name


def test_the_makefile_names_its_targets():
    text = (ROOT / "Makefile").read_text("utf-8")
    for target in (
        "report",
        "extras",
        "quarto",
        "test",
        "lab",
        "clean-notebooks",
        "docs",
        "bench",
        "bench-scale",
        "bench-tuning",
        "lint",
        "lock",
    ):
        assert re.search(rf"^{target}:.*## ", text, re.M), target
    assert Path(ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_table_of_faults_names_the_kinds_that_are_tested():
    kinds = {kind for path in (ROOT / "tests").rglob("*.py") for kind in re.findall(r'mark\.fault\("([^"]+)"\)', path.read_text("utf-8"))}  # fmt: skip
    rows = dict(re.findall(r"^\| (\S.*?) +\| +(\d+) \|", (ROOT / "docs" / "warehouse.md").read_text("utf-8"), flags=re.MULTILINE))  # fmt: skip
    assert {row for row in rows if not row[0].isdigit()} - {"all"} == kinds
