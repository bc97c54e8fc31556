"""From a number's routing to a CallPlan: the agents that can serve now, in order, then voicemail, all templates filled."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from oneinbox.contracts.plan import SttChoice, TtsChoice
from oneinbox.features.agents.schemas import AgentSnapshot

SPEED_RANGE = (0.5, 2.0)
UNITS = {"builtin": 8}
"""Capacity units of a call by its recogniser; a recogniser that runs elsewhere costs 1."""
VOICEMAIL_TTS = TtsChoice(provider="builtin")
VOICEMAIL_STT = SttChoice(provider="builtin", model="default")


@dataclass(frozen=True, slots=True)
class Route:
    """Who a number's calls are for."""

    agent_id: str
    fallback_agent_id: str | None = None
    voicemail_message: str | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """Who can serve a call now: agents in order, then voicemail. `why` tells why agents of the route are missing."""

    owner_id: str
    """The agent that the call is listed under: the first that can serve, else the one that it was for."""
    agents: tuple[AgentSnapshot, ...]
    voicemail_message: str | None
    why: str
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def nobody(self) -> bool:
        """No agent can serve and there is no message to leave."""
        return not self.agents and self.voicemail_message is None
