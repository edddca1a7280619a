"""What a run takes in of declared sources: read and merged, or counted in their warehouse."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loantap.data.accounts import describe
from loantap.data.ingest import IngestSummary
from loantap.progress import tell
from loantap_sources.connectors.config import read_config
from loantap_sources.gather import gather
from loantap_sources.pushdown import count_in_warehouse


def take_in_sources(
    config: Path, *, loans_path: Path, quarantine_path: Path | None, counted: Mapping[str, Any] | None
) -> tuple[IngestSummary, dict[str, Any]]:
    """Write cleaned loans of the sources that a file declares; return what became of every record, and what `results/ingest.json` holds.

    Args:
        config: A `loantap.yml`.
        loans_path: Where the loans go; a sample of them where they are counted.
        quarantine_path: Where rows that break the contract go; None: they are an error.
        counted: How they are counted in the warehouse instead of read, as `count_in_warehouse` takes it: counts_dir, sample_rows,
            random_state; None: they are read.

    Raises what reading raises.
    """
    declared = read_config(config)
    made = {"synthetic": True} if declared.synthetic else {}
    if counted is not None:
        found = count_in_warehouse(declared, loans_path=loans_path, progress=tell, **counted)
        facts = describe(found.summary, found.source, loans_path=loans_path)
        # Nobody has looked for copies, and nothing was set aside: a count of 0 would say more than is known.
        accounts = [row for row in facts["accounts"] if row["records"] or row["what"] in ("analysed", "read")]
        note = "values of finished loans were checked by their counts; copies and loans that have not ended were not looked at"
        return found.summary, _joined(facts | {"accounts": accounts}, found.facts | made, notes=[note])
    gathered = gather(
        declared,
        loans_path=loans_path,
        quarantine_path=quarantine_path,
        progress=lambda name, read: tell(f"rows: {name}", read),
    )
    facts = describe(gathered.summary, gathered.source, loans_path=loans_path)
    joined = _joined(facts, gathered.facts | made, notes=gathered.notes)
    return gathered.summary, joined | {"merge": gathered.report.to_dict()}


def _joined(facts: dict[str, Any], more: Mapping[str, Any], *, notes: list[str]) -> dict[str, Any]:
    return facts | {"data": facts["data"] | more, "notes": [*facts["notes"], *notes]}
