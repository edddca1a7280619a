"""Files that hold a table by their form: Parquet, a folder of Parquet files as Spark writes them, Excel."""

import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from loantap.data.headers import with_text_keys, without_marks
from loantap.data.text_records import BATCH_ROWS, MISSING
from loantap.errors import InputError, MissingToolError, SchemaError
from loantap.settings import how_to_add

_LARGEST = 1_000_000_000  # bytes of an unpacked workbook


def parquet_files(path: Path) -> list[Path]:
    """Return the Parquet files of a path in their order: itself, or those in a folder and below it but for hidden ones."""
    if path.is_file():
        return [path]
    files = path.rglob("*.parquet")
    return sorted(
        file for file in files if not any(part.startswith(("_", ".")) for part in file.relative_to(path).parts)
    )


def is_parquet(path: Path) -> bool:
    """Tell whether a file is Parquet, or a folder of such files."""
    if path.is_dir():
        return True
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1" or path.suffix.lower() == ".parquet"


def is_excel(path: Path) -> bool:
    """Tell whether a file is an Excel workbook."""
    return path.suffix.lower() in (".xlsx", ".xlsm")


def parquet_header(path: Path) -> list[str]:
    """Return the column names; raises InputError for a damaged file, SchemaError where the files of a folder differ in them."""
    headers = {}
    for file in parquet_files(path):
        try:
            headers[file] = tuple(pq.read_schema(file).names)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{file}: expected a Parquet file, but: {error}. Write it again.") from error
    first = next(iter(headers.values()))
    if other := next((file for file, names in headers.items() if set(names) != set(first)), None):
        raise SchemaError(
            f"{other}: expected the columns of the other files in {path}, found other ones. Write the folder again."
        )
    return list(first)


def parquet_chunks(path: Path, columns: list[str] | None) -> Iterator[pd.DataFrame]:
    """Yield frames of some columns of Parquet files, or all, indexed by the number of the record; texts that stand for missing are missing."""
    start = 1
    for one in parquet_files(path):
        with pq.ParquetFile(one, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=columns):
                # What pandas noted there would make an index of a column, and hide it.
                rows = without_marks(with_text_keys(_single_values(batch)), MISSING)
                frame = rows.to_pandas(ignore_metadata=True, date_as_object=False)
                frame.index = pd.RangeIndex(start, start + len(frame), name="row")
                start += len(frame)
                yield frame


def _single_values(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Return rows with dictionaries as their values and decimals as floats."""
    for place, field in enumerate(rows.schema):
        if pa.types.is_dictionary(field.type):
            rows = rows.set_column(place, field.name, rows.column(place).dictionary_decode())
        elif pa.types.is_decimal(field.type):
            rows = rows.set_column(place, field.name, rows.column(place).cast(pa.float64()))
    return rows


def read_excel(path: Path, *, rows: int | None = None) -> pd.DataFrame:
    """Return the first sheet of a workbook, all values texts but dates; raises MissingToolError without openpyxl, InputError for a damaged one."""
    try:
        import openpyxl  # noqa: F401
    except ImportError:
        raise MissingToolError(
            f"{path}: Excel needs openpyxl, which the extra [excel] brings. Get it with: {how_to_add('excel')}"
        ) from None
    with (
        suppress(OSError, zipfile.BadZipFile),
        zipfile.ZipFile(path) as packed,
    ):  # what is no workbook is told of when it is read
        if sum(one.file_size for one in packed.infolist()) > _LARGEST:
            raise InputError(f"{path}: unpacked it is larger than {_LARGEST:,} bytes. Export it as CSV.")
    try:
        frame = pd.read_excel(
            path, dtype="object", nrows=rows, keep_default_na=False, na_values=MISSING, engine="openpyxl"
        )
        texts = [
            name
            for name in frame
            if frame[name].map(lambda value: isinstance(value, str), na_action="ignore").eq(False).sum() == 0
        ]
        frame = frame.astype(dict.fromkeys(texts, "str"))
        return frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="row"))
    except Exception as error:  # whatever is wrong with a workbook, of the many things that openpyxl raises
        raise InputError(
            f"{path}: expected an Excel workbook, but: {error}. Save it again, or export it as CSV."
        ) from error
