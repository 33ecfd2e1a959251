"""A manifest has one form; whatever is not in it is refused by the field's name."""

from __future__ import annotations

import json

import pytest
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.manifest import Bounds, Manifest, read_manifest, write_manifest
from support.made_bundles import CONTENTS, manifest_for

MANIFEST = manifest_for(CONTENTS)
TOLD = json.loads(write_manifest(MANIFEST))


def _canonical(told: object) -> bytes:
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _refused(data: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        read_manifest(data)
    return caught.value


def test_what_is_written_is_read_back() -> None:
    assert read_manifest(write_manifest(MANIFEST)) == MANIFEST


@pytest.mark.parametrize("bounds", [Bounds(), Bounds(3, None), Bounds(None, 1)])
def test_bounds_may_be_unknown(bounds: Bounds) -> None:
    manifest = manifest_for(CONTENTS, bounds=bounds)
    assert read_manifest(write_manifest(manifest)).bounds == bounds


def test_a_file_is_found_by_its_path_and_its_role() -> None:
    assert MANIFEST.file("labels.txt").bytes == 6
    assert [file.path for file in MANIFEST.of_role("network")] == ["model.int8.tflite"]
    with pytest.raises(Refused, match="has no file 'weights'"):
        MANIFEST.file("weights")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("schema", 2, "schema is 2, this agent reads 1"),
        ("schema", True, "schema is True"),
        ("model", "Lite0", "model is 'Lite0'"),
        ("model", "a" * 65, "model is"),
        ("model", 3, "model is no text"),
        ("version", "../1", "version is '../1'"),
        ("version", "1 0", "version is '1 0'"),
        ("target", "pi4-bookworm64-litert-t2", "is not of 'litert' with 4 threads"),
        ("runtime", "onnxruntime", "is not of 'onnxruntime'"),
        ("threads", 0, "threads is no whole number of at least 1"),
        ("threads", 4.0, "threads is no whole number"),
        ("threads", True, "threads is no whole number"),
        ("network", "labels.txt", "network 'labels.txt' has another role"),
        ("network", "weights", "has no file 'weights'"),
        ("program", "labels.txt", "program is 'labels.txt'"),
        ("files", {}, "files is no list"),
        ("files", TOLD["files"][::-1], "files are not sorted by path"),
        ("files", TOLD["files"][:1] + TOLD["files"], "'golden/inputs.npz' are the same name"),
        ("bounds", {"p50_ms": 0, "rss_bytes": None}, "bounds.p50_ms is 0"),
        ("bounds", {"p50_ms": True, "rss_bytes": None}, "bounds.p50_ms is True"),
        ("bounds", {"p50_ms": None, "rss_bytes": 1.5}, "bounds.rss_bytes is no whole number"),
        ("bounds", {"p50_ms": None}, "bounds field 'rss_bytes' is missing"),
        ("preparation", [], "preparation is no JSON object"),
        ("provenance", None, "provenance is no JSON object"),
        ("colour", "red", "field 'colour' is unknown"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_its_name(field: str, value: object, told: str) -> None:
    refused = _refused(_canonical({**TOLD, field: value}))
    assert told in str(refused)
    assert refused.kind in ("manifest", "archive")


@pytest.mark.parametrize("field", TOLD)
def test_a_field_that_is_missing_is_refused_by_its_name(field: str) -> None:
    assert field in str(_refused(_canonical({key: value for key, value in TOLD.items() if key != field})))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("path", "a/../b", "leads outside the folder"),
        ("bytes", -1, "bytes is no whole number"),
        ("bytes", 2**63, "bytes is no whole number"),
        ("sha256", "A" * 64, "sha256 is"),
        ("sha256", "a" * 63, "sha256 is"),
        ("role", "daemon", "role is 'daemon'"),
        ("role", "program", "the programs are ['golden/inputs.npz'], of runtime 'litert'"),
        ("mode", 0o777, "field 'mode' is unknown"),
    ],
)
def test_a_file_that_cannot_be_is_refused(field: str, value: object, told: str) -> None:
    files = [{**TOLD["files"][0], field: value}, *TOLD["files"][1:]]
    assert told in str(_refused(_canonical({**TOLD, "files": files})))


def test_a_native_bundle_has_one_program_and_it_is_the_network() -> None:
    native = {"runtime": "native", "target": "pizero-bookworm32-native-t1", "threads": 1}
    files = [{**file, "role": "program" if file["role"] == "network" else file["role"]} for file in TOLD["files"]]
    told = {**TOLD, **native, "files": files, "program": TOLD["network"]}
    assert read_manifest(_canonical(told)).program == TOLD["network"]
    assert "program is None" in str(_refused(_canonical({**told, "program": None})))
    assert "the programs are []" in str(_refused(_canonical({**told, "files": TOLD["files"]})))
    two = [{**file, "role": "program"} for file in TOLD["files"]]
    assert "the programs are" in str(_refused(_canonical({**told, "files": two})))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]\n",
        b"{}\n",
        b"\xff\n",
        b"nul",
        b"[" * 900_000,
        json.dumps(TOLD).encode(),
        write_manifest(MANIFEST)[:-1],
        write_manifest(MANIFEST) + b"\n",
        write_manifest(MANIFEST).replace(b'"threads":4', b'"threads":4,"threads":4'),
        write_manifest(MANIFEST).replace(b"12.5", b"12.50"),
        write_manifest(MANIFEST).replace(b'{"height":224}', b'{"height":NaN}'),
        write_manifest(MANIFEST).replace(b'{"height":224}', b'{"height":1e999}'),
        write_manifest(MANIFEST).replace(b'{"height":224}', b'{"height":%s}' % (b"9" * 5000)),
    ],
    ids=lambda data: repr(data[:24]),
)
def test_another_form_is_refused(data: bytes) -> None:
    assert _refused(data).kind == "manifest"


def test_what_would_be_refused_is_not_written() -> None:
    with pytest.raises(Refused, match="model is 'Lite0'"):
        write_manifest(manifest_for(CONTENTS, model="Lite0"))


def test_a_large_one_is_refused_unread() -> None:
    assert _refused(b"[" + b" " * (1 << 20)).kind == "limit"


def test_it_is_frozen() -> None:
    with pytest.raises(AttributeError):
        MANIFEST.version = "2"  # type: ignore[misc]
    assert isinstance(MANIFEST, Manifest)
