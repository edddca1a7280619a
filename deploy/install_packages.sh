#!/bin/sh
# In the build of an image: turn a lock file into wheels, each with the hash it has there, and install them into /opt/loantap.
set -eu
pip/bin/pip wheel --require-hashes --requirement "$1" --wheel-dir wheels
pip/bin/pip --python /opt/loantap/bin/python install --no-index --no-deps wheels/*.whl
# The packages' own test suites are a sixth of what they take, and nobody runs them here.
find /opt/loantap -depth -type d -name tests -exec rm -r {} +
