"""The former name of `loantap.scoring.pyfunc`, which models in MLflow registries go on to name."""

from loantap.scoring.pyfunc import _load_pyfunc as _load_pyfunc
