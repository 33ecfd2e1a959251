"""What a command prints: its result on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

__all__ = ["json_option", "print_result", "result_only"]


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`, alike in every command."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")(function)


@contextmanager
def result_only() -> Iterator[None]:
    """Send what libraries write to stdout (even from C) to stderr, so that stdout carries the result alone."""
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)


def print_result(result: Any, *, as_json: bool, text: str) -> None:
    """`result` (JSON-able) or `text`, on stdout."""
    click.echo(json.dumps(result, indent=2, default=str) if as_json else text)
