"""A file that somebody hands in: scored in a folder of its own, of which nothing stays."""

import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from loantap.data.columns import KEY
from loantap.data.text_form import GZIP
from loantap.errors import InputError
from loantap.model.persistence import SavedModel
from loantap_serving.batch import BatchReport, score_file

_LARGEST = 1_000_000_000  # bytes of an unpacked csv.gz, some four million applications
_PIECE = 1 << 20


@dataclass(frozen=True)
class ScoredUpload:
    """What became of a file.

    Attributes:
        report: The summary; its paths lead nowhere any more.
        scores: The result, as CSV.
        errors: The rows that were refused with the reasons, as CSV; None if there are none.
    """

    report: BatchReport
    scores: bytes
    errors: bytes | None

    def score_table(self) -> pd.DataFrame:
        """Return the result as a table; keys are texts, and a reason that is not told is missing."""
        names = pacsv.ConvertOptions(column_types={KEY: pa.string()}, strings_can_be_null=True)
        return pacsv.read_csv(pa.BufferReader(self.scores), convert_options=names).to_pandas()


def score_upload(model: SavedModel, name: str, content: bytes) -> ScoredUpload:
    """Score the content of a file.

    Args:
        model: The model.
        name: What the file is called where it comes from.
        content: Its bytes.

    Raises InputError for a file that cannot be used, such as one that unpacks to more than 1 GB; the message calls it by its
    name.
    """
    with TemporaryDirectory(prefix="loantap-upload-") as folder:
        path, out = (
            Path(folder) / f"upload{Path(name.lower().removesuffix('.gz')).suffix[:8]}",
            Path(folder) / "scores.csv",
        )
        if content.startswith(GZIP):
            _unpack(content, path, name)
        else:
            path.write_bytes(content)
        try:
            report = score_file(model, path, out)
        except InputError as error:
            raise InputError(str(error).replace(str(path), name)) from error
        errors = report.errors_path.read_bytes() if report.errors_path else None
        return ScoredUpload(report, out.read_bytes(), errors)


def _unpack(content: bytes, path: Path, name: str) -> None:
    """Write what is packed piece by piece: a small file may hold more than the disk does."""
    written = 0
    try:
        with gzip.open(io.BytesIO(content)) as packed, path.open("wb") as file:
            while piece := packed.read(_PIECE):
                written += len(piece)
                if written > _LARGEST:
                    raise InputError(f"{name}: unpacked it is larger than {_LARGEST:,} bytes. Hand it in in parts.")
                file.write(piece)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{name}: expected a whole gzip file, but: {error}. Pack it again.") from error
