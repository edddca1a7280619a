#!/bin/sh
# The monthly job of the report image: run the whole job, promote the model if it passes its gates, watch live loans, publish the
# report, log it all to MLflow.
#
#   LOANTAP_SOURCES          where the loans lie (data/sources.md); synthetic loans if unset
#   LOANTAP_SNAPSHOTS        live loans, a file or table:NAME of that file's warehouse (docs/snapshots.md)
#   LOANTAP_ALLOW_SYNTHETIC  "yes" lets a model of synthetic loans be the champion, in an environment for trying things out
#   LOANTAP_REPORT_BUCKET    where the report is published; only kept in the run's folder if unset
#   MLFLOW_TRACKING_URI      an MLflow server; runs/mlflow.db if unset
#
# Arguments go to `loantap run`. It ends with 0 if everything went well. A model that is not promoted, a watch that fails, or MLflow
# that does not answer keeps nothing else from being done; the exit code then tells of it at the end.
set -eu
# As process 1 of a container nobody else hands the signal on, and a shell that waits for a command would not hear it.
child=
end() {
  trap '' TERM INT
  [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || true
  wait
  exit 143
}
trap end TERM INT
step() {
  "$@" &
  child=$!
  wait "$child"
}

mkdir -p /srv/loantap/models /srv/loantap/runs /srv/loantap/watch
run=/srv/loantap/runs/monthly-$(date -u +%Y-%m-%dT%H%M%SZ)
code=0
allow=
[ "${LOANTAP_ALLOW_SYNTHETIC:-}" != yes ] || allow=--allow-synthetic
# Without the server's address: `loantap run` would log the run itself, and end in failure where that fails.
step env -u MLFLOW_TRACKING_URI loantap run ${LOANTAP_SOURCES:+--sources "$LOANTAP_SOURCES"} --out "$run" "$@"
if ! step loantap promote "$run" $allow; then
  echo "monthly: the champion stays what it was; the report says how the new model did" >&2
  code=1
fi
if [ -n "${LOANTAP_SNAPSHOTS:-}" ]; then
  step loantap watch --snapshots "$LOANTAP_SNAPSHOTS" ${LOANTAP_SOURCES:+--config "$LOANTAP_SOURCES"} || code=1
else
  echo "monthly: no live loans are watched; LOANTAP_SNAPSHOTS names them" >&2
fi
if [ -n "${LOANTAP_REPORT_BUCKET:-}" ]; then
  step loantap deploy report "$run" --bucket "$LOANTAP_REPORT_BUCKET"
else
  echo "monthly: the report is not published; LOANTAP_REPORT_BUCKET names where to" >&2
fi
step loantap track "$run" || code=1
exit $code
