"""The file that scores go into: what it may take the place of, and how it is written."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from loantap.data.files_of_tables import is_parquet, parquet_header
from loantap.data.reading import SUFFIXES
from loantap.data.text_form import text_form
from loantap.errors import InputError
from loantap.files import replacing
from loantap.scoring.table import REASONS

_COLUMNS = [
    "probability_of_default", "decision", *(f"reason_{number}" for number in range(1, REASONS + 1)), "warnings", "model_version",
]  # fmt: skip


def check_target(out: Path, *, overwrite: bool) -> None:
    """Raise InputError unless scores may be written to `out`: over nothing, scores, or, with `overwrite`, any file."""
    if not out.name.endswith(SUFFIXES):
        raise InputError(f"{out}: expected a file ending in {', '.join(SUFFIXES)}. Name one.")
    if out.exists() and not out.is_file():
        raise InputError(
            f"{out}: expected a file, it is {'a folder' if out.is_dir() else 'no file'}. Name another one."
        )
    if out.exists() and out.stat().st_size and not overwrite and not _holds_scores(out):
        raise InputError(
            f"{out}: expected scores or nothing there, found another file. Name another --out, or add --overwrite."
        )


def _holds_scores(path: Path) -> bool:
    try:
        header = parquet_header(path) if is_parquet(path) else text_form(path, known=len).header
    except InputError:
        return False
    return list(header[1:]) == _COLUMNS


@contextmanager
def scores_writer(out: Path) -> Iterator[Callable[[pa.Table], None]]:
    """Yield what writes a part of the file; it takes its place when the block ends without an error."""
    with ExitStack() as stack:
        temporary = stack.enter_context(replacing(out))
        writer: pq.ParquetWriter | pyarrow.csv.CSVWriter | None = None

        def write(part: pa.Table) -> None:
            nonlocal writer
            if writer is None and out.suffix == ".parquet":
                writer = stack.enter_context(pq.ParquetWriter(temporary, part.schema, compression="zstd"))
            elif writer is None:
                sink = stack.enter_context(
                    pa.output_stream(str(temporary), compression="gzip" if out.suffix == ".gz" else None)
                )
                writer = stack.enter_context(pyarrow.csv.CSVWriter(sink, part.schema))
            writer.write_table(part)

        yield write
