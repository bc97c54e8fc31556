"""Request bodies: text that a database can hold, and faults that are told with their place."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, model_validator
from pydantic_core import PydanticCustomError

from oneinbox.kit.errors import Unprocessable


class InvalidField(Unprocessable):
    """A value that can't be taken, with its place in the request; answered like a failed validation."""

    code = "INVALID_FIELD"

    def __init__(self, place: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.place = place


class RequestBody(BaseModel):
    @model_validator(mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        if any(not _is_text(text) for text in _texts(value)):
            raise PydanticCustomError("unstorable_text", "Text may hold neither NUL characters nor lone surrogates")
        return value


def as_sent(body: BaseModel) -> str:
    """A body as JSON with exactly the fields that came, whatever its answers would make of them."""
    return json.dumps(_given(body), default=str)


def _given(value: object) -> object:
    if isinstance(value, BaseModel):
        return {name: _given(getattr(value, name)) for name in value.model_fields_set}
    return value


def _texts(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case dict() as members:
                waiting += [*members.keys(), *members.values()]
            case list() as items:
                waiting += items


def _is_text(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
