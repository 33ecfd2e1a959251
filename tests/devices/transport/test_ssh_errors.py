"""What ssh said, captured from OpenSSH 9.2 in the C locale, and the one line that a user reads."""

from __future__ import annotations

import pytest
from sepia.devices.transport.ssh_errors import explained, is_of_ssh, no_client

CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Someone could be eavesdropping on you right now (man-in-the-middle attack)!
It is also possible that a host key has just been changed.
The fingerprint for the ED25519 key sent by the remote host is
SHA256:ypXrj8KEFZlpuHjd29c6g3617CcmjOWLwvKmzXSF72E.
Please contact your system administrator.
Add correct host key in /home/me/.ssh/known_hosts to get rid of this message.
Offending ED25519 key in /home/me/.ssh/known_hosts:12
  remove with:
  ssh-keygen -f "/home/me/.ssh/known_hosts" -R "10.77.1.2"
Host key for 10.77.1.2 has changed and you have requested strict checking.
Host key verification failed.
"""
TOO_OPEN = """\
Permissions 0644 for '/home/me/key' are too open.
It is required that your private key files are NOT accessible by others.
This private key will be ignored.
Load key "/home/me/key": bad permissions
pi@10.77.1.2: Permission denied (publickey,password,keyboard-interactive).
"""
JUMP = "kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535\n"

CASES = {
    "changed": (
        CHANGED,
        "the host key of 10.77.1.2 has changed: ED25519 SHA256:ypXrj8KEFZlpuHjd29c6g3617CcmjOWLwvKmzXSF72E, and not "
        "that of /home/me/.ssh/known_hosts line 12; next: if its card was flashed anew, forget the old key with: "
        "ssh-keygen -f '/home/me/.ssh/known_hosts' -R '10.77.1.2', then log in by hand: ssh pi@board; if not, somebody "
        "may stand between you and it",
    ),
    "jump changed": (CHANGED + JUMP, "its jump host: the host key of 10.77.1.2 has changed: ED25519 SHA256:"),
    "unknown key": (
        "No ED25519 host key is known for 10.77.1.2 and you have requested strict checking.\n"
        "Host key verification failed.\n",
        "its host key is not known here; next: log in once by hand, compare the fingerprint and accept it: ssh pi@bo",
    ),
    "refused": (
        "Welcome to my board\npi@10.77.1.2: Permission denied (publickey,password).\n",
        "refused the login of pi@10.77.1.2 (publickey,password); next: put your key there with: ssh-copy-id pi@board",
    ),
    "refused by jump": (
        "Permission denied, please try again.\nme@jump: Permission denied (publickey).\n" + JUMP,
        "its jump host: refused the login of me@jump (publickey); next: ",
    ),
    "many keys": (
        "Received disconnect from 10.0.0.7 port 22:2: Too many authentication failures\n",
        "refused the login after too many keys; next: name the one",
    ),
    "open key": (
        TOO_OPEN,
        "ssh refuses the key /home/me/key: others may read it (0644); next: chmod 600 '/home/me/key'",
    ),
    "no account": (
        "This account is currently not available.\n",
        "let the login in and then would not run a command (account is currently not available); next: ",
    ),
    "unknown host": (
        "ssh: Could not resolve hostname pi4.local: Name or service not known\n",
        "no host pi4.local: Name or service not known; next: look at its spelling; a name in .local is known only",
    ),
    "unknown jump": (
        "ssh: Could not resolve hostname jump: Name or service not known\n" + JUMP,
        "its jump host: no host jump: Name or service not known; next: ",
    ),
    "no server": (
        "ssh: connect to host 10.77.1.2 port 23: Connection refused\n",
        "nothing listens on port 23 of 10.77.1.2; next: is its ssh server on? sudo systemctl enable --now ssh",
    ),
    "no way": (
        "ssh: connect to host 10.77.1.99 port 22: No route to host\n",
        "cannot reach 10.77.1.99: No route to host; next: is the board on, and in this network?",
    ),
    "behind the jump": (
        "channel 0: open failed: connect failed: No route to host\nstdio forwarding failed\n" + JUMP,
        "its jump host: cannot reach the board: No route to host; next: is the board on",
    ),
    "silent server": (
        "Connection timed out during banner exchange\nConnection to 10.77.9.9 port 22 timed out\n",
        "something answered at its address, but no ssh server in time; next: ",
    ),
    "old server": (
        "Unable to negotiate with 10.0.0.7 port 22: no matching host key type found. Their offer: ssh-rsa\n",
        "its ssh and yours have no host key type in common; it offers ssh-rsa; next: ",
    ),
    "closed": (
        "kex_exchange_identification: Connection closed by remote host\nConnection closed by 10.0.0.7 port 22\n",
        "closed the connection before the login; next: too many logins at once, or",
    ),
    "configuration": (
        "/home/me/.ssh/config: line 2: Bad configuration option: foo\n"
        "/home/me/.ssh/config: terminating, 1 bad configuration options\n",
        "ssh cannot read its configuration, /home/me/.ssh/config: line 2: Bad configuration option: foo; next: ",
    ),
    "no configuration": (
        "Can't open user config file nothere: No such file or directory\n",
        "no ssh configuration nothere: No such file or directory; next: ",
    ),
    "lost": ("Timeout, server 10.0.0.7 not responding.\n", "the link to it was lost: no answer any more; next: "),
    "ended": ("Connection to 10.0.0.7 closed by remote host.\n", "it ended the connection, as in a reboot; next: "),
    "reset": (
        "client_loop: send disconnect: Broken pipe\n",
        "the link to it was lost: Broken pipe; next: see that it has power and a link",
    ),
    "unheard of": (
        "Warning: Permanently added x\nsomething new: odd\n",
        "something new: odd; next: log in by hand: ssh",
    ),
    "nothing": ("", "ssh ended and did not say why; next: log in by hand: ssh pi@board"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_ssh_said_is_one_line(case: str) -> None:
    said, expected = CASES[case]
    error = explained("pi4", "pi@board", said)
    assert error.where == "pi4"
    assert str(error).startswith(f"pi4: {expected}")
    assert "\n" not in str(error)


def test_what_was_running_is_named() -> None:
    error = explained("pi4", "pi@board", "Timeout, server 10.0.0.7 not responding.\n", doing="bench.py")
    assert str(error).startswith("pi4: the link to it was lost: no answer any more, while 'bench.py' ran; next: ")


def test_a_commands_own_words_are_not_ssh_s() -> None:
    assert not is_of_ssh("Traceback…\nOSError: [Errno 28] No space left on device\n")
    assert not is_of_ssh("cat: x: Permission denied\n")
    assert is_of_ssh("mux_client_request_session: read from master failed: Broken pipe\n")
    assert is_of_ssh("ssh: connect to host 10.77.1.2 port 22: No route to host\n")


def test_no_client() -> None:
    assert str(no_client("pi4")).startswith("pi4: this machine has no OpenSSH client; next: install it: sudo apt")
