"""The whole catalogue against a table typed from WeChat's pages.

The table says where each interface lives, what it takes and what it gives.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from typing import Any, cast

import attrs
import orjson
import pytest
from support.catalogue.ams import AMS
from support.catalogue.funds import FUNDS

from wxrevenue import (
    AmsRequest,
    Endpoint,
    FundsDistributionClient,
    GetShareRatio,
    MarkTransaction,
    PayRequest,
    Request,
    RevenueClient,
    TokenKind,
    ams,
    funds,
)
from wxrevenue._wire.codec import encode
from wxrevenue._wire.request import is_sent, may_take_authorizer, result_of, wire_name

TABLE = {**AMS, **FUNDS}


OF_TOKENS = {"GetComponentAccessToken", "GetAuthorizerAccessToken", "StartPushTicket"}
"""What token sources call, and clients have no method for."""


OF_EITHER_TOKEN = {"GetAgencyAdsStat", "GetAgencyAdsDetail"}
"""The requests that take either token, because the documents do not agree.

It is the component's or an authorizer's.
"""


def catalogue() -> dict[str, type[Request[Any]]]:
    """Return every request class by name, found in the modules themselves.

    ``__subclasses__`` lists attrs classes twice.
    """
    found: dict[str, type[Request[Any]]] = {}
    for package in (ams, funds):
        for entry in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(entry.name)
            for name, value in vars(module).items():
                if inspect.isclass(value) and issubclass(value, Request) and value.__module__ == entry.name and name[0] != "_":
                    assert name not in found, f"two interfaces are called {name}"
                    found[name] = value
    return found


CATALOGUE = catalogue()
EVERY = pytest.mark.parametrize("name", sorted(CATALOGUE))


def test_table_and_catalogue_name_the_same_interfaces() -> None:
    """An interface without a row here fails, and so does a row without an interface."""
    assert CATALOGUE.keys() == TABLE.keys()


@EVERY
def test_endpoint_is_what_the_pages_say(name: str) -> None:
    """An endpoint is as the table has it.

    Compared are path, action, method, kind of token, safety and alternate path.
    """
    row = TABLE[name]
    found = CATALOGUE[name].endpoint
    assert type(found) is Endpoint
    assert attrs.asdict(found, recurse=False, filter=lambda field, _value: field.init) == {
        "path": row.path,
        "action": row.action,
        "method": row.method,
        "token": row.token,
        "safety": row.safety,
        "alternate": row.alternate,
        "alternate_on": row.alternate_on,
    }


@EVERY
def test_result_type_is_read_from_the_base_class(name: str) -> None:
    """The engine decodes into the type in the brackets of the request's base."""
    kind: Any = CATALOGUE[name]
    assert result_of(kind) is TABLE[name].result


@EVERY
def test_body_holds_exactly_the_documented_keys(name: str) -> None:
    """A request encodes to the documented names and values, and to nothing else."""
    row = TABLE[name]
    assert type(row.example) is CATALOGUE[name]
    assert orjson.loads(cast("bytes", encode(row.example))) == row.body


@EVERY
def test_body_has_a_key_per_field(name: str) -> None:
    """Every field is a key of the body, except those that steer the call.

    So a new field cannot be forgotten in the table.
    """
    fields = {wire_name(field) for field in attrs.fields(cast("Any", CATALOGUE[name])) if is_sent(field)}
    assert fields == TABLE[name].body.keys() | TABLE[name].left_out


BESIDE = {"AddReceiver": {"extra"}, "RequestRefund": {"extra"}, "UploadFile": {"content", "digest_key"}}
"""What the requests of funds distribution take beside their documented fields."""


@EVERY
def test_whatever_is_not_sent_steers_the_call(name: str) -> None:
    """A field outside of the body chooses the token or goes into the body otherwise."""
    kept_back = {field.name for field in attrs.fields(cast("Any", CATALOGUE[name])) if not is_sent(field)}
    of_ams = {"authorizer_appid", "token"} if name in OF_EITHER_TOKEN else {"authorizer_appid"}
    assert kept_back == (of_ams if issubclass(CATALOGUE[name], AmsRequest) else BESIDE.get(name, set()))


@EVERY
def test_requests_are_frozen_values(name: str) -> None:
    """A request is a value: it compares, hashes and evolves, and cannot be changed."""
    example = TABLE[name].example
    twin = attrs.evolve(example)
    assert twin == example
    assert hash(twin) == hash(example)
    field = [one.name for one in attrs.fields(cast("Any", type(example)))] or ["anything"]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(example, field[-1], getattr(example, field[-1], None))


@EVERY
def test_requests_belong_to_the_service_of_their_package(name: str) -> None:
    """Requests in ``ams`` are AMS requests, and those in ``funds`` Pay requests."""
    kind: Any = CATALOGUE[name]
    service = kind.__module__.split(".")[1]
    assert issubclass(kind, AmsRequest) is (service == "ams")
    assert issubclass(kind, PayRequest) is (service == "funds")


@EVERY
def test_requests_are_exported_by_their_package(name: str) -> None:
    """Every request is a name of ``wxrevenue`` and of its service's package."""
    package = importlib.import_module(".".join(CATALOGUE[name].__module__.split(".")[:2]))
    assert getattr(package, name) is CATALOGUE[name]
    assert getattr(importlib.import_module("wxrevenue"), name) is CATALOGUE[name]


def told(parameter: inspect.Parameter, names: dict[str, object]) -> tuple[object, ...]:
    """Return what readers see of a parameter.

    Its annotation is a type, a string, or the name of an alias.
    """
    known = names.get(str(parameter.annotation), parameter.annotation)
    annotation = re.sub(r"\b[\w.]+\.(?=\w)", "", inspect.formatannotation(known).strip("'"))
    return parameter.name, parameter.kind, parameter.default, annotation


@pytest.mark.parametrize("name", sorted(CATALOGUE.keys() - OF_TOKENS))
def test_requests_have_a_shortcut_that_takes_the_same_arguments(name: str) -> None:
    """``client.get_share_ratio`` takes what ``GetShareRatio`` takes.

    Its documentation is the request's.
    """
    kind = CATALOGUE[name]
    client = RevenueClient if issubclass(kind, AmsRequest) else FundsDistributionClient
    method = getattr(client, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())
    _self, *parameters = (told(one, {}) for one in inspect.signature(method).parameters.values())
    takes_authorizer = issubclass(kind, AmsRequest) and may_take_authorizer(kind)
    assert takes_authorizer is (TABLE[name].token is TokenKind.AUTHORIZER or name in OF_EITHER_TOKEN)
    expected = inspect.signature(kind).parameters
    assert ("authorizer_appid" in expected) is takes_authorizer
    assert parameters == [told(one, vars(sys.modules[kind.__module__])) for one in expected.values()]
    assert method.__doc__ == kind.__doc__
    assert inspect.iscoroutinefunction(method)


@EVERY
def test_documentation_says_where_it_comes_from_and_what_it_raises(name: str) -> None:
    """A request's docstring names WeChat's page, its result and its errors."""
    text = inspect.getdoc(CATALOGUE[name]) or ""
    assert "WeChat page:" in text
    assert "Returns:" in text
    assert "Raises:" in text


def test_names_of_endpoints_are_short() -> None:
    """Events and errors name an interface by its action.

    An interface without an action is named by the end of its path.
    """
    assert GetShareRatio.endpoint.name == "get_share_ratio"
    assert MarkTransaction.endpoint.name == "mark"
