"""What the manifest and the report tell of the data: where every record went, and what was told from the file."""

from pathlib import Path

from loantap.data.ingest import IngestSummary
from loantap.data.reading import Origin
from loantap.files import sha256


def describe(summary: IngestSummary, source: Origin, *, loans_path: Path) -> dict:
    """Return what the manifest and the report tell of the data.

    `data` is the manifest's entry; its sha256 is that of the file read, or of the cleaned loans if they were made. `dialect` is the kind of
    file, `read_as` what was told from it and not by it.
    `accounts` says where every record went, `problems` and `missing` are tables.
    """
    data = {
        "kind": source.kind,
        "location": source.location,
        "sha256": sha256(Path(source.location) if source.kind == "file" else loans_path),
        "rows": summary.rows,
        "defaults": summary.defaults,
        "period": list(summary.period or ()),
        "rows_read": summary.rows_read,
        "unfinished": summary.unfinished.total(),
        "duplicates": summary.duplicates,
        "quarantined": summary.quarantined,
        "dialect": getattr(source, "dialect", ""),
        "read_as": summary.notes,
    }
    accounts = [
        ("analysed", summary.rows),
        *((f"not finished: {status}", count) for status, count in summary.unfinished.most_common()),
        ("copies of an earlier record", summary.duplicates),
        ("set aside in quarantine", summary.quarantined),
        ("read", summary.rows_read),
    ]
    return {
        "data": data,
        "accounts": [{"what": what, "records": count, "share": count / summary.rows_read} for what, count in accounts],
        "problems": [
            {"column": one.column, "rule": one.rule, "records": one.count, "rows": ", ".join(map(str, one.rows))}
            for one in summary.problems
        ],
        "missing": [
            {"column": name, "loans": count, "share": count / summary.rows}
            for name, count in summary.missing.most_common()
        ],
        "extra_columns": summary.extra_columns,
        "notes": summary.notes,
    }
