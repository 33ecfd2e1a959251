"""Programs for a board's own Python (3.9 or newer, the standard library alone).

Each is sent through a connection's standard input and run from memory: none is stored on the board. They import
nothing of Sepia. Input: one line of JSON, then the payload. Output: one line of JSON, `{"error": …}` on failure.
"""
