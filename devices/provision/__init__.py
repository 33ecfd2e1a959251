"""Putting runtimes on a board that has no internet: wheels chosen and fetched here, pushed, checked by digest there."""
