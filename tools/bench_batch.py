"""Time and memory of batch scoring: python tools/bench_batch.py --model RUN [--largest ROWS]. Writes docs/scoring.md's table.

The smallest size is scored by a script as well, as one writes it with pandas and the saved pipeline: without checks, reasons and doubts. Both run in turns,
and the best time of each counts, since other programs can only take time away.
"""

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
from loantap_serving.locate import find_model

PAGE = Path(__file__).parents[1] / "docs" / "scoring.md"
PART = 396_030
TIMES = (1, 10)
REPEATS = 3
SCRIPT = """
import sys
from pathlib import Path
import pandas as pd
from loantap.data.cleaning import typed
from loantap.model.inputs import feature_frame
from loantap.model.persistence import load_model
source, folder, out = map(Path, sys.argv[1:])
model = load_model(folder)
loans = pd.read_csv(source) if source.suffix == ".csv" else pd.read_parquet(source)
for month in ("issue_d", "earliest_cr_line"):
    loans[month] = pd.to_datetime(loans[month], format="%b-%Y")
log_odds = model.pipeline.decision_function(feature_frame(typed(loans), inputs=model.metadata.inputs))
scores = pd.DataFrame({"row": loans.index + 1, "probability_of_default": model.calibration(log_odds)})
scores["decision"] = (scores["probability_of_default"] >= model.threshold).map({True: "refer", False: "approve"})
scores.to_csv(out, index=False) if out.suffix == ".csv" else scores.to_parquet(out, index=False)
"""


def main() -> None:
    """Measure each size and form, whole process, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a run's folder, or a model's")
    parser.add_argument("--largest", type=int, default=TIMES[-1] * PART, help="leave out sizes above this")
    given = parser.parse_args()
    model = find_model(given.model)
    part = pa.Table.from_pandas(generate_loans(PART, seed=1)[[column.name for column in FIELDS]], preserve_index=False)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for times in TIMES:
            if times * PART > given.largest:
                continue
            for kind in ("csv", "parquet"):
                path, out = Path(folder) / f"in.{kind}", Path(folder) / f"out.{kind}"
                write(part, path, times)
                ours = [executable, "-m", "loantap", "score", str(path), "--model", str(model), "--out", str(out)]
                script = [executable, "-c", SCRIPT, str(path), str(model), str(Path(folder) / f"script.{kind}")]
                pairs = [(measured(ours), measured(script)) for _ in range(REPEATS if times == 1 else 0)]
                seconds, peak = min(pair[0] for pair in pairs) if pairs else measured(ours)
                beside = min(pair[1][0] for pair in pairs) if pairs else None
                rows.append(
                    {
                        "rows": f"{times * PART:,}", "file": kind, "MB": f"{path.stat().st_size / 1e6:,.0f}", "seconds": f"{seconds:.1f}",
                        "peak GB": f"{peak:.2f}", "script: seconds": f"{beside:.1f}" if beside else "",
                        "times as fast": f"{beside / seconds:.1f}" if beside else "",
                    }
                )  # fmt: skip
                print(rows[-1], flush=True)
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
