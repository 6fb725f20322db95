"""The contract itself: it must be able to break."""

from grimp import ImportGraph
from tests.house.floors import FloorsContract


def check(*imports: tuple[str, str], rooms: list[str]) -> dict[str, list[str]]:
    graph = ImportGraph()
    for importer, imported in imports:
        for module in (importer, imported):
            graph.add_module(module)
        graph.add_import(importer=importer, imported=imported, line_number=7, line_contents="import ...")
    options = {"name": "table", "type": "floors", "package": "house", "rooms": rooms}
    contract = FloorsContract("table", {}, options)
    problems: dict[str, list[str]] = contract.check(graph, verbose=False).metadata["problems"]
    return problems


def test_what_the_table_names_may_be_imported() -> None:
    wine = ("house.kitchen.stove", "house.cellar.wine")
    assert not check(wine, ("house.cellar.wine", "json"), rooms=["kitchen <- cellar", "cellar <-"])


def test_a_room_that_the_table_does_not_name_is_refused_with_its_place() -> None:
    found = check(("house.cellar.wine", "house.kitchen.stove"), rooms=["kitchen <- cellar", "cellar <-"])
    assert found == {"cellar may not import kitchen": ["house.cellar.wine -> house.kitchen.stove (line 7)"]}


def test_a_third_party_must_be_named_and_the_standard_library_need_not() -> None:
    found = check(("house.cellar.wine", "numpy"), ("house.cellar.wine", "asyncio"), rooms=["cellar <-"])
    assert list(found) == ["cellar may not import numpy"]


def test_a_room_without_a_line_is_a_problem() -> None:
    assert "attic stands in no line of the table" in check(("house.attic.box", "json"), rooms=["cellar <-"])
