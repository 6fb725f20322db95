"""Turn taking: the tables of who has the floor, endpointing and barge-in. No audio, no asyncio, nothing but values."""

from .barge_in import FILLERS, Interruption, Strategy
from .clock import Clock, FakeClock, MonotonicClock
from .endpointing import Endpointing, Patience
from .heard import Heard
from .machine import TurnMachine
from .moves import TurnState
from .policy import Brain, Policy

__all__ = [
    "FILLERS",
    "Brain",
    "Clock",
    "Endpointing",
    "FakeClock",
    "Heard",
    "Interruption",
    "MonotonicClock",
    "Patience",
    "Policy",
    "Strategy",
    "TurnMachine",
    "TurnState",
]
