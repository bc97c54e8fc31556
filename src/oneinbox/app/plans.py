"""From a number's routing to a CallPlan: who can serve now, agents in order, then voicemail, templates filled."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from oneinbox.app.templates import fill
from oneinbox.contracts.plan import AgentPlan, CallPlan, Direction, SttChoice, TtsChoice, VoicemailPlan
from oneinbox.features.agents.schemas import AgentSnapshot
from oneinbox.features.phone_numbers.schemas import Route

UNITS: Mapping[str, int] = {"builtin": 8}
"""Units of a worker's capacity that a call takes, by its recogniser; one that runs elsewhere costs 1."""
_SPOKEN_OF = re.compile(r"[+\w.*#-]{1,64}")
OWN_VOICE = TtsChoice(provider="builtin")
OWN_EARS = SttChoice(provider="builtin", model="default")


@dataclass(frozen=True, slots=True)
class Chain:
    """Who can serve a number's calls at this moment."""

    owner_id: str
    """The agent that the call is listed under: the first that can serve, else the one that it was meant for."""
    agents: tuple[AgentSnapshot, ...]
    """In order: the number's agent, then its fallback; without those that can't serve."""
    known: tuple[AgentSnapshot, ...]
    """The same with those that are paused."""
    voicemail_message: str | None
    why: str
    """A sentence on each agent that can't serve; empty when all can."""

    @property
    def nobody(self) -> bool:
        """No agent can serve and there is no message to leave."""
        return not self.agents and self.voicemail_message is None

    @property
    def variables(self) -> dict[str, str]:
        """The dynamic variables of the agent that the call begins with."""
        return dict(self.known[0].dynamic_variables) if self.known else {}


@dataclass(frozen=True, slots=True)
class Occasion:
    """The one call that a plan is for."""

    call_id: str
    workspace_id: str
    direction: Direction
    from_number: str | None
    to_number: str
    now: datetime

    def variables(self) -> dict[str, str]:
        """What every template may name.

        `caller_number` is empty when it is withheld, and when it is no number or name but a text: whoever calls writes
        it, and it stands in the prompt.
        """
        return {
            "caller_number": self.from_number if self.from_number and _SPOKEN_OF.fullmatch(self.from_number) else "",
            "called_number": self.to_number,
            "call_id": self.call_id,
            "direction": self.direction,
            "now": f"{self.now:%A}, {self.now.day} {self.now:%B %Y, %H:%M} UTC",
        }


def chain(route: Route, snapshots: Mapping[str, AgentSnapshot]) -> Chain:
    """Who can serve, of the agents that a number names; `snapshots` lacks those that are deleted."""
    ids = route.agents
    known = tuple(snapshots[one] for one in ids if one in snapshots)
    agents = tuple(agent for agent in known if not agent.paused)
    missing = [_why(one, snapshots.get(one)) for one in ids]
    return Chain(
        owner_id=agents[0].agent_id if agents else route.agent_id,
        agents=agents,
        known=known,
        voicemail_message=route.voicemail_message or None,
        why=" ".join(sentence for sentence in missing if sentence),
    )


def build(chain: Chain, occasion: Occasion) -> CallPlan:
    """The plan of one call. What a template names and nobody knows is left empty and noted."""
    built_in = occasion.variables()
    unknown: set[str] = set()
    agents = []
    for agent in chain.agents:
        plan, missed = _agent_plan(agent, {**agent.dynamic_variables, **built_in})
        agents.append(plan)
        unknown |= missed
    voicemail = None
    if chain.voicemail_message is not None:
        message, missed = fill(chain.voicemail_message, {**chain.variables, **built_in})
        voicemail = _voicemail(message, chain)
        unknown |= missed
    return CallPlan(
        call_id=occasion.call_id,
        workspace_id=occasion.workspace_id,
        direction=occasion.direction,
        from_number=occasion.from_number,
        to_number=occasion.to_number,
        agents=tuple(agents),
        voicemail=voicemail,
        unknown_variables=tuple(sorted(unknown)),
    )


def weight(plan: CallPlan) -> int:
    """Units of capacity that the call takes: its dearest recogniser's. Voicemail counts when it is all there is."""
    listening = [agent.stt for agent in plan.agents]
    if not listening and plan.voicemail is not None:
        listening = [plan.voicemail.stt]
    return max((UNITS.get(choice.provider, 1) for choice in listening), default=1)


def _why(agent_id: str, agent: AgentSnapshot | None) -> str:
    if agent is None:
        return f"Agent {agent_id} has been deleted."
    return f"Agent {agent_id} is paused." if agent.paused else ""


def _agent_plan(agent: AgentSnapshot, variables: Mapping[str, str]) -> tuple[AgentPlan, frozenset[str]]:
    prompt, missed = fill(agent.system_prompt, variables)
    greeting, missed_too = fill(agent.first_message or "", variables)
    plan = AgentPlan(
        agent_id=agent.agent_id,
        name=agent.name,
        system_prompt=prompt,
        first_message=greeting.strip() or None,
        llm=agent.llm,
        stt=agent.stt,
        tts=agent.tts,
        end_call_phrases=agent.end_call_phrases,
        max_duration_seconds=agent.max_duration_seconds,
        silence_timeout_seconds=agent.silence_timeout_seconds,
        interruption_sensitivity=agent.interruption_sensitivity,
        responsiveness=agent.responsiveness,
        enable_recording=agent.enable_recording,
    )
    return plan, missed | missed_too


def _voicemail(message: str, chain: Chain) -> VoicemailPlan:
    """In the voice of the agent that was meant; heard by our own ears, which know English, else by the agent's."""
    if not chain.known:
        return VoicemailPlan(message, OWN_VOICE, OWN_EARS)
    meant = chain.known[0]
    english = meant.stt.language.casefold().startswith("en")
    return VoicemailPlan(message, meant.tts, OWN_EARS if english else meant.stt)
