"""What is installed, what is missing, and how to get it."""

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from loantap.runs.quarto import MINIMUM_VERSION, find_quarto
from loantap.settings import how_to_add, project_root

EXTRAS = {
    "report": "the notebooks and the report",
    "sources": "DB2, SQL and a warehouse as sources",
    "lab": "JupyterLab",
    "cluster": "searches on a Dask cluster",
    "postgresql": "a warehouse in PostgreSQL",
    "databricks": "Databricks as a source",
    "spark": "tests of what goes to Databricks, on Spark",
    "excel": "Excel workbooks as data",
    "odbc": "SQL Server and other ODBC sources",
    "s3": "DB2 drops on S3",
    "mlflow": "tracking runs in MLflow",
    "api": "serving scores",
    "shadow": "a challenger beside the champion",
    "dashboard": "the dashboard",
    "aws": "deploying to AWS",
    "dev": "the tests",
}


@dataclass(frozen=True)
class Finding:
    """One thing looked for."""

    name: str
    found: str
    remedy: str = ""

    @property
    def fine(self) -> bool:
        """Tell whether it is there."""
        return not self.remedy


# Packages that are imported under another name than they are installed by.
_INSTALLED_AS = {"databricks": "databricks-sql-connector", "dotenv": "python-dotenv", "imblearn": "imbalanced-learn", "pypandoc": "pypandoc-binary"}  # fmt: skip


def how_to_get(module: str) -> str:
    """Return which extra brings a module that is not installed, and the command that adds it; "" for a module of no extra."""
    name = _INSTALLED_AS.get(module, module).replace("_", "-").lower()
    needs = [Requirement(text) for text in requires("loantap") or []]
    for extra in EXTRAS:
        if any(_belongs(need, extra) and need.name.replace("_", "-").lower() == name for need in needs):
            return f"{name} is not installed; the extra [{extra}] brings it. Get it with: {how_to_add(extra)}"
    return ""


def examine() -> list[Finding]:
    """Return what was found, in the order a reader would mend it."""
    findings = [Finding("python", sys.version.split()[0]), Finding("project", str(project_root()))]
    findings.append(_packages("", "the library"))
    findings += [_packages(extra, purpose) for extra, purpose in EXTRAS.items()]
    quarto = find_quarto()
    needed = ".".join(map(str, MINIMUM_VERSION))
    if quarto:
        findings.append(Finding("quarto", f"{quarto.version} at {quarto.path}"))
    else:
        remedy = (
            f"optional: install Quarto {needed} or newer (conda: quarto>={needed}); the built-in renderer works without"
        )
        findings.append(Finding("quarto", "absent or too old", remedy))
    return findings


def _packages(extra: str, purpose: str) -> Finding:
    wanted = [Requirement(text) for text in requires("loantap") or []]
    chosen = [need for need in wanted if _belongs(need, extra)]
    wrong = [problem for need in chosen if (problem := _problem(need))]
    name = f"extra [{extra}] ({purpose})" if extra else f"packages of {purpose}"
    if not wrong:
        return Finding(name, f"{len(chosen)} packages present")
    return Finding(name, f"missing or too old: {', '.join(wrong)}", how_to_add(extra))


def _belongs(need: Requirement, extra: str) -> bool:
    if need.marker is None:
        return not extra
    return bool(extra) and need.marker.evaluate({"extra": extra})


def _problem(need: Requirement) -> str | None:
    try:
        found = version(need.name)
    except PackageNotFoundError:
        return need.name
    return None if need.specifier.contains(found, prereleases=True) else f"{need.name} {found} (needs {need.specifier})"
