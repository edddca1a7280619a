"""What can be seen of the service: counts for Prometheus, and one line of JSON per request; nothing of an application."""

import json
import logging
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TextIO

import prometheus_client as prometheus
from prometheus_client.core import CounterMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from loantap_serving.api.models import Models

LOG = logging.getLogger("loantap.api")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SERVERS = ("aiohttp", "asyncio", "gunicorn.error")
OTHER = "other"  # one label for all paths, and all methods, that there are not: callers must not make labels


class Telemetry:
    """The counts of one service, in a registry of its own."""

    def __init__(self, models: Models) -> None:
        self._registry = prometheus.CollectorRegistry()
        self._requests = prometheus.Counter(
            "loantap_requests", "Requests answered", ["route", "method", "status"], registry=self._registry
        )
        self._seconds = prometheus.Histogram(
            "loantap_request_seconds", "Time to an answer", ["route"], buckets=_SECONDS, registry=self._registry
        )
        self._scores = prometheus.Counter("loantap_scores", "Scores given", ["decision"], registry=self._registry)
        prometheus.ProcessCollector(registry=self._registry)
        self._registry.register(_OfModels(models))

    def count(self, route: str | None, method: str, status: int, seconds: float, decisions: Counter[str]) -> None:
        """Count one request; `route` is None for a path that there is not."""
        route = route or OTHER
        self._requests.labels(route, method if method in _METHODS else OTHER, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        for decision, number in decisions.items():
            self._scores.labels(decision).inc(number)

    def page(self) -> bytes:
        """Return the counts in Prometheus' text format."""
        return prometheus.generate_latest(self._registry)


class _OfModels(Collector):
    def __init__(self, models: Models) -> None:
        self._models = models

    def collect(self) -> Iterator[Metric]:
        present = self._models.current
        yield InfoMetricFamily(
            "loantap_model", "The model that answers", {"version": present.version if present else ""}
        )
        yield CounterMetricFamily("loantap_model_loads", "Models loaded", self._models.loads)
        yield CounterMetricFamily("loantap_model_load_failures", "Models not loaded", self._models.failures)


class JsonLines(logging.Formatter):
    """A log record as one line of JSON.

    Of an error only its type and the places in the code are told, and a message is not filled in: both could hold what a caller sent.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": time, "level": record.levelname.lower(), "event": str(record.msg)}
        line |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            places = traceback.extract_tb(record.exc_info[2])
            line["where"] = [f"{place.filename}:{place.lineno} {place.name}" for place in places]
        return json.dumps(line, ensure_ascii=False)


def log_as_json(stream: TextIO = sys.stderr) -> None:
    """Send the log of the service and of its server to a stream, one line of JSON each."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    for name, level in (("loantap.api", logging.INFO), *((name, logging.WARNING) for name in _SERVERS)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
