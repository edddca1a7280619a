"""From the declared sources to one checked table of loans, in the warehouse and for the analysis."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loantap.data.columns import KEY, NAMES, NEEDED, RESERVED
from loantap.data.ingest import IngestSummary, ingest
from loantap.data.loan_file import LoanFile, open_loans
from loantap.errors import InputError
from loantap.files import staging_folder
from loantap_sources.connectors.config import Config
from loantap_sources.merge import merge
from loantap_sources.merge_report import MergeReport
from loantap_sources.staging import Staged, stage
from loantap_sources.warehouse import Load, write_loans


@dataclass
class MergedLoans(LoanFile):
    """Loans of several sources, merged; staged as a file in the raw format."""

    where: str = ""

    @property
    def location(self) -> str:
        """The sources' names and the file that declares them."""
        return self.where


@dataclass(frozen=True)
class Gathered:
    """What became of the sources.

    Attributes:
        source: The merged loans as the ingest saw them; their file is gone.
        summary: What the ingest found.
        staged: What was read from each source.
        report: How they went together.
        load: What was written to the warehouse; None where none is declared.
    """

    source: MergedLoans
    summary: IngestSummary
    staged: list[Staged]
    report: MergeReport
    load: Load | None

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest says beside the ingest's own facts."""
        load = {"warehouse": vars(self.load)} if self.load else {}
        return {"sources": [one.facts for one in self.staged], **load}

    @property
    def notes(self) -> list[str]:
        """What a person should know."""
        return [note for one in self.staged for note in one.notes]


def gather(
    config: Config,
    *,
    loans_path: Path,
    quarantine_path: Path | None,
    progress: Callable[[str, int], None] | None = None,
) -> Gathered:
    """Read the sources, merge them, check every value, write the table to the warehouse and the loans for the analysis.

    The warehouse is written last, after everything else has held, and in one transaction.

    Args:
        config: Sources, policies, warehouse.
        loans_path: As in `loantap.data.ingest.ingest`.
        quarantine_path: As there.
        progress: Told the source's name and how many rows it has brought so far.

    Raises InputError, MergeError, SchemaError or SourceError; the warehouse then holds what it held.
    """
    check_sources(config)
    with staging_folder(loans_path.parent) as folder:
        (folder / "sources").mkdir()
        staged = stage(config, folder / "sources", progress=progress)
        merged, checked = folder / "merged.parquet", folder / "checked.parquet"
        report = merge(staged, config.merge, out=merged)
        opened = open_loans(merged)
        where = f"{', '.join(config.sources)} of {config.path}"
        source = MergedLoans(opened.path, opened.header, kind="warehouse", where=where)
        summary = ingest(source, loans_path=loans_path, quarantine_path=quarantine_path, checked_path=checked)
        load = write_loans(config, checked, staged=staged) if config.warehouse else None
    return Gathered(source, summary, staged, report, load)


def check_sources(config: Config) -> None:
    """Raise InputError if the sources together do not bring every column of the codebook."""
    if not config.sources:
        raise InputError(f"{config.path}: expected sources, it declares none. See loantap.yml in the project.")
    brought = {column for source in config.sources.values() for column in source.columns}
    if missing := [name for name in NEEDED if name not in brought]:
        raise InputError(
            f"{config.path}: expected the {len(NEEDED)} columns of the codebook (data/README.md) among what the sources "
            f"bring, these are missing: {', '.join(missing)}. Name them under a source's columns."
        )
    names = {name.lower(): name for name in (KEY, *NAMES)}
    for name, source in config.sources.items():
        for column in source.columns:
            if column.lower() in RESERVED:
                raise InputError(
                    f"{config.path}: sources.{name}.columns: loantap itself adds a column '{column.lower()}'. Call it "
                    "something else."
                )
            if names.setdefault(column.lower(), column) != column:
                raise InputError(
                    f"{config.path}: sources.{name}.columns: '{column}' and '{names[column.lower()]}' are one name to a "
                    "database. Write them alike, or call one of them something else."
                )
