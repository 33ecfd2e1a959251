"""From quantised files to boards that trust them: bundles, keys, a repository of static files, pushing, rolling back.

`agent/` is the board's side, a distribution of its own; what both sides must agree on (the archive, the manifest, the
patch) lies there and is imported from there.
"""
