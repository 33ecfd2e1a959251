"""`sepia ship bundle`: one file, and beside it a signature that others' tools verify."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sepia.cli import main as front
from support.model_folders import write_model_folder

TARGET = "pi4-bookworm64-litert-t4"


def test_a_bundle_and_its_signature(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_model_folder(tmp_path / "tiny")
    key = ec.generate_private_key(ec.SECP256R1())
    pem, public = tmp_path / "key.pem", tmp_path / "key.pub"
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    pem.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    public.write_bytes(key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo))
    words = ["ship", "bundle", str(tmp_path / "tiny"), "--target", TARGET, "--version", "1.0.0", "-o", str(tmp_path)]
    capfd.readouterr()
    with pytest.raises(SystemExit) as left:
        front([*words, "--model-signing", str(pem), "--json"])
    told = json.loads(capfd.readouterr().out)
    assert left.value.code == 0
    assert told["path"] == str(tmp_path / f"tiny-1.0.0-{TARGET}.sepia")
    (tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "-xf", told["path"], "-C", str(tmp_path / "unpacked")], check=True)
    tool = [sys.executable, "-m", "model_signing", "verify", "key", str(tmp_path / "unpacked")]
    signed = ["--signature", told["signature"], "--public_key", str(public)]
    assert subprocess.run([*tool, *signed], capture_output=True, check=False, timeout=60).returncode == 0
    (tmp_path / "unpacked" / "labels.txt").write_text("another class\n")
    assert subprocess.run([*tool, *signed], capture_output=True, check=False, timeout=60).returncode == 1
