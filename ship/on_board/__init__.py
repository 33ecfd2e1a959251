"""Programs that the board's Python runs for `ship/`, as `devices/on_board/` has them for `devices/`: ≥ 3.10, stdlib."""
