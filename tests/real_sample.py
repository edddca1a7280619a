"""Where the real sample lies, if it is there: it is not the project's to ship."""

from loantap.settings import project_root

REAL = project_root().parent / "shared" / "data" / "loantap_real_7239.csv.gz"
