"""Several results as one."""

from __future__ import annotations

import pytest
from sepia.errors import InputError
from sepia.report import Results
from sepia.report.merge import merge
from sepia.report.results import DeviceFacts, FileFacts
from support.sample_results import make_row, sample


def test_rows_and_devices_of_all_in_order() -> None:
    host, board = sample("lite0-host"), sample("lite0-pi4")
    both = merge([host, board])
    assert both.rows == host.rows + board.rows
    assert [device.name for device in both.devices] == ["host-debian12", "pi4-bookworm64"]
    assert both.models == host.models
    assert both.created == "2026-11-24T17:02:00+00:00"


def test_one_is_itself() -> None:
    assert merge([sample("lite0-host")]) == sample("lite0-host")


def test_none_is_an_error() -> None:
    with pytest.raises(InputError, match="there are no results"):
        merge([])


def test_one_row_in_two_results_is_refused() -> None:
    old, new = Results(rows=(make_row(),)), Results(rows=(make_row(latency_ms=9.0),))
    with pytest.raises(InputError, match=r"two of the results hold this row.*sepia compare") as caught:
        merge([old, new])
    assert "tiny.tflite.int8 on host-debian12-litert-t1" in str(caught.value)


def test_one_file_with_two_digests_is_refused() -> None:
    one, other = (Results(files=(FileFacts(model="m", file="model.onnx", sha256=c * 64),)) for c in "ab")
    with pytest.raises(InputError, match="different files of this name"):
        merge([one, other])


def test_versions_of_a_tool_are_all_told() -> None:
    both = merge([Results(tools={"torch": "2.13", "numpy": "2.4"}), Results(tools={"torch": "2.12", "numpy": "2.4"})])
    assert both.tools == {"torch": "2.13, 2.12", "numpy": "2.4"}


def test_a_device_that_failed_in_one_of_them_has_failed() -> None:
    well, failed = (Results(devices=(DeviceFacts(name="pi4", cores=4, failure=why),)) for why in (None, "link lost"))
    for pair in ([well, failed], [failed, well]):
        (device,) = merge(pair).devices
        assert (device.failure, device.cores) == ("link lost", 4)
