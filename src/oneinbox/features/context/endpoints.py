"""How endpoints get their context: `ctx: Ctx`; app puts it on the request when it has authenticated it."""

from typing import Annotated

from fastapi import Depends, Request

from oneinbox.features.context import Context


def context_of(request: Request) -> Context:
    """The request's context."""
    context: Context = request.state.context
    return context


Ctx = Annotated[Context, Depends(context_of)]
