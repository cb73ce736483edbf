import json
import re

import pytest
from django.test import Client

from gallery.api.v1 import api as rest

DUE = """
GET /profiles, POST /profiles, GET /profiles/{id}, PATCH /profiles/{id}, DELETE /profiles/{id},
POST /profiles/{id}/test, GET /profiles/{id}/models,
GET /generations, POST /generations, GET /generations/{id}, POST /generations/{id}/cancel,
POST /generations/{id}/retry, GET /generations/{id}/events,
GET /images, POST /images, GET /images/{id}, PATCH /images/{id}, DELETE /images/{id},
GET /images/{id}/original, GET /images/{id}/thumbnail,
POST /imports, GET /imports/{id},
GET /tags, POST /tags, GET /tags/{id}, PATCH /tags/{id}, DELETE /tags/{id}, POST /tags/{id}/merge
"""


@pytest.fixture(scope="module")
def document():
    return Client().get("/api/v1/openapi.json").json()


def operations(document):
    return {
        f"{method.upper()} {re.sub(r'{[a-z_]+}', '{id}', path.removeprefix('/api/v1'))}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_the_document_names_every_call(document):
    wanted = {" ".join(call.split()) for call in DUE.strip().split(",")}
    assert wanted <= operations(document).keys()


def test_every_call_needs_the_token_and_documents_its_errors(document):
    for name, operation in operations(document).items():
        assert operation["security"] == [{"TokenAuth": []}], name
        for status in ("401", "404", "422"):
            assert "application/problem+json" in operation["responses"][status]["content"], name


def test_operations_have_names_of_their_own(document):
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(names) == len(set(names))
    assert "create_generation" in names


def test_the_document_explains_turns(document):
    schemas = document["components"]["schemas"]
    assert "turn of a chat" in schemas["GenerationRequest"]["properties"]["follows"]["description"]
    assert "follows" in schemas["GenerationOut"]["required"]


def test_the_document_is_complete_json(document):
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references <= document["components"]["schemas"].keys()


def test_the_documentation_page_needs_no_log_in(client):
    response = client.get("/api/v1/docs")
    assert response.status_code == 200
    assert b"<script>" not in response.content
    assert rest.title in response.content.decode()
