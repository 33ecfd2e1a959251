"""Which techniques a recipe asks for once every tensor has a grid and every weight a code, in their order."""

from __future__ import annotations

from .fitted import Refinement
from .recipes import Recipe

__all__ = ["refinements"]


def refinements(recipe: Recipe) -> list[tuple[str, Refinement]]:
    """(name of the phase, technique). Each is loaded only where it is asked for: most of them load torch."""
    found: list[tuple[str, Refinement]] = []
    if recipe.rounding == "second-moments":
        from .rounding.by_second_moments import round_by_second_moments

        found.append(("second moments", round_by_second_moments))
    return found
