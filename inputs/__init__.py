"""What goes into a network: how a photo is prepared, calibration data, labelled folders, labels.

The preparation (size, layout, colour order, mean, scale, resampling, crop) is part of a model. It is kept in the
metadata of every file that is written and read back from there, so calibration, accuracy and boards prepare alike.
"""

from .calibration import CalibrationData, calibration_data
from .labelled_folder import LabelledFolder
from .labels import imagenet_labels, labels_from_json, labels_to_json, read_labels
from .photo import read_photo
from .preparation import LABELS_KEY, PREPARATION_KEY, Preparation

__all__ = [
    "LABELS_KEY",
    "PREPARATION_KEY",
    "CalibrationData",
    "LabelledFolder",
    "Preparation",
    "calibration_data",
    "imagenet_labels",
    "labels_from_json",
    "labels_to_json",
    "read_labels",
    "read_photo",
]
