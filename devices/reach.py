"""From a place's name to a way there."""

from __future__ import annotations

from .place import Place
from .transport import Transport

__all__ = ["reach"]


def reach(place: Place) -> Transport:
    """The way to `place`; opened when it is first used. Raises ConfigError and RuntimeUnavailable (an emulator)."""
    if place.kind == "ssh" and place.destination is not None:
        from .transport.ssh import SSHTransport

        return SSHTransport(place.destination, name=place.text)
    if place.kind == "emulator" and place.profile is not None:
        from .emulator.transport import EmulatorTransport

        return EmulatorTransport(place.profile, place.profile.system(place.system), name=place.text)
    from .transport.local import LocalTransport

    return LocalTransport(name=place.text)
