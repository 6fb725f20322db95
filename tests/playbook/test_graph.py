"""What leads where, and how it is drawn."""

from xml.etree import ElementTree

import pytest

from active_call.playbook import load_text
from active_call.playbook.drawing import svg
from active_call.playbook.graph import Graph, graph, mermaid

BOOK = """---
followUp: { timeout: 5000, maxCount: 1 }
dtmf: { "0": { action: transfer, target: "sip:desk@example.com" } }
script:
  rules:
    - { when: [sales, "buy, \\"now\\""], say: Yes., goto: sales }
    - { when: [bye], scene: sales, say: Bye., hangup: true }
---
Say <goto scene="sales"/>.
# Scene: sales
<dtmf digit="1" action="goto" scene="back & forth"/>
# Scene: back & forth
<goto scene="default"/> <goto scene="sales"/>
# Scene: lonely
Nobody comes here <b>.
"""


def drawn(text: str = BOOK) -> Graph:
    return graph(load_text(text, name="book", environ={}, trusted=True))


def arrows(found: Graph) -> dict[tuple[str, str], tuple[str, ...]]:
    labels = {node.id: node.label for node in found.nodes}
    return {(labels[arrow.source], labels[arrow.target]): arrow.reasons for arrow in found.arrows}


def test_tags_keys_rules_and_silence_lead_somewhere() -> None:
    assert arrows(drawn()) == {
        ("call", "default"): (),
        ("in any scene", "transfer to sip:desk@example.com"): ("key 0",),
        ("default", "sales"): ("the model",),
        ("sales", "back & forth"): ("key 1",),
        ("back & forth", "default"): ("the model",),
        ("back & forth", "sales"): ("the model",),
        ("in any scene", "sales"): ("“sales”",),
        ("sales", "hang up"): ("“bye”",),
        ("in any scene", "hang up"): ("silence",),
    }


def test_a_playbook_of_one_scene_has_no_other_scenes_to_speak_of() -> None:
    text = "---\ndtmf: {'9': {action: hangup}}\nfollowUp: {timeout: 1, maxCount: 1}\n---\nHello.\n"
    assert arrows(drawn(text)) == {
        ("call", "default"): (),
        ("in any scene", "hang up"): ("key 9",),
        ("default", "hang up"): ("silence",),
    }


def test_mermaid_escapes_what_would_end_a_label() -> None:
    text = mermaid(drawn(BOOK.replace("[sales, ", "[").replace("# Scene: lonely", '# Scene: a "b"')))
    assert text.startswith("flowchart TD\n")
    assert '"a #quot;b#quot;"' in text
    assert '-->|"“buy, #quot;now#quot;”"|' in text


def test_the_picture_is_xml_with_every_node_and_reason_and_nothing_on_top_of_anything() -> None:
    found = drawn()
    root = ElementTree.fromstring(svg(found))
    space = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in root.iter(f"{space}text")]
    assert {node.label for node in found.nodes} <= set(texts)
    assert {"the model", "key 0", "key 1", "silence", "“sales”", "“bye”"} <= set(texts)
    assert len(list(root.iter(f"{space}path"))) == len(found.arrows) + 1  # and the tip
    boxes = [
        tuple(float(element.get(name, "0")) for name in ("x", "y", "width", "height"))
        for element in list(root.iter(f"{space}rect"))[1:]
    ]
    width, height = (float(root.get(name, "0")) for name in ("width", "height"))
    for at, (x, y, w, h) in enumerate(boxes):
        assert min(x, y) >= 0
        assert x + w <= width
        assert y + h <= height
        for a, b, c, d in boxes[at + 1 :]:
            assert x + w <= a or a + c <= x or y + h <= b or b + d <= y


@pytest.mark.parametrize("count", [1, 50])
def test_any_number_of_scenes_is_drawn(count: int) -> None:
    scenes = "".join(f'# Scene: s{n}\n<goto scene="s{(n * 7 + 1) % count}"/> Hello.\n' for n in range(count))
    assert svg(drawn(f"---\nllm: {{provider: x}}\n---\n{scenes}")).count("<text") >= count
