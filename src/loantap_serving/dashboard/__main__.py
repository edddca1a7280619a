"""What `loantap serve dashboard` starts: what the pages stand on is read first, so that the first visitor does not wait for it."""

from streamlit.web.cli import main

from loantap_serving import alternatives, form, upload  # noqa: F401
from loantap_serving.dashboard import charts  # noqa: F401
from loantap_serving.dashboard.parts import read_ahead

read_ahead()
main()
