"""Write loans chunk by chunk as CSV, gzipped CSV or Parquet; the file is whole or absent."""

import gzip
from collections.abc import Callable, Iterable
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from loantap.errors import InputError
from loantap.files import replacing

OnChunk = Callable[[int], None]


def write_csv(chunks: Iterable[pd.DataFrame], stream: IO[str], on_chunk: OnChunk) -> None:
    """Write chunks to an open text stream, the header once."""
    written = 0
    for chunk in chunks:
        chunk.to_csv(stream, index=False, header=written == 0, lineterminator="\n")
        written += len(chunk)
        on_chunk(written)


def write_plain_csv(chunks: Iterable[pd.DataFrame], path: Path, on_chunk: OnChunk) -> None:
    """Write chunks as UTF-8 CSV."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        write_csv(chunks, stream, on_chunk)


def write_gzipped_csv(chunks: Iterable[pd.DataFrame], path: Path, on_chunk: OnChunk) -> None:
    """Write chunks as gzipped UTF-8 CSV, without name or time in its header: the same loans give the same bytes."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as zipped,
        TextIOWrapper(cast(IO[bytes], zipped), encoding="utf-8", newline="") as stream,
    ):
        write_csv(chunks, stream, on_chunk)


def write_parquet(chunks: Iterable[pd.DataFrame], path: Path, on_chunk: OnChunk) -> None:
    """Write chunks as Parquet, one row group or more for each."""
    writer: pq.ParquetWriter | None = None
    written = 0
    try:
        for chunk in chunks:
            table = pa.Table.from_pandas(chunk, preserve_index=False)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            written += len(chunk)
            on_chunk(written)
    finally:
        if writer:
            writer.close()


WRITERS = {".csv": write_plain_csv, ".csv.gz": write_gzipped_csv, ".parquet": write_parquet}


def check_target(path: Path) -> None:
    """Raise InputError unless loans can be written to a file of this name."""
    if not path.name.endswith(tuple(WRITERS)):
        raise InputError(
            f"{path}: expected a file name that ends in {', '.join(WRITERS)}. Nothing was written; rename the target."
        )


def write_chunks(chunks: Iterable[pd.DataFrame], path: Path, on_chunk: OnChunk) -> None:
    """Write chunks in the format that the name asks for. Raises InputError for another suffix."""
    check_target(path)
    write = next(write for suffix, write in WRITERS.items() if path.name.endswith(suffix))
    with replacing(path) as temporary:
        write(chunks, temporary, on_chunk)
