"""The OpenAPI 3.1 document, made from the table of endpoints and the models."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from pydantic.json_schema import models_json_schema

from trustcell import installed_version
from trustcell.web.api.models import PATH_PATTERNS, Model, Nothing, Problem
from trustcell.web.api.table import EVERYONE, Endpoint
from trustcell.web.problem import PROBLEM

_REF = "#/components/schemas/{model}"
_ALWAYS = (400, 401, 429, 503)


def openapi(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole document."""
    models: set[type[Model]] = {Problem, *(each.answer for each in endpoints)}
    models |= {each.body for each in endpoints if each.body is not None}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = models_json_schema([(model, "validation") for model in ordered], ref_template=_REF)
    paths: dict[str, Any] = {}
    for each in endpoints:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "trustcell",
            "version": installed_version(),
            "description": "Devices, requests, deliveries and the virtual HAN behind the DUIS services.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def possible_errors(endpoint: Endpoint) -> list[int]:
    """Every status an endpoint refuses with."""
    found = {*_ALWAYS}
    if "{" in endpoint.path:
        found |= {404}
    if endpoint.roles != EVERYONE:
        found |= {403}
    if endpoint.method != "GET":
        found |= {409}
    if endpoint.body is not None:
        found |= {408, 413, 415}
    return sorted(found)


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    responses: dict[str, Any] = {
        str(endpoint.status): {
            "description": HTTPStatus(endpoint.status).phrase,
            "content": {"application/json": {"schema": _reference(endpoint.answer.__name__)}},
        }
    }
    for status in possible_errors(endpoint):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM: {"schema": _reference("Problem")}},
        }
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": f"For: {', '.join(sorted(endpoint.roles))}.",
        "parameters": [*_path_parameters(endpoint.path), *_query_parameters(endpoint)],
        "responses": responses,
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(endpoint.body.__name__)}},
        }
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": PATH_PATTERNS[name]}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is Nothing:
        return []
    properties = endpoint.query.model_json_schema()["properties"]
    parameters = []
    for name, schema in properties.items():
        choices = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
        plain = choices[0] if choices else {key: value for key, value in schema.items() if key != "title"}
        parameters.append({"name": name, "in": "query", "required": False, "schema": plain})
    return parameters


def _reference(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=name)}
