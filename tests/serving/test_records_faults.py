"""What a killed process and a full disk do to the records of decisions."""

import logging
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from loantap.scoring.application import Score
from loantap_serving.records import Records, read_disagreements

SCORE = Score(0.2, "approve", 0.3, "a" * 12, [], [])
BATCH = 2_000
SAID = {"person": "a.meyer", "caller": None, "decision": "decline", "reason": "The payslip is not his"}
# Scores batch after batch, decides on the last row of each, and says so once that is acknowledged.
_BUSY = f"""
import sys
from loantap.scoring.application import Score
from loantap_serving.records import Records
records, score = Records(sys.argv[1]), Score(0.2, "approve", 0.3, "a" * 12, [], [])
for number in range(1_000_000):
    records.keep(f"{{number:036d}}", [score] * {BATCH}, [{{}}] * {BATCH})
    records.decide(f"{{number:036d}}", {BATCH - 1}, person="p", caller=None, decision="decline", reason="why")
    print(number, flush=True)
"""


def stored(place: Path) -> pd.DataFrame:
    with sqlite3.connect(place) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return pd.read_sql("SELECT request_id, count(*) AS rows FROM scores GROUP BY request_id", connection)


def test_a_killed_process_loses_no_acknowledged_decision_and_halves_no_request(tmp_path: Path):
    place = tmp_path / "decisions.db"
    acknowledged = -1
    for kill in range(1, 4):
        place.unlink(missing_ok=True)
        words = [sys.executable, "-c", _BUSY, str(place)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(3):
                acknowledged = int(process.stdout.readline())
            while not place.with_name("decisions.db-journal").exists():  # it is in the middle of writing
                assert process.poll() is None
            process.send_signal(signal.SIGKILL)
            said = process.stdout.read().split()
            acknowledged = int(said[-1]) if said else acknowledged
        assert process.returncode == -signal.SIGKILL, kill
        requests = stored(place)
        assert set(requests["rows"]) == {BATCH}
        assert len(requests) >= acknowledged + 1
        with sqlite3.connect(place) as connection:
            decisions = {row[0] for row in connection.execute("SELECT request_id FROM decisions")}
        assert {f"{number:036d}" for number in range(acknowledged + 1)} <= decisions
    records = Records(str(place))  # and the next process goes on with the same store
    records.keep("b" * 36, [SCORE], [{}])
    assert records.decide("b" * 36, 0, **SAID)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[None]:
    """A disk on which no file may grow beyond what a small store needs."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_a_full_disk_does_not_take_waits_and_is_stored_once_there_is_room(
    tmp_path: Path, full: None, caplog: pytest.LogCaptureFixture
):
    place = tmp_path / "decisions.db"
    records = Records(str(place))
    records.keep("a" * 36, [SCORE], [{}])
    assert records.decide("a" * 36, 0, **SAID)
    with caplog.at_level(logging.ERROR, "loantap.api"):
        records.keep("b" * 36, [SCORE] * BATCH, [{}] * BATCH)
        with pytest.raises(Exception, match="disk"):  # not None, which would say that there is no such score
            records.decide("b" * 36, 7, **SAID)
    assert [(record.msg, record.facts["waiting"]) for record in caplog.records] == [("scores not recorded yet", BATCH)]
    assert stored(place)["rows"].tolist() == [1]
    assert len(read_disagreements(str(place)).decisions) == 1
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    kept = records.decide("b" * 36, 7, **SAID)
    assert kept is not None
    assert kept["model_decision"] == "approve"
    assert stored(place)["rows"].tolist() == [1, BATCH]
    records.keep("c" * 36, [SCORE], [{}])
    assert records.decide("c" * 36, 0, **SAID)
