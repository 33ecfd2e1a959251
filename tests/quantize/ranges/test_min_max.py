"""Min-max takes what was seen."""

from __future__ import annotations

import numpy as np
from sepia.quantize.calibration.observed import Observed
from sepia.quantize.ranges.min_max import min_max_range


def test_the_ends_over_all_samples() -> None:
    observed = Observed(histogram=False)
    for part in ([1.0, 2.0], [-0.1, 0.3], [0.5, 9.7]):
        observed.add(np.array(part, np.float32))
    assert min_max_range(observed) == (np.float32(-0.1), np.float32(9.7))
