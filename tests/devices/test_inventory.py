"""The inventory: what the user wrote stays, and nobody's board is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sepia.devices.inventory import Board, Inventory, checked_destination
from sepia.errors import ConfigError, OutputError

BY_HAND = """# My boards.
[kitchen]   # the old one
destination = "pi@pi4.local"   # by the window
profile = "pi4"

# In the shed.
[shed]
destination = "ssh://pi@shed:2222"
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    return Inventory(tmp_path / "config" / "boards.toml")


def test_the_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEPIA_CONFIG", str(tmp_path / "named"))
    assert Inventory().path == tmp_path / "named" / "boards.toml"
    monkeypatch.delenv("SEPIA_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert Inventory().path == tmp_path / "config" / "sepia" / "boards.toml"


def test_what_is_added_is_there_until_it_is_removed(inventory: Inventory) -> None:
    assert inventory.boards() == {}
    inventory.add("kitchen", "pi@pi4.local", "pi4")
    inventory.add("shed.2", "ssh://pi@shed:2222")
    assert inventory.boards() == {
        "kitchen": Board(destination="pi@pi4.local", profile="pi4"),
        "shed.2": Board(destination="ssh://pi@shed:2222"),
    }
    assert inventory.remove("shed.2").destination == "ssh://pi@shed:2222"
    assert list(inventory.boards()) == ["kitchen"]
    inventory.remove("kitchen")
    assert inventory.boards() == {}


def test_what_was_written_by_hand_stays(inventory: Inventory) -> None:
    inventory.path.parent.mkdir()
    inventory.path.write_text(BY_HAND)
    inventory.add("attic", "attic", "pi5")
    assert inventory.path.read_text().startswith(BY_HAND)
    inventory.remove("attic")
    inventory.remove("kitchen")
    left = inventory.path.read_text()
    assert left.startswith("# My boards.\n")
    assert left.rstrip("\n").endswith('# In the shed.\n[shed]\ndestination = "ssh://pi@shed:2222"')


@pytest.mark.parametrize(
    "text",
    [
        'kitchen.destination = "a"\nkitchen.profile = "pi4"\n',
        'kitchen = {destination = "a", profile = "pi4"}\n',
        '["kitchen"]\ndestination = "a"\n',
        "['kitchen'] # mine\r\ndestination = 'a'\r\n",
    ],
)
def test_a_board_is_removed_however_it_was_written(text: str, inventory: Inventory) -> None:
    inventory.path.parent.mkdir()
    inventory.path.write_text(text + '[shed]\ndestination = "b"\n', newline="")
    inventory.remove("kitchen")
    assert inventory.path.read_text() == '[shed]\ndestination = "b"\n'


def test_two_who_write_at_once_lose_nothing(inventory: Inventory) -> None:
    code = (
        "import sys; from pathlib import Path; from sepia.devices.inventory import Inventory\n"
        "for number in range(10): Inventory(Path(sys.argv[1])).add(f'{sys.argv[2]}.{number}', 'host')"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(inventory.path), name], stderr=subprocess.PIPE, text=True)
        for name in ("a", "b", "c")
    ]
    assert [(writer.communicate(timeout=60)[1], writer.returncode) for writer in writers] == [("", 0)] * 3
    assert sorted(inventory.boards()) == sorted(f"{name}.{number}" for name in "abc" for number in range(10))


@pytest.mark.parametrize(
    "name", ["", "Kitchen", "kit chen", "kit-chen", "-a", "host", "emulator", "pi4.emulator", "a@b"]
)
def test_a_name_that_no_target_can_carry(name: str, inventory: Inventory) -> None:
    with pytest.raises(ConfigError, match="accepted: lower-case letters, digits and dots"):
        inventory.add(name, "host")
    assert not inventory.path.exists()


@pytest.mark.parametrize("destination", ["", " ", "-oProxyCommand=touch x", "a b", "a\nb", "\x00"])
def test_what_ssh_would_not_take_as_a_destination(destination: str, inventory: Inventory) -> None:
    with pytest.raises(ConfigError, match="nothing that ssh can connect to; accepted: a host"):
        inventory.add("kitchen", destination)
    with pytest.raises(ConfigError, match="nothing that ssh can connect to"):
        checked_destination(destination, where="here")


def test_a_name_that_is_taken_a_kind_that_is_none_and_a_board_that_is_none(inventory: Inventory) -> None:
    inventory.add("kitchen", "pi@pi4.local", "pi4")
    before = inventory.path.read_text()
    with pytest.raises(ConfigError, match="kitchen: there is a board of that name; next: sepia devices remove kitchen"):
        inventory.add("kitchen", "elsewhere")
    with pytest.raises(ConfigError, match="no board 'pi44'"):
        inventory.add("shed", "shed", "pi44")
    for ask in (inventory.board, inventory.remove):
        with pytest.raises(ConfigError, match=r"kitchn: no such board; accepted: did you mean kitchen\?"):
            ask("kitchn")
    assert inventory.path.read_text() == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[kitchen", "boards.toml: is not TOML"),
        ("[Kitchen]\ndestination = 'a'", "boards.toml: a board can't be called 'Kitchen'"),
        ("[kitchen]\nprofile = 'pi4'", "boards.toml: kitchen.destination: Field required"),
        ("[kitchen]\ndestination = '-oX'", "boards.toml: kitchen.destination: .*nothing that ssh"),
        ("[kitchen]\ndestination = 'a'\nport = 2", "boards.toml: kitchen.port: "),
        ("kitchen = 'pi4.local'", "boards.toml: kitchen: "),
    ],
)
def test_a_file_that_is_wrong_is_named_and_left(text: str, says: str, inventory: Inventory) -> None:
    inventory.path.parent.mkdir()
    inventory.path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        inventory.boards()
    with pytest.raises(ConfigError, match=says):
        inventory.add("shed", "shed")
    assert inventory.path.read_text() == text


def test_a_folder_that_can_t_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        Inventory(tmp_path / "file" / "boards.toml").add("kitchen", "host")
