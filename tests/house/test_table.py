"""The floor table stands twice: for the machine in .importlinter, for people in docs/explanation/architecture.md."""

import configparser
import re

from tests.house.files import ROOT


def lines_of_the_contract() -> dict[str, set[str]]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    rooms = parser["importlinter:contract:table"]["rooms"].strip().splitlines()
    return {room.strip(): set(names.split()) for room, _, names in (line.partition("<-") for line in rooms)}


def test_both_name_the_same_rooms_and_the_page_leaves_no_allowed_room_out() -> None:
    page = (ROOT / "docs/explanation/architecture.md").read_text("utf-8")
    rows = dict(re.findall(r"(?m)^\| \d \| `(\w+)` \|.*\| ([^|]*) \|$", page))
    contract = lines_of_the_contract()
    assert rows.keys() == contract.keys()
    for room, allowed in contract.items():
        if "*" in allowed or "all" in rows[room]:
            continue
        missing = {name for name in allowed & contract.keys() if name not in re.findall(r"\w+", rows[room])}
        assert not missing, f"{room}: the page does not name {missing}"
