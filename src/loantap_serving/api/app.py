"""The service as a WSGI application."""

import json
import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import TYPE_CHECKING
from uuid import uuid4

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from loantap.model.persistence import SavedModel
from loantap.scoring.application import score_application
from loantap_serving.api.answers import batch_json, model_answer, score_json
from loantap_serving.api.keys import Keys
from loantap_serving.api.limits import Buckets
from loantap_serving.api.models import Models
from loantap_serving.api.openapi import describe
from loantap_serving.api.page import STYLE_HASH, docs_page
from loantap_serving.api.problems import PROBLEM_JSON, Problem, too_large
from loantap_serving.api.telemetry import Telemetry, log_as_json
from loantap_serving.api.validation import (
    BATCH_BRACKETS,
    SINGLE_BRACKETS,
    read_json,
    valid_application,
    valid_batch,
    valid_decision,
)

if TYPE_CHECKING:
    from loantap_serving.records import Records

LOG = logging.getLogger("loantap.api")
JSON = "application/json"
SINGLE_BYTES, BATCH_BYTES = 64 << 10, 16 << 20
BATCH_PATH = "/v1/score/batch"
REFUSED = "loantap.refused"  # in the WSGI environment: a Problem that the server has with the request
_OPEN = ("health", "ready")  # whoever runs the service asks these, often and without a key
_BATCHES = 2  # at once: each takes memory and time, and single applications should not have to wait for many
_GUESSES, _GUESSES_PER_SECOND = 10, 0.5
FIXED_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src '{STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class ApiSettings:
    """How the service treats its callers.

    Attributes:
        keys: Who may ask; everybody if None.
        rate: Requests a second that one caller may make (a key, or an address where there are no keys); None: no limit.
        records: Where answers are kept, beside those of a challenger, and persons' decisions; nothing is if None.
    """

    keys: Keys | None = None
    rate: float | None = None
    records: "Records | None" = None


def create_app(models: Models | None = None, settings: ApiSettings | None = None) -> Flask:
    """Return the service.

    Args:
        models: Holds the model to answer with. None: the service is what the environment says, the model LOANTAP_API_MODEL or
            the champion, and logs and looks for another model by itself, as a WSGI server wants it.
        settings: How callers are treated; None: as the environment says where `models` is None too, else everybody may ask.

    Raises InputError for a model, keys or a rate in the environment that are none.
    """
    app = Flask("loantap_serving.api", static_folder=None)
    if models is None:
        from loantap_serving.api.environment import told_models, told_settings  # which needs ApiSettings

        models, settings = told_models(), settings or told_settings()
        log_as_json()
        app.before_request(models.watch)  # not here: a server may load the service first and fork then
    settings = settings or ApiSettings()
    app.url_map.merge_slashes = False  # no redirects: what is not a path of the service is answered 404
    telemetry = Telemetry(models)
    _guard(app, settings)
    _observe(app, telemetry)
    _add_scoring(app, models, settings.records)
    _add_state(app, models, telemetry)
    described = describe(secured=settings.keys is not None, recorded=settings.records is not None)
    page, html = docs_page(described), "text/html; charset=utf-8"
    _add(app, "/openapi.json", lambda: Response(json.dumps(described), content_type=JSON))
    _add(app, "/docs", lambda: Response(page, content_type=html))
    return app


def _add_scoring(app: Flask, models: Models, records: "Records | None") -> None:
    batches = threading.BoundedSemaphore(_BATCHES)

    def score() -> Response:
        application = valid_application(read_json(_body(SINGLE_BYTES), brackets=SINGLE_BRACKETS))
        found = score_application(_present(models), application)
        g.decisions = {found.decision: 1}
        if records:
            records.keep(g.request_id, [found], [application])
        return Response(score_json(found), content_type=JSON)

    def score_batch() -> Response:
        body = _body(BATCH_BYTES)
        if not batches.acquire(blocking=False):
            raise Problem(503, "Other batches are being scored; try again soon.", headers={"Retry-After": "1"})
        try:
            applications = valid_batch(read_json(body, brackets=BATCH_BRACKETS))
            model = _present(models)
            scores = [score_application(model, application) for application in applications]
            g.decisions = Counter(found.decision for found in scores)
            if records:
                records.keep(g.request_id, scores, applications)
            return Response(batch_json(scores), content_type=JSON)
        finally:
            batches.release()

    _add(app, "/v1/score", score, method="POST")
    _add(app, BATCH_PATH, score_batch, method="POST")
    if records:
        _add(app, "/v1/decision", partial(_decide, records), method="POST")


def _decide(records: "Records") -> Response:
    said = valid_decision(read_json(_body(SINGLE_BYTES), brackets=SINGLE_BRACKETS))
    try:
        kept = records.decide(**said, caller=g.get("caller"))
    except Exception:
        LOG.exception("decision not recorded", extra={"facts": {"request_id": g.request_id}})
        raise Problem(503, "The decision was not stored. Send it again.") from None
    if kept is None:
        raise Problem(404, "No score is recorded under this request_id and row.")
    return Response(json.dumps(kept), content_type=JSON)


def _add_state(app: Flask, models: Models, telemetry: Telemetry) -> None:
    def model() -> Response:
        return Response(json.dumps(model_answer(_present(models))), content_type=JSON)

    def health() -> Response:
        return Response('{"status":"ok"}', content_type=JSON)

    def ready() -> Response:
        if not models.ready:
            raise Problem(503, "The service is ending." if models.retired else "No model is loaded yet.")
        return Response('{"status":"ready"}', content_type=JSON)

    def metrics() -> Response:
        return Response(telemetry.page(), content_type="text/plain; version=0.0.4; charset=utf-8")

    for path, view in {"/v1/model": model, "/health": health, "/ready": ready, "/metrics": metrics}.items():
        _add(app, path, view)


def _add(app: Flask, path: str, view, *, method: str = "GET") -> None:  # type: ignore[no-untyped-def]
    app.add_url_rule(path, path.strip("/"), view, methods=[method], provide_automatic_options=False)


def _present(models: Models) -> SavedModel:
    """Return the model to answer with, for the whole of this request."""
    model = models.current
    if model is None:
        raise Problem(503, "No model is loaded yet.")
    g.model_version = model.version
    return model


def _body(most: int) -> bytes:
    """Return the request's bytes; raises Problem for other content than JSON, and for too many bytes."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != JSON or charset not in ("utf-8", "utf8") or "Content-Encoding" in request.headers:
        raise Problem(415, f"Send the header Content-Type: {JSON}, and JSON in UTF-8, not compressed.")
    request.max_content_length = most
    if (request.content_length or 0) > most:
        raise too_large(most)
    return request.get_data(cache=False)


def _guard(app: Flask, settings: ApiSettings) -> None:
    """Let in who has a key, and not too often."""
    keys, rate = settings.keys, settings.rate
    calls = Buckets(rate, max(2 * rate, 1)) if rate else None
    guesses = Buckets(_GUESSES_PER_SECOND, _GUESSES)

    @app.before_request
    def admit() -> None:
        g.started, g.request_id = time.perf_counter(), str(uuid4())
        if refused := request.environ.get(REFUSED):
            raise refused
        if request.environ["PATH_INFO"].startswith("//"):
            raise Problem(400, "A path begins with one slash.")
        if "HTTP_HOST" not in request.environ and request.environ["SERVER_PROTOCOL"] == "HTTP/1.1":
            raise Problem(400, "HTTP/1.1 asks for the header Host.")
        if request.endpoint in _OPEN:
            return
        address = request.remote_addr or ""
        caller = address
        if keys is not None:
            g.caller = keys.holder(request.headers.get("X-API-Key", ""))
            if g.caller is None:
                # Only wrong keys are counted, so whoever guesses cannot shut out others behind the same address.
                _wait(guesses.take(address), "Too many requests without a valid key.")
                wanted = 'ApiKey realm="loantap", header="X-API-Key"'
                raise Problem(401, "Send a valid key in the header X-API-Key.", headers={"WWW-Authenticate": wanted})
            caller = g.caller
        if calls is not None:
            _wait(calls.take(caller), f"At most {rate:g} requests a second are taken from one caller.")


def _wait(seconds: float, why: str) -> None:
    if seconds:
        raise Problem(429, why, headers={"Retry-After": str(ceil(seconds))})


def _observe(app: Flask, telemetry: Telemetry) -> None:
    """Give every answer its headers, count and log it, and turn every error into a problem."""

    @app.errorhandler(Exception)
    def problem(error: Exception) -> Response:
        if isinstance(error, HTTPException):
            allowed = (
                {"Allow": ", ".join(sorted(error.valid_methods or ()))} if isinstance(error, MethodNotAllowed) else {}
            )
            error = Problem(error.code or 500, headers=allowed)
        elif not isinstance(error, Problem):
            LOG.error("failed", exc_info=error, extra={"facts": {"request_id": g.request_id}})
            error = Problem(500)
        return Response(error.body(g.request_id), error.status, error.headers, content_type=PROBLEM_JSON)

    @app.after_request
    def tell(response: Response) -> Response:
        response.headers.update(FIXED_HEADERS)
        response.headers["X-Request-Id"] = g.request_id
        seconds = time.perf_counter() - g.started
        rule = request.url_rule.rule if request.url_rule else None
        decisions = g.get("decisions", {})
        telemetry.count(rule, request.method, response.status_code, seconds, decisions)
        facts = {
            "request_id": g.request_id,
            "method": request.method if request.url_rule else None,
            "route": rule,
            "status": response.status_code,
            "milliseconds": round(1000 * seconds, 2),
            "bytes": response.content_length,
            "caller": g.get("caller"),
            "model_version": g.get("model_version"),
            "decisions": decisions,
        }
        LOG.info("request", extra={"facts": facts})
        return response
