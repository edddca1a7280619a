# What a type checker and an editor see of the names that __init__.py gives when they are asked for.
from loantap.public import Association as Association
from loantap.public import InputError as InputError
from loantap.public import Reason as Reason
from loantap.public import RunFolder as RunFolder
from loantap.public import SavedModel as SavedModel
from loantap.public import Score as Score
from loantap.public import analyse_factor as analyse_factor
from loantap.public import load_model as load_model
from loantap.public import open_run as open_run
from loantap.public import score_application as score_application
from loantap.public import score_applications as score_applications
from loantap.public import synthetic_loans as synthetic_loans

__all__: list[str]
__version__: str
