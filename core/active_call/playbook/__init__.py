"""Playbooks: a Markdown file that says who answers the phone and how the talk goes."""

from .acts import Act, Collect, Goto, Hangup, Http, Malformed, PlayFile, Refer, SendMessage, SetVar
from .load import load_file, load_text
from .model import DtmfAction, DtmfCollector, FollowUp, Interruption, Llm, Playbook, PlaybookConfig, Scene, Strategy
from .problems import PlaybookError, Problem, Severity
from .render import render
from .sentences import SentenceSplitter
from .tags import TagParser
from .voicing import speakable

__all__ = [
    "Act",
    "Collect",
    "DtmfAction",
    "DtmfCollector",
    "FollowUp",
    "Goto",
    "Hangup",
    "Http",
    "Interruption",
    "Llm",
    "Malformed",
    "PlayFile",
    "Playbook",
    "PlaybookConfig",
    "PlaybookError",
    "Problem",
    "Refer",
    "Scene",
    "SendMessage",
    "SentenceSplitter",
    "SetVar",
    "Severity",
    "Strategy",
    "TagParser",
    "load_file",
    "load_text",
    "render",
    "speakable",
]
