"""Time and memory of batch scoring: python tools/bench_batch.py --model RUN [--largest ROWS]. Writes docs/scoring.md's table."""

import argparse
import tempfile
from pathlib import Path
from sys import executable

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from bench import measured
from page_parts import write_measured

from loantap.data.applications import FIELDS
from loantap.data.synthetic import generate_loans

PAGE = Path(__file__).parents[1] / "docs" / "scoring.md"
PART = 396_030
TIMES = (1, 5, 25)


def main() -> None:
    """Measure each size and form, whole process, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a run's folder, or a model's")
    parser.add_argument("--largest", type=int, default=TIMES[-1] * PART, help="leave out sizes above this")
    given = parser.parse_args()
    part = pa.Table.from_pandas(generate_loans(PART, seed=1)[[column.name for column in FIELDS]], preserve_index=False)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for times in TIMES:
            if times * PART > given.largest:
                continue
            for kind in ("csv", "parquet"):
                path, out = Path(folder) / f"in.{kind}", Path(folder) / f"out.{kind}"
                write(part, path, times)
                words = [
                    executable,
                    "-m",
                    "loantap",
                    "score",
                    str(path),
                    "--model",
                    str(given.model),
                    "--out",
                    str(out),
                ]
                seconds, peak = measured(words)
                rows.append({"rows": f"{times * PART:,}", "file": kind, "MB": f"{path.stat().st_size / 1e6:,.0f}", "seconds": f"{seconds:.1f}", "peak GB": f"{peak:.2f}"})  # fmt: skip
                print(rows[-1])
                path.unlink()
    write_measured(PAGE, "batch", pd.DataFrame(rows).to_markdown(index=False))


def write(part: pa.Table, path: Path, times: int) -> None:
    """Write the same applications so many times into a file."""
    writer = pyarrow.csv.CSVWriter(path, part.schema) if path.suffix == ".csv" else pq.ParquetWriter(path, part.schema)
    with writer:
        for _ in range(times):
            writer.write_table(part, 100_000)


if __name__ == "__main__":
    main()
