"""How endpoints get their context, which app puts on the request: `ctx: Ctx`, or `visit: AnyVisit` without a key."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from oneinbox.features.context import Context, Visit


async def context_of(request: Request) -> Context:
    """The request's context."""
    context: Context = request.state.context
    return context


async def visit_of(request: Request) -> Visit:
    """The request's visit."""
    visit: Visit = request.state.visit
    return visit


Ctx = Annotated[Context, Depends(context_of)]
AnyVisit = Annotated[Visit, Depends(visit_of)]


class Route(APIRoute):
    """A route whose answer is told, before the request's transaction ends, to whoever keeps it or writes of it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with what `request.state.conclude` does of its answer."""
        handle = super().get_route_handler()

        async def conclude(request: Request) -> Response:
            response = await handle(request)
            if (told := getattr(request.state, "conclude", None)) is not None:
                await told(response)
            return response

        return conclude
