"""One call's agent: its playbook, its scene, its variables and the history that the brain is asked with."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from active_call.playbook.acts import Act, Goto, Hangup, Refer
from active_call.playbook.model import FollowUp, Playbook, Scene
from active_call.playbook.render import render
from active_call.plugin.values import LlmOptions, Message, ReplyRequest
from active_call.turns.heard import Heard

from .history import History
from .snippets import Snippets, assemble
from .summary import RollingSummary, rolling_prompt

FEATURES = Path("features")
"""The operator's own pieces of prompt, in the server's folder."""
Reason = Literal["start", "user", "follow-up", "dtmf", "tool", "summary"]


class Agent:
    def __init__(
        self, playbook: Playbook, variables: dict[str, str], *, report: Callable[[str], None] | None = None
    ) -> None:
        """`variables` are the built-ins (`session_id`, `call_type`, ...); the agent adds its own.

        `report` is told what is wrong with the pieces of prompt that the playbook names.
        """
        self.playbook = playbook
        self.variables = variables
        self.history = History()
        self.snippets = Snippets(folders=[FEATURES], report=report or (lambda problem: None))
        llm = playbook.config.llm
        self._summary = RollingSummary(llm.summary_limit) if llm and "rolling_summary" in llm.features else None
        self._scene = playbook.initial
        self.language = "zh" if playbook.language.lower().startswith("zh") else "en"

    # ------------------------------------------------------------ what it is

    @property
    def scene(self) -> Scene:
        return self.playbook.scenes[self._scene]

    @property
    def features(self) -> list[str]:
        """What `llm.features` names."""
        return self.playbook.config.llm.features if self.playbook.config.llm else []

    @property
    def greeting(self) -> str | None:
        """Rendered with the variables of now; None or blank: the brain is asked to begin."""
        text = self.playbook.greeting
        return self._render(text) if text else None

    @property
    def follow_up(self) -> FollowUp | None:
        """What happens when the caller stays silent; the scene's own rules come first. None: nothing."""
        rules = self.scene.follow_up or self.playbook.config.follow_up
        return rules if rules is not None and rules.timeout > 0 else None

    @property
    def apology(self) -> str:
        """Said when no answer can be had."""
        llm = self.playbook.config.llm
        if llm and llm.apology:
            return self._render(llm.apology)
        if self.language == "zh":
            return "抱歉，我刚才没有反应过来，请您再说一遍好吗？"
        return "Sorry, I have trouble answering just now. Could you say that again?"

    @property
    def llm_options(self) -> LlmOptions:
        llm = self.playbook.config.llm
        script = self.playbook.config.script
        if llm is None:
            return LlmOptions(script=script, language=self.language)
        return LlmOptions(
            model=llm.model,
            base_url=llm.base_url,
            api_key=llm.api_key.get_secret_value() if llm.api_key else None,
            temperature=llm.temperature,
            max_tokens=llm.max_tokens,
            language=self.language,
            script=script,
        )

    def request(self, reason: Reason = "user") -> ReplyRequest:
        """What the brain is asked now, on a snapshot."""
        config = self.playbook.config
        system = assemble(
            self._render(self.scene.body),
            features=self.features,
            language=self.playbook.language,
            collectors=config.dtmf_collectors,
            other_scenes=[name for name in self.playbook.scenes if name != self._scene],
            tools=config.llm.tool_instructions if config.llm else None,
            snippets=self.snippets,
        )
        if self._summary is not None:
            system = self._summary.added_to(system)
        return ReplyRequest(
            messages=(Message(role="system", content=system), *self.history.messages),
            reason=reason,
            scene=self._scene,
            variables=dict(self.variables),
        )

    def key(self, digit: str) -> Act | None:
        """What that key of the telephone means now: the scene's own keys come first. None: nothing."""
        digit = digit.strip().upper()
        meaning = self.scene.dtmf.get(digit) or self.playbook.config.dtmf.get(digit)
        if meaning is None:
            return None
        match meaning.action:
            case "goto":
                return Goto(meaning.scene or "")
            case "transfer":
                return Refer(self._render(meaning.target or ""))
        return Hangup("DTMF Hangup")

    def summary_due(self) -> ReplyRequest | None:
        """The question for a summary of what is old by now, if there is enough of it; `summarised` must follow."""
        summary = self._summary
        older = summary.due(self.history.messages) if summary is not None else None
        if summary is None or older is None:
            return None
        return summary.request(older, rolling_prompt(self.playbook.language, self.snippets), scene=self._scene)

    # ------------------------------------------------------------ what happens to it

    def caller_said(self, text: str) -> None:
        self.history.caller(text)

    def take_back(self) -> None:
        """The caller went on: what was committed is one turn with what follows."""
        self.history.take_back()

    def amend(self, text: str) -> None:
        """Words that came late: the newest caller message is now `text`."""
        self.history.amend(text)

    def says(self, utterance_id: str, text: str) -> None:
        """The whole reply as the brain wrote it, tags included."""
        self.history.agent(utterance_id, text)

    def heard(self, heard: Heard) -> None:
        self.history.heard(heard)

    def summarised(self, text: str) -> None:
        """The summary that was due; blank: there is none, and nothing changes."""
        if self._summary is not None:
            self.history.drop_first(self._summary.done(text, self.history.messages))

    def set_variable(self, name: str, value: str) -> None:
        self.variables[name] = value

    def goto(self, scene: str) -> bool:
        """Go on in `scene`; False when there is none of that name."""
        if scene not in self.playbook.scenes:
            return False
        self._scene = scene
        return True

    def _render(self, text: str) -> str:
        return render(text, self.variables)
