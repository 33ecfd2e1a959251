"""A process that dies or says nothing is a finding, not the end of the run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fuzz import run as running
from fuzz.record import done, summary, unfinished


def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "000000.jsonl"
    path.write_text('{"begun": 0}\n{"number": 0, "broken": "x"}\n{"begun": 1}\n{"number": 1, "bro')
    assert done(path) == {0}
    assert unfinished(path) == 1


def test_a_crash_is_noted_and_the_rest_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the chunk's program dies on number 2, as a runtime's segmentation fault would have it."""
    program = tmp_path / "chunk.py"
    program.write_text(
        "import json, os, signal, sys\n"
        "given = dict(zip(sys.argv[1::2], sys.argv[2::2]))\n"
        "with open(given['--to'], 'a') as record:\n"
        "    for number in range(int(given['--first']), int(given['--last'])):\n"
        "        print(json.dumps({'begun': number}), file=record, flush=True)\n"
        "        if number == 2:\n"
        "            os.kill(os.getpid(), signal.SIGSEGV)\n"
        "        print(json.dumps({'number': number, 'broken': 'not run'}), file=record, flush=True)\n"
    )
    monkeypatch.setattr(running, "_program", lambda: [str(program)])
    folder = tmp_path / "record"
    running.run(1, 6, 2, folder, size=4)
    lines = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines() if line]
    assert sorted(line["number"] for line in lines if "number" in line) == [0, 1, 2, 3, 4, 5]
    assert [line for line in lines if "crashed" in line] == [{"number": 2, "crashed": "ended with -11"}]
    found = summary(folder, 6)
    assert found.findings[("a runtime", "crashed: ended with -#")] == [2]


def test_a_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "000000.jsonl").write_text('{"number": 0, "broken": ""}\n{"number": 1, "broken": ""}\n')
    monkeypatch.setattr(running, "_program", lambda: pytest.fail("nothing is left to do"))
    running.run(1, 2, 1, tmp_path)
