"""The system prompt: the scene's text and, for language models, which tags they may write."""

from collections.abc import Sequence

TAGS = {
    "en": """You speak with the caller on the phone: answer in one to three short sentences, without lists or markup.
Besides words you may write these tags; they are carried out and never read aloud:
- hang up after what you said: <hangup/>
- remember something about the caller: <set_var key="name" value="..."/>""",
    "zh": """你正在和来电者通话：用一到三句口语化的短句回答，不要使用列表或标记。
除了文字，你还可以写以下标签；它们会被执行，但不会被读出来：
- 说完之后挂断电话：<hangup/>
- 记住来电者的信息：<set_var key="name" value="..."/>""",
}
GOTO = {
    "en": 'go on in another scene: <goto scene="{scene}"/>',
    "zh": '进入另一个场景：<goto scene="{scene}"/>',
}


def instructions(scene_text: str, *, language: str, other_scenes: Sequence[str], tools: str | None = None) -> str:
    """The whole system prompt; `tools` replaces our own text about tags (`llm.toolInstructions`)."""
    about = tools if tools is not None else TAGS[language]
    if tools is None:
        about += "".join("\n- " + GOTO[language].format(scene=scene) for scene in other_scenes)
    return "\n\n".join(part for part in (scene_text.strip(), about.strip()) if part)
