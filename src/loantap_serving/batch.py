"""Many applications at once: scored chunk by chunk, written whole or not at all, refused rows beside it with their reasons."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pandas as pd

from loantap.data.application_file import open_applications
from loantap.data.units import Units
from loantap.errors import SchemaError
from loantap.model.inputs import source_columns
from loantap.model.persistence import SavedModel
from loantap.scoring.table import PROBLEMS, Applications, checked_applications, score_frame
from loantap_serving.refused import Refused
from loantap_serving.scores_file import check_target, scores_writer

T = TypeVar("T")


@dataclass
class BatchReport:
    """What became of every row: rows = scored + refused.

    Attributes:
        out: Where the scores are.
        rows: Rows read.
        scored: Rows scored.
        refused: Rows that break the contract.
        referred: Of those scored, how many are at or above the threshold.
        mean_probability: Mean probability of default of those scored.
        errors_path: The refused rows: row, column, rule, value (CSV); None if there are none.
        notes: What a person should know of the applications.
    """

    out: Path
    rows: int = 0
    scored: int = 0
    refused: int = 0
    referred: int = 0
    mean_probability: float = 0.0
    errors_path: Path | None = None
    notes: list[str] = field(default_factory=list)


def score_file(
    model: SavedModel, path: Path, out: Path, *, progress: Callable[[int], None] | None = None
) -> BatchReport:
    """Score a file of applications (csv, csv.gz, parquet) into another one; see `score_applications`."""
    applications = open_applications(path, needed=source_columns(inputs=model.metadata.inputs))
    return score_applications(model, applications, out, progress=progress)


def score_applications(
    model: SavedModel,
    applications: Applications,
    out: Path,
    *,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> BatchReport:
    """Score applications and write one row for each that keeps the contract.

    The columns are loan_id where there is one, else row (the number of the record, from 1), probability_of_default,
    decision, reason_1 to reason_3 (codes of the model's table, the strongest first), warnings (how many
    doubts there are, see `loantap.scoring.cautions`) and model_version. Rows that break the contract go to OUT.errors.csv.

    Args:
        model: The model.
        applications: Where they come from.
        out: A file ending in .csv, .csv.gz or .parquet; one that holds scores is replaced as a whole.
        overwrite: Whether one that holds something else is, too.
        progress: Called with the number of rows read so far.

    Raises InputError or SchemaError, with nothing written, for an `out` with something else, for what cannot be read, for percentages in fractions, or if no row
    keeps the contract.
    """
    check_target(out, overwrite=overwrite)
    report, units, total = BatchReport(out), Units(), 0.0
    with ExitStack() as stack:
        write, refused = stack.enter_context(scores_writer(out)), stack.enter_context(Refused(out, applications.path))
        for checked, found in _ahead(_checked(applications, model)):
            good = checked.loc[~checked.index.isin(found["row"])]
            refused.add(found)
            units.add(checked)
            report.rows += len(checked)
            if len(good):
                scores = score_frame(model, good)
                write(scores)
                report.scored += len(good)
                probability = scores.column("probability_of_default").to_numpy()
                report.referred += int((probability >= model.threshold).sum())
                total += float(probability.sum())
            if progress:
                progress(report.rows)
        report.notes = [*applications.notes, *units.doubts(applications.location)]
        refused.add_ragged(applications.ragged)
        report.rows += len(applications.ragged)
        report.refused = report.rows - report.scored
        if not report.scored:
            told = "".join(f"\n  {problem}" for problem in refused.problems()[:PROBLEMS])
            raise SchemaError(
                f"{applications.location}: no row keeps the contract of applications:{told}\nNothing was written."
            )
    report.mean_probability = total / report.scored
    report.errors_path = refused.path if report.refused else None
    return report


def _checked(applications: Applications, model: SavedModel) -> Generator[tuple[pd.DataFrame, pd.DataFrame], None, None]:
    needed = source_columns(inputs=model.metadata.inputs)
    with closing(applications.chunks()) as chunks:
        for raw in chunks:
            yield checked_applications(raw, needed=needed)


def _ahead(chunks: Generator[T, None, None]) -> Iterator[T]:
    """Read and check the next chunk while this one is scored; all reading, and the end of it, is done by one other thread."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        try:
            coming = reader.submit(next, chunks, None)
            while (chunk := coming.result()) is not None:
                coming = reader.submit(next, chunks, None)
                yield chunk
        finally:
            reader.submit(chunks.close)
