"""`sepia ship bundle DIR --target T --version V -o DIR`."""

from __future__ import annotations

from pathlib import Path

import click

from .output import json_option, print_result, result_only

__all__ = ["command"]

_ABOVE_0 = click.FloatRange(min=0, min_open=True)


@click.command("bundle")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--target", required=True, help="For what: pi4-bookworm64-litert-t4.")
@click.option("--version", required=True, help="Letters, digits and .+_-; a published one never changes.")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to fill.")
@click.option("--model", help="Name of the model  [default: the folder's]")
@click.option(
    "--max-latency-ms", type=_ABOVE_0, help="A board that is slower refuses it  [default: from what was measured]"
)
@click.option(
    "--max-rss-mb", type=_ABOVE_0, help="A board that takes more memory refuses it  [default: from what was measured]"
)
@click.option(
    "--licence",
    "licences",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="A text that goes with it.",
)
@click.option("--data", type=click.Path(path_type=Path), help="Golden inputs  [default: the photos in scikit-image]")
@click.option(
    "--model-signing",
    "signing_key",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="KEY.pem",
    help="Also write NAME.sig, OpenSSF Model Signing's format, with this EC key, for others' tools.",
)
@json_option
def command(
    directory: Path,
    target: str,
    version: str,
    output: Path,
    model: str | None,
    max_latency_ms: float | None,
    max_rss_mb: float | None,
    licences: tuple[Path, ...],
    data: Path | None,
    signing_key: Path | None,
    as_json: bool,
) -> None:
    """Write the int8 network in DIRECTORY for one target as one file, with all that a board needs to judge it.

    Files, labels, golden inputs and outputs, figures, licences, where it came from. Made twice: the same, bit for bit.
    """
    from ..ship.bundle import make_bundle
    from ..ship.model_signing import sign
    from .ship_text import bundle_text

    with result_only():
        made = make_bundle(
            directory,
            target,
            version,
            output,
            max_latency_ms=max_latency_ms,
            max_rss_mb=max_rss_mb,
            licences=licences,
            model=model,
            data=data,
        )
        signature = None if signing_key is None else sign(made.path, signing_key, password=_password(signing_key))
    result = made.to_json() | {"signature": None if signature is None else str(signature)}
    print_result(result, as_json=as_json, text=bundle_text(made) + (f"\n{signature}" if signature else ""))


def _password(key: Path) -> str | None:
    """Asked for where the key is sealed."""
    from ..ship.passphrase import ask

    try:
        sealed = b"ENCRYPTED" in key.read_bytes()
    except OSError:
        return None  # whoever opens it says why it can't be
    given = ask(key.name, False) if sealed else None
    return None if given is None else given.decode()
