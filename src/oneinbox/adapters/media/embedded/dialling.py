"""Calling out: one user agent for each outbound trunk and caller id, since the engine can't free them."""

import re
from collections.abc import Callable, Mapping

from baresip import Account, BaresipError, Call, NoLocalAddressError, Runtime, StackEvent, UserAgent

from oneinbox.adapters.media.embedded.leg import EmbeddedLeg
from oneinbox.contracts.media import MediaError, OutboundTrunk

_DIALLABLE = re.compile(r"[A-Za-z0-9+*#._-]{1,64}")

NO_VIDEO = "video_codecs=none"
"""An account without a video codec: else each arriving call holds two more ports, for video that is never there."""

Key = tuple[str, str, str, str, str]


class Dialler:
    """Dials on one runtime. `on_incoming` hears of calls to a number that was dialled from: its agent gets them."""

    def __init__(self, runtime: Runtime, on_incoming: Callable[[Call], None]) -> None:
        self._runtime = runtime
        self._on_incoming = on_incoming
        self._agents: dict[Key, UserAgent] = {}

    async def dial(self, trunk: OutboundTrunk, to_number: str, headers: Mapping[str, str]) -> EmbeddedLeg:
        """A leg that rings at `to_number`. Raises MediaError when no INVITE could be sent."""
        if not _DIALLABLE.fullmatch(to_number):
            raise MediaError("embedded", "That is not a number that can be dialled.", retryable=False)
        uri = f"sip:{to_number}@{trunk.address};transport={trunk.transport}"
        missed: list[StackEvent] = []
        self._runtime.subscribe(missed.append)
        try:
            agent = await self._agent(trunk)
            call = await agent.dial(uri, dict(headers))
            leg = EmbeddedLeg(call, dict(headers))
        except NoLocalAddressError as error:
            raise MediaError("embedded", f"No way leads to {trunk.address} from here.", retryable=False) from error
        except (BaresipError, ValueError) as error:
            raise MediaError("embedded", f"No call could be placed to {trunk.address}.", retryable=True) from error
        finally:
            self._runtime.unsubscribe(missed.append)
        # A far side that answers at once is heard of before `dial` returns, when nobody listens to the call yet.
        leg.catch_up(event for event in missed if event.call == call.handle)
        return leg

    async def _agent(self, trunk: OutboundTrunk) -> UserAgent:
        key = (trunk.number, trunk.address, trunk.auth_username, trunk.auth_password, trunk.transport)
        if key not in self._agents:
            account = Account(
                user=trunk.number,
                domain=trunk.address,
                password=trunk.auth_password,
                auth_user=trunk.auth_username or None,
                reg_interval=0,
                transport=trunk.transport,
                extra_params=(NO_VIDEO,),
            )
            self._agents[key] = await UserAgent.create(self._runtime, account)
            self._agents[key].on_incoming(self._on_incoming)
        return self._agents[key]
