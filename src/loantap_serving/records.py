"""What the service answered, what a challenger would have, and what persons decided: to be compared. No application is kept."""

import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Engine, ForeignKeyConstraint, String, Text, create_engine, func, insert, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from loantap.errors import InputError
from loantap.scoring.application import Score, score_application
from loantap_serving.api.models import Models
from loantap_serving.tracking_store import without_secrets

LOG = logging.getLogger("loantap.api")
SHOWN = 500  # rows of a list that people read
_MOST_WAITING = 50_000  # scores not yet stored; further ones are not kept, since answers go before
_FAILURES = (SQLAlchemyError, ModuleNotFoundError)  # the latter: no driver
_PATIENCE = 10.0  # seconds for a person's decision to be stored


class _Table(DeclarativeBase):
    pass


class Scored(_Table):
    """An answer, and what the challenger would have answered."""

    __tablename__ = "scores"
    request_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    model_version: Mapped[str] = mapped_column(String(12))
    probability: Mapped[float]
    decision: Mapped[str] = mapped_column(String(8))
    challenger_version: Mapped[str | None] = mapped_column(String(12))
    challenger_probability: Mapped[float | None]
    challenger_decision: Mapped[str | None] = mapped_column(String(8))


class Decided(_Table):
    """What a person decided; of several decisions on one application the last one holds, and all stay."""

    __tablename__ = "decisions"
    __table_args__ = (ForeignKeyConstraint(["request_id", "row"], ["scores.request_id", "scores.row"]),)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    request_id: Mapped[str] = mapped_column(String(36), index=True)
    row: Mapped[int]
    at: Mapped[datetime]
    person: Mapped[str] = mapped_column(String(64))
    caller: Mapped[str | None] = mapped_column(String(64))
    decision: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(Text)


class Records:
    """The store, written by one thread of its own, so that no answer waits for it or for the challenger.

    Scores that the store cannot take now, such as on a full disk, wait until it takes the next ones; decisions are stored when
    `decide` returns. The scores of a request are stored together or not at all.
    """

    def __init__(self, place: str, challenger: Models | None = None) -> None:
        """Open the store, and make its tables where there are none.

        Args:
            place: An address of SQLAlchemy, or a file of SQLite.
            challenger: Holds the model that is scored beside; None: answers and decisions are kept only.

        Raises InputError for a store that cannot be opened.
        """
        self._challenger = challenger
        try:
            self._engine = _engine(place)
            _Table.metadata.create_all(self._engine)
        except _FAILURES as error:
            raise _not_there(place, error) from error
        self._engine.dispose()  # a process that is forked later opens a connection of its own
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="records")
        self._lock, self._waiting = threading.Lock(), 0
        self._unsaved: deque[tuple[str, list[dict[str, Any]]]] = deque()  # known to the writing thread alone

    def keep(self, request_id: str, scores: Sequence[Score], applications: Sequence[Mapping[str, Any]]) -> None:
        """Keep answers, soon; one that cannot be kept is told in the log."""
        with self._lock:
            if self._waiting + len(scores) > _MOST_WAITING:
                LOG.error("scores not recorded, too many wait", extra={"facts": {"request_id": request_id}})
                return
            self._waiting += len(scores)
        self._writer.submit(self._keep, request_id, scores, applications)

    def decide(self, request_id: str, row: int, **said: str | None) -> dict[str, Any] | None:
        """Store a person's decision (`person`, `caller`, `decision`, `reason`) and return it with the model's; None without such a score.

        Raises SQLAlchemyError or TimeoutError where it was not stored.
        """
        return self._writer.submit(self._decide, request_id, row, said).result(_PATIENCE)

    def _keep(self, request_id: str, scores: Sequence[Score], applications: Sequence[Mapping[str, Any]]) -> None:
        try:
            beside: Sequence[Score | None] = self._challenged(request_id, applications) or [None] * len(scores)
            now = _now()
            rows = [
                {
                    "request_id": request_id, "row": row, "at": now, "model_version": score.model_version,
                    "probability": score.probability_of_default, "decision": score.decision,
                    "challenger_version": other and other.model_version, "challenger_probability": other and other.probability_of_default,
                    "challenger_decision": other and other.decision,
                }
                for row, (score, other) in enumerate(zip(scores, beside, strict=True))
            ]  # fmt: skip
        except Exception:
            LOG.exception("scores not recorded", extra={"facts": {"request_id": request_id}})
            self._no_longer_wait(scores)
            return
        self._unsaved.append((request_id, rows))
        try:
            self._store()
        except OperationalError:
            facts = {"request_id": request_id, "waiting": sum(len(rows) for _, rows in self._unsaved)}
            LOG.exception("scores not recorded yet", extra={"facts": facts})

    def _store(self) -> None:
        """Store what waits, request by request; raises OperationalError while the store takes nothing."""
        while self._unsaved:
            request_id, rows = self._unsaved[0]
            try:
                with self._engine.begin() as connection:
                    connection.execute(insert(Scored), rows)
            except OperationalError:
                raise
            except Exception:  # such rows would never be taken, and all later ones would wait behind them
                LOG.exception("scores not recorded", extra={"facts": {"request_id": request_id}})
            self._unsaved.popleft()
            self._no_longer_wait(rows)

    def _no_longer_wait(self, rows: Sequence[Any]) -> None:
        with self._lock:
            self._waiting -= len(rows)

    def _challenged(self, request_id: str, applications: Sequence[Mapping[str, Any]]) -> list[Score] | None:
        if self._challenger is None:
            return None
        self._challenger.watch()
        model = self._challenger.current
        try:
            return [score_application(model, application) for application in applications] if model else None
        except Exception:  # the answer is kept without it
            LOG.exception("challenger failed", extra={"facts": {"request_id": request_id}})
            return None

    def _decide(self, request_id: str, row: int, said: Mapping[str, str | None]) -> dict[str, Any] | None:
        self._store()  # the score may wait still
        its_own = (Scored.request_id == request_id, Scored.row == row)
        with self._engine.begin() as connection:
            score = connection.execute(select(Scored.model_version, Scored.decision).where(*its_own)).one_or_none()
            if score is None:
                return None
            now = _now()
            connection.execute(insert(Decided).values(request_id=request_id, row=row, at=now, **said))
        known = {
            "request_id": request_id,
            "row": row,
            "model_version": score.model_version,
            "decision": said["decision"],
        }
        return known | {"model_decision": score.decision, "at": f"{now.isoformat(timespec='seconds')}Z"}


@dataclass(frozen=True)
class Disagreements:
    """Where a challenger, or persons, decide otherwise than the model that answered.

    Attributes:
        models: Per pair of models and of their decisions: applications, mean probability of each.
        scores: The last scores on which the decisions differ.
        persons: Per decision of the model and last one of a person: applications.
        decisions: The last decisions of persons, with their reasons.
    """

    models: pd.DataFrame
    scores: pd.DataFrame
    persons: pd.DataFrame
    decisions: pd.DataFrame


def read_disagreements(place: str) -> Disagreements:
    """Return what a store holds, as `Records` was told of it; raises InputError for one that cannot be read."""
    pair = (Scored.model_version, Scored.challenger_version, Scored.decision, Scored.challenger_decision)
    loans, mean = func.count().label("applications"), func.avg(Scored.probability).label("probability")
    other = func.avg(Scored.challenger_probability).label("challenger_probability")
    said = (Scored.decision.label("model_decision"), Decided.decision)
    answer = (Decided.request_id == Scored.request_id) & (Decided.row == Scored.row)
    holds = Decided.number.in_(select(func.max(Decided.number)).group_by(Decided.request_id, Decided.row))
    facts = (Decided.at, Decided.person, *said, Decided.reason, Scored.probability, Scored.model_version)
    queries = (
        select(*pair, loans, mean, other).where(Scored.challenger_version.is_not(None)).group_by(*pair),
        select(Scored).where(Scored.decision != Scored.challenger_decision).order_by(Scored.at.desc()).limit(SHOWN),
        select(*said, loans).join(Scored, answer).where(holds).group_by(*said),
        select(*facts).join(Scored, answer).where(holds).order_by(Decided.number.desc()).limit(SHOWN),
    )
    try:
        with _engine(place).connect() as connection:
            return Disagreements(*(pd.read_sql(query, connection) for query in queries))
    except _FAILURES as error:
        raise _not_there(place, error) from error


def _engine(place: str) -> Engine:
    return create_engine(place if "://" in place else f"sqlite:///{Path(place).resolve()}", pool_pre_ping=True)


def _not_there(place: str, error: Exception) -> InputError:
    told = without_secrets(place, str(error).partition("\n")[0])
    return InputError(
        f"{without_secrets(place)}: expected a database for the service's records, but: {told}. Check --records and LOANTAP_API_RECORDS."
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
