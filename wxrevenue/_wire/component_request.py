"""Requests that take the component's token, or none: the base of their classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from wxrevenue._wire.request import AmsRequest

T_co = TypeVar("T_co", covariant=True)

if TYPE_CHECKING:
    import attrs

    @attrs.frozen
    class ComponentRequest(AmsRequest[T_co]):
        """An :class:`AmsRequest` that takes no authorizer's token.

        Type checkers see no ``authorizer_appid``.
        """

        authorizer_appid: None = attrs.field(default=None, init=False)

else:
    ComponentRequest = AmsRequest  # it takes an authorizer only to refuse it by name
