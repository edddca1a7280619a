"""Put every fault in the way that a test knows, and write the table of docs/warehouse.md: python tools/faults.py."""

import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from page_parts import write_part

PAGE = Path(__file__).parents[1] / "docs" / "warehouse.md"


class Recorder:
    """Counts the tests of each kind of fault, and those that passed."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()
        self.survived: Counter[str] = Counter()
        self._kinds: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note which kind of fault each test puts in the way."""
        for item in items:
            for mark in item.iter_markers("fault"):
                self._kinds[item.nodeid] = mark.args[0]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test that ran."""
        if report.when == "call" and report.nodeid in self._kinds:
            kind = self._kinds[report.nodeid]
            self.tried[kind] += 1
            self.survived[kind] += report.passed


def main() -> int:
    """Run the tests and write the table; fail if one was not survived, or could not be tried."""
    recorder = Recorder()
    code = pytest.main(["-m", "fault", "-n0", "-q", "-p", "no:cacheprovider"], plugins=[recorder])
    skipped = len(recorder._kinds) - recorder.tried.total()
    if skipped:
        print(f"{skipped} faults could not be tried here; install what their tests ask for.")
    rows = [{"fault": kind, "tried": recorder.tried[kind], "survived": recorder.survived[kind]} for kind in sorted(recorder.tried)]  # fmt: skip
    rows.append({"fault": "all", "tried": recorder.tried.total(), "survived": recorder.survived.total()})
    write_part(PAGE, "faults", pd.DataFrame(rows).to_markdown(index=False))
    return int(code) or skipped


if __name__ == "__main__":
    sys.exit(main())
