"""What the first notebook calls: loans from wherever they lie, and what became of every record."""

from pathlib import Path
from typing import Any

from loantap.data.accounts import describe
from loantap.data.ingest import IngestSummary, ingest
from loantap.data.loan_file import open_loans
from loantap.data.reading import SyntheticLoans
from loantap.data.text_form import NOTHING_ASKED, Asked
from loantap.errors import InputError
from loantap.extensions import provider
from loantap.runs.results import RunFolder


def take_in(
    run: RunFolder, *, data: str, sources: str, pushdown: bool, rows: int, seed: int, quarantine: bool, model_rows: int = 0,
    model_width: float = 0.014, asked: Asked = NOTHING_ASKED,
) -> tuple[IngestSummary, dict[str, Any]]:  # fmt: skip
    """Fill a run's folder with cleaned loans: of a file, of declared sources, counted in the warehouse, or synthetic.

    Args:
        run: The run.
        data: A file of loans, or empty.
        sources: A `loantap.yml`, or empty.
        pushdown: Count in its warehouse instead of reading its sources.
        rows: How many synthetic loans, if there is neither file nor sources.
        seed: Of the synthetic loans, and of the sample.
        quarantine: Set rows aside that break the contract.
        model_rows: With pushdown, the size of the stratified sample; 0: as many as `model_width` asks for.
        model_width: Of the interval of the model's ROC-AUC on the test loans of the sample.
        asked: What somebody says of the file's form.

    Returns:
        What became of every record, and what `results/ingest.json` holds: data (for the manifest), accounts, problems, missing,
        extra_columns, notes, and merge where several sources were joined.

    Raises InputError for options that exclude each other, and what reading raises.
    """
    if (data and sources) or (pushdown and not sources):
        raise InputError("expected either a file of loans or sources, and pushdown with sources only. Leave one out.")
    if pushdown and quarantine:
        raise InputError("quarantine sets single rows aside, and pushdown reads none. Leave one out.")
    set_aside = run.to("data", "quarantine.csv") if quarantine else None
    paths: dict[str, Any] = {"loans_path": run.to("data", "loans.parquet"), "quarantine_path": set_aside}
    if sources:
        counts: dict[str, Any] = {"counts_dir": run.to("data", "counts"), "sample_rows": model_rows or None}
        counts |= {"width": model_width, "random_state": seed}
        summary, facts = provider("take_in_sources")(Path(sources), **paths, counted=counts if pushdown else None)
        return summary, facts
    source = open_loans(Path(data), asked=asked) if data else SyntheticLoans(rows, seed)
    summary = ingest(source, **paths)
    return summary, describe(summary, source, loans_path=run.loans_path)
