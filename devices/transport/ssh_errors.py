"""What ssh said, as one line of ours: which board, what happened, what to do next.

ssh ends with 255 whatever went wrong, so its words are read; they have been the same for many years (OpenSSH 7 to 10,
in the C locale). The rows are tried in order; the jump host's own ssh writes to the same place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import BoardError

__all__ = ["explained", "is_of_ssh", "no_client"]

_UP = "is the board on, and in this network? Log in by hand to see: ssh {destination}"
_LOST = "see that it has power and a link, then run the same command again"


@dataclass(frozen=True)
class _Row:
    """said: a pattern of ssh's words, with names for parts. what, hint: may use these, and {destination}."""

    said: str
    what: str
    hint: str


_ROWS = (
    # The user's own files.
    _Row(
        r"(?P<place>\S+: line \d+|\S+ line \d+): (?P<why>Bad .*|.*[Uu]nsupported .*|.*missing .*|.*[Ii]nvalid .*)",
        "ssh cannot read its configuration, {place}: {why}",
        "mend that line",
    ),
    _Row(
        r"Can't open user config file (?P<path>.*): (?P<why>.*)", "no ssh configuration {path}: {why}", "name another"
    ),
    _Row(r"Bad owner or permissions on (?P<path>.*)", "ssh refuses {path}: others may write it", "chmod 600 {path}"),
    # Host keys: never accepted here in the user's place.
    _Row(
        r"REVOKED HOST KEY DETECTED[\s\S]*?host key for (?P<host>\S+) is marked as revoked in (?P<path>\S+)",
        "the host key of {host} is revoked in {path}",
        "do not use it, or ask who revoked it",
    ),
    _Row(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED[\s\S]*?fingerprint for the (?P<kind>\S+) key sent by the remote host "
        r"is\s+(?P<print>\S+?)\.?\n[\s\S]*?Offending \S+ key in (?P<path>.*):(?P<line>\d+)"
        r"[\s\S]*?Host key for (?P<host>\S+) has changed",
        "the host key of {host} has changed: {kind} {print}, and not that of {path} line {line}",
        "if its card was flashed anew, forget the old key with: ssh-keygen -f '{path}' -R '{host}', then log in by "
        "hand: ssh {destination}; if not, somebody may stand between you and it",
    ),
    _Row(
        r"Host key verification failed",
        "its host key is not known here",
        "log in once by hand, compare the fingerprint and accept it: ssh {destination}",
    ),
    # The login.
    _Row(
        r"Too many authentication failures",
        "refused the login after too many keys",
        "name the one that it takes in ~/.ssh/config: IdentityFile and IdentitiesOnly yes",
    ),
    _Row(
        r"Permissions (?P<mode>\d+) for '(?P<path>.*)' are too open",
        "ssh refuses the key {path}: others may read it ({mode})",
        "chmod 600 '{path}'",
    ),
    _Row(
        r"(?P<who>\S+): Permission denied \((?P<ways>.*)\)",
        "refused the login of {who} ({ways})",
        "put your key there with: ssh-copy-id {destination}; a key with a passphrase goes into the agent: ssh-add",
    ),
    _Row(
        r"(?P<why>(?:password|account) has expired|account is currently not available|Password change required)",
        "let the login in and then would not run a command ({why})",
        "log in by hand: ssh {destination}",
    ),
    _Row(r"channel 0: open failed: (?:connect failed: )?(?P<why>.*)", "cannot reach the board: {why}", _UP),
    # The way there.
    _Row(
        r"Could not resolve hostname (?P<host>\S+): (?P<why>.*)",
        "no host {host}: {why}",
        "look at its spelling; a name in .local is known only while the board is on and in this network",
    ),
    _Row(
        r"connect to host (?P<host>\S+) port (?P<port>\d+): Connection refused",
        "nothing listens on port {port} of {host}",
        "is its ssh server on? sudo systemctl enable --now ssh, or Interface Options in raspi-config",
    ),
    _Row(r"connect to host (?P<host>\S+) port (?P<port>\d+): (?P<why>.*)", "cannot reach {host}: {why}", _UP),
    _Row(r"[Tt]imed out during banner exchange", "something answered at its address, but no ssh server in time", _UP),
    _Row(
        r"no matching (?P<part>[a-z ]+) found\. Their offer: (?P<offer>\S+)",
        "its ssh and yours have no {part} in common; it offers {offer}",
        "bring the older one up to date",
    ),
    # Lost while it was in use.
    _Row(r"Timeout, server (?P<host>\S+) not responding", "the link to it was lost: no answer any more", _LOST),
    _Row(r"Connection to (?P<host>\S+) closed by remote host", "it ended the connection, as in a reboot", _LOST),
    _Row(
        r"(?:client_loop: send disconnect|packet_write_wait|Read from remote host [^:]*|Write failed|read_passphrase)"
        r"[^:]*: (?P<why>.*)",
        "the link to it was lost: {why}",
        _LOST,
    ),
    # The jump host's causes are above; without any, it just ended.
    _Row(
        r"kex_exchange_identification|ssh_exchange_identification|Connection (?:closed|reset) by",
        "closed the connection before the login",
        "too many logins at once, or its server is not up yet: wait a moment, then run the same command again",
    ),
)

_BY_A_JUMP = re.compile(r"UNKNOWN port 65535|stdio forwarding failed")
_OF_SSH = re.compile(
    r"^(?:mux_client|Control socket|ControlSocket|Shared connection|ssh: connect to host|ssh: Could not resolve"
    r"|Host key verification failed|kex_exchange_identification|client_loop: |Timeout, server"
    r"|\S+: Permission denied \(|Connection (?:closed|reset|to \S+ closed) by)",
    re.MULTILINE,
)
_NOISE = re.compile(
    r"^(?:@|\s*$|Warning: Permanently added|mux_client|Shared connection|Control socket|Permission denied, please)"
)


def explained(board: str, destination: str, said: str, *, doing: str = "") -> BoardError:
    """The BoardError for what ssh said when it ended. doing: the command that was running, if one was."""
    through = "its jump host: " if _BY_A_JUMP.search(said) else ""
    while_ = f", while '{doing}' ran" if doing else ""
    for row in _ROWS:
        found = re.search(row.said, said)
        if found is not None:
            parts = {**found.groupdict(), "destination": destination}
            what = row.what.format(**parts).strip()
            return BoardError(board, f"{through}{what}{while_}", hint=row.hint.format(**parts))
    last = next(_telling(said), "ssh ended and did not say why")
    return BoardError(board, f"{through}{last}{while_}", hint=_LOST if doing else f"log in by hand: ssh {destination}")


def is_of_ssh(said: str) -> bool:
    """Whether ssh itself, not the command that it ran, wrote a part of that."""
    return _OF_SSH.search(said) is not None


def no_client(board: str) -> BoardError:
    return BoardError(
        board,
        "this machine has no OpenSSH client",
        hint="install it: sudo apt install openssh-client (or your system's)",
    )


def _telling(said: str) -> Iterator[str]:
    """Lines that may tell why, the last first."""
    return (line.strip() for line in reversed(said.splitlines()) if not _NOISE.match(line))
