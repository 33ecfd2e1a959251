"""Roles: their names, what they sign for, and how long what they sign holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from ...errors import ConfigError
from ..agent.manifest import NAME

__all__ = ["DAYS", "ONLINE", "ROLE_DAYS", "TOP", "expires_at", "expiry", "model_role", "paths_of", "refuse_odd_name"]

TOP = ("root", "targets", "snapshot", "timestamp")
ONLINE = ("snapshot", "timestamp")
"""Signed anew with every publication and every few days, by whoever publishes; the others' keys stay offline."""

DAYS: Mapping[str, int] = MappingProxyType({"root": 365, "targets": 180, "snapshot": 14, "timestamp": 7})
"""Days until it expires. A board that is kept from what is new notices after the timestamp's."""
ROLE_DAYS = 180
"""Of a model's role."""


def expiry(role: str) -> int:
    return DAYS.get(role, ROLE_DAYS)


def expires_at(role: str, now: datetime) -> datetime:
    """now: in UTC. Whole seconds, as TUF's format has them."""
    return now.astimezone(UTC).replace(microsecond=0) + timedelta(days=expiry(role))


def model_role(model: str, channel: str) -> str:
    """`MODEL.CHANNEL`. Raises ConfigError for a name that is none."""
    refuse_odd_name("model", model)
    refuse_odd_name("channel", channel)
    if "." in channel:
        raise ConfigError("channel", f"{channel!r} has a dot in it", accepted="stable, beta, …")
    return f"{model}.{channel}"


def paths_of(role: str) -> list[str]:
    """What a model's role may sign: the files of its channel, one folder a target (TUF 1.0, section 4.5)."""
    model, _, channel = role.rpartition(".")
    return [f"{model}/{channel}/*/*"]


def refuse_odd_name(what: str, name: str) -> None:
    if not NAME.fullmatch(name):
        raise ConfigError(what, f"{name!r} is no name", accepted="lower-case letters, digits, '-' and '.', 64 at most")
