"""A playbook's graph as SVG 1.1, laid out in rows from the start downwards (after Sugiyama, 1981).

What is written on an arrow gets a place in a row of its own, so that nothing lies on anything else.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

from .graph import Arrow, Graph, Node, Shape

FONT_PX = 14
SMALL_PX = 12
GAP_PX = 28
ROW_PX = 64
MARGIN_PX = 24
SWEEPS = 8
FILL = {Shape.SCENE: "#e8f0fe", Shape.START: "#e6f4ea", Shape.ANYWHERE: "#fef7e0", Shape.END: "#f1f3f4"}


@dataclass(eq=False)
class _Box:
    """Something with a place: a node, the words on an arrow, or a bend of a long arrow."""

    width: float
    height: float
    row: int
    node: Node | None = None
    lines: tuple[str, ...] = ()
    x: float = 0.0
    y: float = 0.0
    near: "list[_Box]" = field(default_factory=list)
    """What it is connected with, in the rows above and below."""


@dataclass(frozen=True)
class _Path:
    """An arrow's boxes, from its source to its target."""

    boxes: tuple[_Box, ...]


def svg(drawn: Graph) -> str:
    """A whole SVG file."""
    return _Layout(drawn).svg()


class _Layout:
    def __init__(self, drawn: Graph) -> None:
        rows = _rows(drawn)
        self._boxes = {node.id: _node_box(node, 2 * rows[node.id]) for node in drawn.nodes}
        self._rows: list[list[_Box]] = [[] for _ in range(2 * max(rows.values()) + 2)]
        for box in self._boxes.values():
            self._rows[box.row].append(box)
        self._paths = [self._path(arrow) for arrow in drawn.arrows]
        for path in self._paths:
            for one, other in pairwise(path.boxes):
                one.near.append(other)
                other.near.append(one)
        self._order()
        self._place()

    def _path(self, arrow: Arrow) -> _Path:
        """Words stand in the row next to the source; a bend in each further row until the target."""
        source, target = self._boxes[arrow.source], self._boxes[arrow.target]
        step = 1 if target.row >= source.row else -1
        between = list(range(source.row + step, target.row, step)) or [source.row + 1]
        boxes = [source]
        for number, row in enumerate(between):
            lines = arrow.label if number == 0 else ()
            width = max((_width(line, SMALL_PX) for line in lines), default=0.0)
            boxes.append(_Box(width, SMALL_PX * 1.3 * len(lines), row, lines=lines))
            self._rows[row].append(boxes[-1])
        return _Path((*boxes, target))

    def _order(self) -> None:
        """Each row by the mean place of its neighbours, down and up again, so that few arrows cross."""
        for row in self._rows:
            _spread(row, [float(at) for at in range(len(row))], unit=True)
        for _ in range(SWEEPS):
            for row in (*self._rows, *reversed(self._rows)):
                row.sort(key=_mean)
                _spread(row, [float(at) for at in range(len(row))], unit=True)

    def _place(self) -> None:
        for row in self._rows:
            _spread(row, [0.0] * len(row))
        for _ in range(SWEEPS):
            for row in (*self._rows, *reversed(self._rows)):
                _spread(row, [_mean(box) for box in row])
        left = min(box.x - box.width / 2 for row in self._rows for box in row)
        top = float(MARGIN_PX)
        for row in self._rows:
            height = max((box.height for box in row), default=0.0)
            for box in row:
                box.x += MARGIN_PX - left
                box.y = top + height / 2
            top += height + (ROW_PX / 2 if row else 0)
        self._size = (
            max(box.x + box.width / 2 for row in self._rows for box in row) + MARGIN_PX,
            max(box.y + box.height / 2 for row in self._rows for box in row) + MARGIN_PX,
        )

    def svg(self) -> str:
        width, height = (round(side) for side in self._size)
        boxes = [box for row in self._rows for box in row]
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                f'width="{width}" height="{height}" font-family="sans-serif" text-anchor="middle">',
                '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
                'orient="auto"><path d="M0 0L8 4L0 8z" fill="#5f6368"/></marker></defs>',
                f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
                *(
                    f'<path d="{_curve(path, self._ports())}" fill="none" stroke="#5f6368" marker-end="url(#tip)"/>'
                    for path in self._paths
                ),
                *(_words(box) for box in boxes if box.lines),
                *(_shape(box, box.node) for box in boxes if box.node),
                "</svg>\n",
            )
        )

    def _ports(self) -> Mapping[tuple[_Box, _Box], float]:
        """Where on a node's edge an arrow begins or ends, by the box next to it: side by side, in their order."""
        ports: dict[tuple[_Box, _Box], float] = {}
        for box in self._boxes.values():
            for below in (True, False):
                side = sorted((other for other in box.near if (other.row > box.row) is below), key=lambda one: one.x)
                for number, other in enumerate(side, 1):
                    ports[box, other] = box.x - box.width / 2 + box.width * number / (len(side) + 1)
        return ports


def _rows(drawn: Graph) -> dict[str, int]:
    """How many arrows a node is from the start; what nothing leads to stands at the top, ends at the bottom."""
    follows: dict[str, list[str]] = {}
    for arrow in drawn.arrows:
        follows.setdefault(arrow.source, []).append(arrow.target)
    roots = [node.id for node in drawn.nodes if node.shape in (Shape.START, Shape.ANYWHERE)]
    rows: dict[str, int] = {}
    level, ahead = 0, roots
    scenes = {node.id for node in drawn.nodes if node.shape is Shape.SCENE}
    while ahead:
        rows |= dict.fromkeys(ahead, level)
        ahead = list(dict.fromkeys(t for s in ahead for t in follows.get(s, ()) if t not in rows and t in scenes))
        level += 1
    for scene in scenes - rows.keys():
        rows[scene] = 1
    bottom = max(rows.values()) + 1
    return {node.id: rows.get(node.id, bottom) for node in drawn.nodes}


def _mean(box: _Box) -> float:
    return sum(other.x for other in box.near) / len(box.near) if box.near else box.x


def _spread(row: list[_Box], wished: list[float], *, unit: bool = False) -> None:
    """As near to the wished places as the widths allow, in this order."""
    end = float("-inf")
    for box, x in zip(row, wished, strict=True):
        half = 0.5 if unit else (box.width + GAP_PX) / 2
        box.x = max(x, end + half)
        end = box.x + half
    if row and not unit:
        shift = sum(x - box.x for box, x in zip(row, wished, strict=True)) / len(row)
        for box in row:
            box.x += shift


def _curve(path: _Path, ports: Mapping[tuple[_Box, _Box], float]) -> str:
    """Smooth through every box; it leaves and reaches nodes at their ports, upright."""
    first, last = path.boxes[0], path.boxes[-1]
    points = [(box.x, box.y) for box in path.boxes]
    points[0] = (ports[first, path.boxes[1]], _edge(first, path.boxes[1]))
    points[-1] = (ports[last, path.boxes[-2]], _edge(last, path.boxes[-2]))
    drawn = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    if first.row == last.row:
        (left, _), (x, y), (right, other) = points
        return f"{drawn[0]}Q{left:.1f} {y:.1f} {x:.1f} {y:.1f}Q{right:.1f} {y:.1f} {right:.1f} {other:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        drawn.append(f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}")
    return "".join(drawn)


def _edge(node: _Box, other: _Box) -> float:
    return node.y + (node.height if other.row > node.row else -node.height) / 2


def _node_box(node: Node, row: int) -> _Box:
    return _Box(max(_width(node.label, FONT_PX) + 28, 60), 38, row, node)


def _shape(box: _Box, node: Node) -> str:
    radius = 6 if node.shape in (Shape.SCENE, Shape.ANYWHERE) else 19
    dashed = ' stroke-dasharray="4 3"' if node.shape is Shape.ANYWHERE else ""
    return (
        f'<rect x="{box.x - box.width / 2:.1f}" y="{box.y - box.height / 2:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="{radius}" fill="{FILL[node.shape]}" stroke="#5f6368"{dashed}/>'
        f'<text x="{box.x:.1f}" y="{box.y + FONT_PX * 0.35:.1f}" font-size="{FONT_PX}">{_text(node.label)}</text>'
    )


def _words(box: _Box) -> str:
    line_px = SMALL_PX * 1.3
    top = box.y - box.height / 2
    back = (
        f'<rect x="{box.x - box.width / 2 - 3:.1f}" y="{top - 2:.1f}" width="{box.width + 6:.1f}" '
        f'height="{box.height + 4:.1f}" fill="#ffffff"/>'
    )
    lines = (
        f'<text x="{box.x:.1f}" y="{top + line_px * (number + 0.78):.1f}" font-size="{SMALL_PX}" fill="#3c4043">'
        f"{_text(line)}</text>"
        for number, line in enumerate(box.lines)
    )
    return back + "".join(lines)


def _text(text: str) -> str:
    """XML takes no control characters, even escaped."""
    return escape("".join(char for char in text if char.isprintable()))


def _width(text: str, font_px: float) -> float:
    """About: a wide (Chinese) character is as wide as high, others a bit over half of that."""
    return sum(font_px * (1.0 if unicodedata.east_asian_width(char) in "WF" else 0.58) for char in text)
