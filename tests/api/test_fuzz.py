"""Whatever the API document allows, and much that it does not: never a crash, always the documented shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from gridmap.settings import Settings
from gridmap.store.database import Place, transaction
from tests.api.conftest import BEARER, TOKEN, make_two_grids
from tests.conftest import copy_database, drop_database

HEADERS = BEARER | {"Host": "127.0.0.1"}
# an event stream ends with its job, and nobody does jobs here
ENDLESS = "/events$"


def _document(
    run_settings: Settings, template: Place, name: str, *, filled: bool
) -> Iterator[schemathesis.schemas.BaseSchema]:
    place = copy_database(run_settings, template.name, name)
    if filled:
        with transaction(place) as connection:
            make_two_grids(connection)
    app = create_app(run_settings.model_copy(update={"database": place.name}), place=place, token=TOKEN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.routes.locate._WAIT_S", 0.01)
        yield schemathesis.openapi.from_asgi("/openapi.json", app, headers=HEADERS).exclude(path_regex=ENDLESS)
        asgi.shutdown_lifespans()
    drop_database(run_settings, place)


@pytest.fixture(scope="module")
def document_of_town(run_settings: Settings, template: Place) -> Iterator[schemathesis.schemas.BaseSchema]:
    """The document of a server whose database has two grids."""
    yield from _document(run_settings, template, "fuzz_town", filled=True)


@pytest.fixture(scope="module")
def document_of_nothing(run_settings: Settings, template: Place) -> Iterator[schemathesis.schemas.BaseSchema]:
    """The document of a server whose database is empty."""
    yield from _document(run_settings, template, "fuzz_empty", filled=False)


@settings(max_examples=8, suppress_health_check=list(HealthCheck), deadline=None, derandomize=True)
@given(data=strategies.data())
def _fuzz(operation: Any, mode: GenerationMode, data: strategies.DataObject) -> None:
    case = data.draw(operation.as_strategy(generation_mode=mode))
    response = case.call(headers=HEADERS)
    assert response.status_code < 500 or response.status_code == 503, response.text
    case.validate_response(
        response, checks=[status_code_conformance, content_type_conformance, response_schema_conformance]
    )
    if response.status_code >= 400:
        problem = response.json()
        assert problem["detail_zh"]
        assert problem["detail_en"]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("server", ["document_of_town", "document_of_nothing"])
def test_every_operation_keeps_to_the_document(request, server: str, mode: GenerationMode) -> None:
    operations = [found.ok() for found in request.getfixturevalue(server).get_all_operations()]
    assert len(operations) > 10
    for operation in operations:
        _fuzz(operation, mode)
