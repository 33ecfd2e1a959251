"""Which techniques a recipe asks for once every tensor has a grid and every weight a code, in their order."""

from __future__ import annotations

from functools import partial

from .fitted import Refinement
from .recipes import Recipe

__all__ = ["refinements"]


def refinements(recipe: Recipe) -> list[tuple[str, Refinement]]:
    """(name of the phase, technique). Each is loaded only where it is asked for: most of them load torch."""
    found: list[tuple[str, Refinement]] = []
    if recipe.rounding == "second-moments":
        from .rounding.by_second_moments import RIDGE, RIDGE_PER_TENSOR, round_by_second_moments

        ridge = RIDGE_PER_TENSOR if recipe.weights == "per-tensor" else RIDGE
        found.append(("second moments", partial(round_by_second_moments, ridge=ridge)))
    if recipe.rounding == "adaround":
        from .learning.adaround import round_by_adaround

        found.append(("adaround", partial(round_by_adaround, seed=recipe.seed)))
    if recipe.learn_blocks:
        from .learning.blocks import round_by_blocks

        found.append(("blocks", partial(round_by_blocks, seed=recipe.seed)))
    if recipe.learn_ranges:
        from .learning.learned_ranges import learn_ranges

        found.append(("learn ranges", partial(learn_ranges, seed=recipe.seed)))
    if recipe.distill:
        from .learning.distill import distill

        found.append(("distil", partial(distill, steps=recipe.distill, seed=recipe.seed)))
    return found
