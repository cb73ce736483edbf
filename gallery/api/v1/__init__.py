"""The REST API: one module per resource, each with the shapes it takes and gives."""

from ninja import NinjaAPI

from gallery.api import problems
from gallery.api.auth import TokenAuth
from gallery.api.v1 import (
    batches,
    bulk,
    comparisons,
    costs,
    descriptions,
    fragments,
    generations,
    images,
    implications,
    imports,
    placeholders,
    presets,
    profiles,
    queue,
    referencepacks,
    savedprompts,
    savedsearches,
    tags,
)

DESCRIPTION = """Send `Authorization: Bearer <token>` with each call; make tokens under Settings, API tokens.
Errors are problem documents (RFC 9457). Lists take `limit` and `after` and answer `{"items", "next"}`."""


class API(NinjaAPI):
    """Ninja's API whose OpenAPI document calls problems by their own media type."""

    def get_openapi_operation_id(self, operation):
        return operation.view_func.__name__

    def get_openapi_schema(self, **options):
        schema = super().get_openapi_schema(**options)
        for path in schema["paths"].values():
            path.pop("head", None)  # the same call without its bytes
        operations = (operation for path in schema["paths"].values() for operation in path.values())
        for operation in operations:
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if int(status) >= 400 and "application/json" in content:
                    response["content"] = {problems.CONTENT_TYPE: content["application/json"]}
        return schema


api = API(
    title="Vignette",
    version="1",
    description=DESCRIPTION,
    auth=TokenAuth(),
    urls_namespace="api-v1",
)
problems.install(api)
api.add_router("/profiles", profiles.router, tags=["Connection profiles"])
api.add_router("/generations", generations.router, tags=["Generations"])
api.add_router("/comparisons", comparisons.router, tags=["Generations"])
api.add_router("/batches", batches.router, tags=["Batches"])
api.add_router("/queue", queue.router, tags=["Queue"])
api.add_router("/images", images.router, tags=["Images"])
api.add_router("/images", descriptions.router, tags=["Images"])
api.add_router("/images", bulk.router, tags=["Many at once"])
api.add_router("/downloads", bulk.archives, tags=["Many at once"])
api.add_router("/imports", imports.router, tags=["Imports"])
api.add_router("/tags", tags.router, tags=["Tags"])
api.add_router("/tags", fragments.router, tags=["Fragments"])
api.add_router("/tags", referencepacks.router, tags=["Reference packs"])
api.add_router("/placeholders", placeholders.router, tags=["Placeholders"])
api.add_router("/tags", implications.router, tags=["Tags"])
api.add_router("/prompts", savedprompts.router, tags=["Prompts"])
api.add_router("/presets", presets.router, tags=["Presets"])
api.add_router("/saved-searches", savedsearches.router, tags=["Saved searches"])
api.add_router("/costs", costs.router, tags=["Costs"])
