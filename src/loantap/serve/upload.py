"""A file that somebody hands in: scored in a folder of its own, of which nothing stays."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from loantap.errors import InputError
from loantap.model.persistence import SavedModel
from loantap.serve.batch import BatchReport, score_file

SUFFIXES = (".csv", ".csv.gz", ".parquet")


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


def score_upload(model: SavedModel, name: str, content: bytes) -> ScoredUpload:
    """Score the content of a file.

    Args:
        model: The model.
        name: What the file is called where it comes from; only its ending matters.
        content: Its bytes.

    Raises InputError for a file that cannot be used; the message calls it by its name.
    """
    suffix = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), None)
    if suffix is None:
        raise InputError(f"{name}: expected a file that ends in {', '.join(SUFFIXES)}. Export it as one of these.")
    with TemporaryDirectory(prefix="loantap-upload-") as folder:
        path, out = Path(folder) / f"upload{suffix}", Path(folder) / "scores.csv"
        path.write_bytes(content)
        try:
            report = score_file(model, path, out)
        except InputError as error:
            raise InputError(str(error).replace(str(path), name)) from error
        errors = report.errors_path.read_bytes() if report.errors_path else None
        return ScoredUpload(report, out.read_bytes(), errors)
