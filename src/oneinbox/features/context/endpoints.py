"""How endpoints get their context, which app puts on the request: `ctx: Ctx`, or `visit: AnyVisit` without a key."""

from typing import Annotated

from fastapi import Depends, Request

from oneinbox.features.context import Context, Visit


def context_of(request: Request) -> Context:
    """The request's context."""
    context: Context = request.state.context
    return context


def visit_of(request: Request) -> Visit:
    """The request's visit."""
    visit: Visit = request.state.visit
    return visit


Ctx = Annotated[Context, Depends(context_of)]
AnyVisit = Annotated[Visit, Depends(visit_of)]
