"""What an attacker, or a bad link, answers to a board that asks for a version that was rightly published."""

from __future__ import annotations

from support.attack_server import (
    Answer,
    compressed,
    endless,
    endless_head,
    length_told,
    redirected,
    silent,
    slow,
    status,
    truncated,
)
from support.tuf_attacks import NEW, Attack, Scene

__all__ = ["ON_THE_WAY"]

ON_THE_WAY: list[Attack] = []


def _answer(part: str, answer: Answer, kind: str, words: str) -> None:
    def does(scene: Scene) -> None:
        scene.repository.offer("1.1.0", NEW)
        scene.server.answers[part] = answer

    name = getattr(answer, "__qualname__", "").split(".")[0]
    ON_THE_WAY.append(Attack(f"{name} {part}", does, kind, words))


_answer("timestamp.json", endless, "endless", "timestamp.json: does not end where it should")
_answer("1.1.0.sepia", endless, "endless", "does not end after the 2400 bytes")
_answer("current.json", endless, "endless", "current.json: does not end where it should")
_answer("timestamp.json", slow, "slow", "at least 512 a second are expected")
_answer("1.1.0.sepia", slow, "slow", "at least 512 a second are expected")
_answer("timestamp.json", endless_head, "slow", "0 bytes in 0.4 s")
_answer("1.1.0.sepia", silent, "slow", "0 bytes in 0.4 s")
_answer("1.1.0.sepia", truncated, "length", "ends after 1200 of 2400 bytes")
_answer("timestamp.json", length_told(10), "unreachable", "cannot be fetched")
_answer("1.1.0.sepia", length_told(-10), "length", "ends after 2390 of 2400 bytes")
_answer("timestamp.json", compressed, "encoding", "was sent as 'gzip', which was not asked for")
_answer("1.1.0.sepia", compressed, "encoding", "was sent as 'gzip', which was not asked for")
_answer("timestamp.json", redirected("http://localhost:9%s"), "not allowed", "another server")
_answer("1.1.0.sepia", redirected("%s"), "not allowed", "redirects more than 3 times")
_answer("timestamp.json", redirected("file:///etc/passwd"), "not allowed", "another server")
_answer("timestamp.json", status(404), "missing", "timestamp.json: is not there")
_answer("1.1.0.sepia", status(404), "missing", "1.1.0.sepia: is not there")
_answer("timestamp.json", status(500), "unreachable", "answered 500")
_answer("2.root.json", status(500), "unreachable", "answered 500")
