"""Session timers (RFC 4028) for workers that know none: the caller refreshes, and a call that it doesn't refresh ends.

A proxy may do so for a callee who doesn't (section 8.2); it ends the call itself, as a callee would (section 10).
"""

from dataclasses import replace

from oneinbox.edge.fields import options_in
from oneinbox.edge.message import Header, Request, Response, made

TIMER = "timer"
LEAST_SECONDS = 90
MOST_DIGITS = 9


def wanted(request: Request) -> int:
    """The session's seconds that a caller asks for who can refresh it; 0 when none does."""
    said = request.first("session-expires")
    if said is None or TIMER not in options_in(request, "supported") | options_in(request, "require"):
        return 0
    digits = said.partition(";")[0].strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS else 0


def too_short(request: Request) -> Header | None:
    """The header that says how long it has to be at least (section 6)."""
    return made("Min-SE", str(LEAST_SECONDS)) if 0 < wanted(request) < LEAST_SECONDS else None


def without_demand(request: Request) -> Request:
    """The request as a worker can take it: the edge has the extension, whoever requires it."""
    if TIMER not in options_in(request, "require"):
        return request
    left = sorted(options_in(request, "require") - {TIMER})
    headers = [header for header in request.headers if header.name != "require"]
    return replace(request, headers=[*headers, *([made("Require", ", ".join(left))] if left else [])])


def agreed(seconds: int, answer: Response) -> int:
    """Of the seconds wanted those that the edge answers for: 0 where the worker speaks for itself, or nobody asked."""
    good = seconds >= LEAST_SECONDS and 200 <= answer.status < 300
    return seconds if good and not answer.all("session-expires") else 0


def promised(answer: Response, seconds: int) -> Response:
    """The answer that tells the caller to refresh, where it is to (section 8.2)."""
    if not seconds:
        return answer
    added = [made("Require", TIMER), made("Session-Expires", f"{seconds};refresher=uac")]
    return replace(answer, headers=[*answer.headers, *added])


def patience(seconds: int) -> float:
    """How long after a refresh the next one is waited for (section 10)."""
    return seconds - min(32.0, seconds / 3)
