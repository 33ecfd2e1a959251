"""Rounding against the second moments of each layer's inputs."""

from ..fitted import Fitted, Task


def round_by_second_moments(task: Task, fitted: Fitted) -> Fitted:
    return fitted
