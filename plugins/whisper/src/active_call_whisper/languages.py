"""Which languages Whisper hears, and how it is asked for one (https://github.com/openai/whisper, `tokenizer.py`)."""

from dataclasses import dataclass

_TOKENS = (
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id "
    "is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd "
    "si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo zh"
)

CODES = frozenset(_TOKENS.split())
"""The language tokens of the multilingual models before large-v3."""

_ALIASES = {"cmn": "zh", "yue": "zh", "nb": "no", "iw": "he", "fil": "tl", "jv": "jw", "in": "id"}
_TRADITIONAL = frozenset({"tw", "hk", "mo", "hant"})
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})

# Left alone, base writes Chinese in Traditional script. Of seven prompts tried on the one real sentence at hand, this
# one gave Simplified and kept every word; the widely copied "以下是普通话的句子。" lost one.
_SIMPLIFIED_PROMPT = "以下是简体中文对话："

_FEWEST_FRAMES = {"zh": 1500}
_DEFAULT_FEWEST_FRAMES = 1000


@dataclass(frozen=True, slots=True)
class Language:
    code: str
    """A member of `CODES`."""
    prompt: str = ""
    """Text the model is told came before; sets the script."""

    @property
    def fewest_frames(self) -> int:
        """The shortest window in which the model still heard every word."""
        return _FEWEST_FRAMES.get(self.code, _DEFAULT_FEWEST_FRAMES)

    @property
    def joint(self) -> str:
        """What stands between two pieces of text."""
        return "" if self.code in _UNSPACED else " "


ENGLISH = Language("en")


def parse_language(tag: str | None) -> Language | None:
    """`zh-CN`, `en_US`, `yue`; `None`, an empty text or `auto` is None: find out. Raises `ValueError`."""
    first, *rest = (tag or "auto").strip().lower().replace("_", "-").split("-")
    if first in ("", "auto"):
        return None
    code = _ALIASES.get(first, first)
    if code not in CODES:
        raise ValueError(f"Whisper does not know the language {tag!r}; leave it out, or use a tag such as en or zh-CN")
    traditional = first == "yue" or not _TRADITIONAL.isdisjoint(rest)
    return Language(code, _SIMPLIFIED_PROMPT if code == "zh" and not traditional else "")
