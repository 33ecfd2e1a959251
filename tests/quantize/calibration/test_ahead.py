"""Working one item ahead."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sepia.quantize.calibration.ahead import ahead


def test_all_items_in_order() -> None:
    assert list(ahead(range(100))) == list(range(100))
    assert list(ahead([])) == []
    assert list(ahead([None, None])) == [None, None]


def test_an_error_comes_in_its_place() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise KeyError("third")

    stream = ahead(broken())
    assert next(stream) == 1
    with pytest.raises(KeyError, match="third"):
        next(stream)


def test_it_works_in_another_thread_and_never_more_than_one_item_ahead() -> None:
    made: list[int] = []
    threads: set[int] = set()

    def items() -> Iterator[int]:
        for index in range(20):
            made.append(index)
            threads.add(threading.get_ident())
            yield index

    for item in ahead(items()):
        assert len(made) <= item + 2
    assert threads != {threading.get_ident()}


def test_closing_ends_the_thread() -> None:
    before = threading.active_count()
    stream = ahead(ahead(iter(int, 1)))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
