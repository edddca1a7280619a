"""Time and memory of loading and counting in a warehouse: python tools/bench_pushdown.py --url URL [--largest ROWS].

Synthetic loans with keys go from a file through merge and checks into the warehouse (`loantap sources load`), then
`loantap run --pushdown` counts them there for exploration and association. A password in the URL is written as ${NAME}.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from bench import measured, stage_seconds

from loantap.data.columns import KEY, NAMES
from loantap.data.synthetic import iter_loans

SIZES = (400_000, 2_000_000, 10_000_000)
LOANTAP = [sys.executable, "-m", "loantap"]


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="a PostgreSQL or SQLite database to write into")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="leave out sizes above this")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 1e9:.0f} GB\n")
    rows = []
    for size in (size for size in SIZES if size <= given.largest):
        with tempfile.TemporaryDirectory() as name:
            rows.append({"loans": f"{size:,}", **_measure(Path(name), size, given.url)})
            print(pd.DataFrame(rows).to_markdown(index=False), flush=True)


def _measure(folder: Path, size: int, url: str) -> dict[str, float]:
    _write_keyed(folder / "loans.parquet", size)
    source = {"kind": "file", "path": "loans.parquet", "columns": list(NAMES)}
    config = folder / "loantap.yml"
    config.write_text(yaml.safe_dump({"sources": {"loans": source}, "warehouse": {"url": url}}))
    load, load_peak = measured([*LOANTAP, "sources", "load", "--config", str(config)])
    found = {"load s": round(load), "load peak GB": round(load_peak, 2)}
    for only in ("eda", "association"):
        run = folder / only
        words = ["run", "--sources", str(config), "--pushdown", "--only", only, "--out", str(run)]
        _, peak = measured([*LOANTAP, *words])
        taken = stage_seconds(run).set_index("stage")["seconds"]
        found["counting s"] = round(float(taken["ingest"]))
        found[f"{only} s"] = round(float(taken.drop("ingest").sum()))
        found[f"{only} peak GB"] = round(peak, 2)
    return found


def _write_keyed(path: Path, size: int) -> None:
    writer: pq.ParquetWriter | None = None
    start = 1
    for frame in iter_loans(size, seed=0):
        frame.insert(0, KEY, [f"L{number:09d}" for number in range(start, start + len(frame))])
        start += len(frame)
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table.cast(writer.schema))
    if writer:
        writer.close()


if __name__ == "__main__":
    main()
