"""The run folder: where a stage finds its loans, and where it leaves results, tables and figures.

Stages and report pages talk to each other only through these files. The layout is a contract; see CONTRIBUTING.md.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import pandas as pd

from loantap.analysis.counts import FrameCounts, LoanCounts, StoredCounts
from loantap.errors import InputError
from loantap.exhibits.exhibit import Exhibit, Exhibits, Finding
from loantap.files import replacing, write_text
from loantap.jsonable import jsonable

MANIFEST = "manifest.json"
OUT_OF_TIME = "data/out_of_time.parquet"  # what a model of the earlier loans says of every loan
_Shown = TypeVar("_Shown", Exhibit, Exhibits)


@dataclass(frozen=True)
class RunFolder:
    """One run's folder."""

    path: Path
    # Where its notebooks write instead, and look first when they read: the place of a stage at work, or a bench.
    draft: Path | None = None
    _found: dict[str, Finding] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __str__(self) -> str:
        """Say in a sentence what a notebook works on."""
        if not self.on_bench:
            return f"Run {self.manifest()['run_id']}."
        if self.draft:
            return f"Bench {self.bench}: reads run {self.path} where the bench has nothing of its own, and writes here only."
        data, kind = self.data, "synthetic loans" if self.is_synthetic else "loans"
        holds = f"{data['rows']:,} {kind} of its own" if data else "no loans yet"
        return f"Bench {self.bench}: {holds}, and writes here only."

    @property
    def on_bench(self) -> bool:
        """Whether this is a bench, where somebody tries things, and not a run of record."""
        return not self.draft.is_relative_to(self.path) if self.draft else not (self.path / MANIFEST).is_file()

    @property
    def bench(self) -> str:
        """The bench's name; only a bench has one."""
        return f"runs/lab/{(self.draft or self.path).name}"

    def to(self, *parts: str) -> Path:
        """Return where a file of the run is to be written."""
        return (self.draft or self.path).joinpath(*parts)

    def find(self, *parts: str) -> Path:
        """Return where a file of the run is to be read, whether it is there or not."""
        own = self.to(*parts)
        return own if own.exists() else self.path.joinpath(*parts)

    @property
    def loans_path(self) -> Path:
        """The cleaned loans (Parquet)."""
        return self.find("data", "loans.parquet")

    @property
    def data(self) -> dict[str, Any]:
        """What is known of the loans: where they come from, how many; empty if nobody noted it."""
        if (self.path / MANIFEST).is_file():
            return self.manifest()["data"]
        return self.result("ingest")["data"] if self.find("results", "ingest.json").is_file() else {}

    @property
    def is_synthetic(self) -> bool:
        """Whether the loans are synthetic; loans of which nothing is known are taken for synthetic ones."""
        return is_synthetic(self.data) if self.data else True

    @property
    def counts_dir(self) -> Path:
        """Counts of loans by value (Parquet), where they were made by a database."""
        return self.find("data", "counts")

    @property
    def is_sampled(self) -> bool:
        """Whether the cleaned loans are a stratified sample of those that were counted."""
        return any(self.counts_dir.glob("*.parquet"))

    @property
    def quarantine_path(self) -> Path:
        """The records set aside (CSV)."""
        return self.find("data", "quarantine.csv")

    def manifest(self) -> dict[str, Any]:
        """Return the manifest; raises InputError where there is none."""
        return _read_json(self.path / MANIFEST, "a run folder holds a manifest")

    def loans(self, columns: list[str] | None = None) -> pd.DataFrame:
        """Return the cleaned loans, or only the named columns of them; raises InputError where they cannot be read."""
        path = self.loans_path
        if not path.is_file():
            raise InputError(f"{path}: expected the cleaned loans, found nothing. Run the ingest stage first.")
        try:
            return pd.read_parquet(path, columns=columns)
        except (OSError, ValueError) as error:  # pyarrow's own are among these
            expected = f"{path}: expected the cleaned loans as Parquet, but: {error}"
            raise InputError(f"{expected}. Run the ingest stage again.") from error

    def counts(self, columns: list[str] | None = None) -> LoanCounts:
        """Return counts by the named columns of the cleaned loans (which need `default` among them), or by any."""
        return StoredCounts(self.counts_dir) if self.is_sampled else FrameCounts(self.loans(columns))

    def sample_note(self, loans: int, *, counted: int) -> str:
        """Return where a number comes from that needs single loans, for a caption; empty if they are all that was counted."""
        some = self.is_sampled and loans < counted
        return f"From a stratified sample of {loans:,} of {counted:,} loans." if some else ""

    def model_note(self) -> str:
        """Return which loans the model has seen, for captions and pages; empty if they are all that was counted."""
        if not self.is_sampled:
            return ""
        data = self.result("ingest")["data"]
        sampled, counted = data["pushdown"]["sampled"], data["rows"]
        width = data["pushdown"].get("width")
        enough = f", enough for an interval of its ROC-AUC no wider than about {width:g}" if width else ""
        whole = f"The model is made and judged on a stratified sample of {sampled:,} of {counted:,} loans{enough}."
        return whole if sampled < counted else ""

    def write_result(self, name: str, value: Any) -> Path:
        """Write a result as `results/NAME.json`; dataclasses, NumPy and pandas values are turned into plain ones.

        Raises ValueError for a number that JSON cannot hold (infinity), so that none slips into a report.
        """
        text = json.dumps(jsonable(value), indent=1, ensure_ascii=False, allow_nan=False)
        return write_text(self.to("results", f"{name}.json"), text + "\n")

    def update_result(self, name: str, **parts: Any) -> Path:
        """Replace some top-level parts of `results/NAME.json`, which two stages share, and keep the others."""
        path = self.find("results", f"{name}.json")
        known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        return self.write_result(name, known | parts)

    def result(self, name: str) -> Any:
        """Return what `write_result` wrote; raises InputError where it did not."""
        return _read_json(self.find("results", f"{name}.json"), "a stage writes it")

    def table(self, name: str) -> pd.DataFrame:
        """Return a table, as `read_table` does; raises InputError where there is none."""
        path = self.find("results", "tables", f"{name}.csv")
        if not path.is_file():
            raise InputError(f"{path}: expected a table, found nothing. Run the stage that makes it.")
        return read_table(path)

    def publish(self, exhibit: _Shown) -> _Shown:
        """Write an exhibit's tables and figures into the run, note what it found, and return it, so that a notebook shows it."""
        for part in exhibit.parts:
            self._write_exhibit(part)
            self._found.update({finding.id: finding for finding in part.findings})
        return exhibit

    @property
    def findings(self) -> list[Finding]:
        """What was published by this object so far, in order; a cell that ran again counts once."""
        return list(self._found.values())

    def _write_exhibit(self, exhibit: Exhibit) -> None:
        """Write an exhibit's table as `results/tables/NAME.csv` and its figure as `results/figures/NAME.svg`, each with its words beside it."""
        words = {"name": exhibit.name, "title": exhibit.title, "caption": exhibit.caption}
        beside: dict[str, Mapping[str, Any]] = {}
        if exhibit.table is not None:
            with replacing(self.to("results", "tables", f"{exhibit.name}.csv")) as temporary:
                exhibit.table.to_csv(temporary, index=False, lineterminator="\n")
            beside["tables"] = words | {"alt": "", "columns": dict(exhibit.columns)}
        if exhibit.figure is not None:
            from loantap.exhibits.plots.style import save_svg

            with replacing(self.to("results", "figures", f"{exhibit.name}.svg")) as temporary:
                save_svg(exhibit.figure, temporary)
            beside["figures"] = words | {"alt": exhibit.alt}
        for folder, content in beside.items():
            text = json.dumps(content, indent=1, ensure_ascii=False)
            write_text(self.to("results", folder, f"{exhibit.name}.json"), text + "\n")

    def exhibit(self, name: str, kind: Literal["figures", "tables"]) -> Exhibit:
        """Return the words of a published figure or table."""
        path = self.find("results", kind, f"{name}.json")
        if not path.is_file():
            raise InputError(f"{path}: expected what a stage writes beside its {kind}, found nothing. Run its stage.")
        return Exhibit(**json.loads(path.read_text("utf-8")))


def read_table(path: Path) -> pd.DataFrame:
    """Return a published table; every column named pincode, level, profession or loan_id stays text."""
    texts = dict.fromkeys(["pincode", "level", "profession", "loan_id"], "str")
    return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])


def is_synthetic(data: Mapping[str, Any]) -> bool:
    """Tell from a manifest's data whether the loans are synthetic, wherever they were read from."""
    return bool(data.get("synthetic", data.get("kind") == "synthetic"))


def _read_json(path: Path, why: str) -> Any:
    if not path.is_file():
        raise InputError(f"{path}: expected this file ({why}), found nothing. Check the run folder's path.")
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: expected JSON that loantap wrote, but: {error}. Run its stage again.") from error


def decision_sheet(run: RunFolder) -> dict[str, Any] | None:
    """Return `results/policy.json` of a run; None where there is none, or it is older than the decision sheet."""
    if not run.find("results", "policy.json").is_file():
        return None
    sheet: dict[str, Any] = run.result("policy")
    return sheet if sheet.get("policies") else None
