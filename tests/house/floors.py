"""An import-linter contract that is a table: who may import whom, and what from outside the standard library.

import-linter's own contracts forbid; this one allows, so that a new room or a new dependency has to be written down.
"""

import sys
from collections import defaultdict

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

ANY = "*"


class FloorsContract(Contract):
    """`rooms` has a line per room: `name <- what it may import`; a name is a room's or a third party's, `*` is any."""

    type_name = "floors"

    package = fields.StringField()
    rooms = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        allowed = {room.strip(): set(names.split()) for room, _, names in (str(r).partition("<-") for r in self.rooms)}
        problems: dict[str, list[str]] = defaultdict(list)
        for room in sorted({self._room(module) for module in graph.modules} - allowed.keys() - {None}):
            problems[f"{room} stands in no line of the table"] = []
        for importer in graph.modules:
            room = self._room(importer)
            if room not in allowed or ANY in allowed[room]:
                continue
            for imported in graph.find_modules_directly_imported_by(importer):
                name = self._name(imported)
                if name is None or name == room or name in allowed[room] or name in sys.stdlib_module_names:
                    continue
                lines = [
                    detail["line_number"] for detail in graph.get_import_details(importer=importer, imported=imported)
                ]
                problems[f"{room} may not import {name}"].append(f"{importer} -> {imported} (line {min(lines)})")
        return ContractCheck(kept=not problems, metadata={"problems": dict(sorted(problems.items()))})

    def _inside(self, module: str) -> list[str] | None:
        first, *rest = module.split(".")
        return rest if first == self.package else None

    def _room(self, module: str) -> str | None:
        """None: outside the package, or the package itself."""
        inside = self._inside(module)
        return inside[0] if inside else None

    def _name(self, imported: str) -> str | None:
        """The room or the third party; None: the package itself, which holds only the version."""
        inside = self._inside(imported)
        if inside is None:
            return imported.split(".")[0]
        return inside[0] if inside else None

    def render_broken_contract(self, check: ContractCheck) -> None:
        for problem, places in check.metadata["problems"].items():
            output.print_error(problem, bold=True)
            for place in sorted(places):
                output.print_error(f"  {place}")
        output.new_line()
        output.print("The table stands in .importlinter; docs/explanation/architecture.md says why.")
