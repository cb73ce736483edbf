"""Workflows for ComfyUI: a graph in API form, and names for those of its inputs that a request fills in.

    {"graph": {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "", …}}, …},
     "inputs": {"prompt": ["6", "text"], "seed": [["3", "seed"], ["12", "noise_seed"]]}}

Each name stands for a node and one of its inputs, or for a list of such pairs. What a workflow takes follows
from its names: one without "seed" takes no seed.
"""

import copy
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from providers.errors import InvalidRequest
from providers.own_hardware import number, size_of
from providers.vocabulary import Capabilities, ImageRequest, InputImage

FOLDER = Path(__file__).parent / "workflows"
OPTIONS = ("steps", "guidance", "sampler", "scheduler", "strength")
WORDS = ("sampler", "scheduler")
LARGEST_SEED = 2**32  # every sampler takes that much
PICTURES = ("image", "image_2", "image_3", "image_4")
NAMES = {
    "prompt", "negative_prompt", "seed", "width", "height", "n", "checkpoint", "mask", *OPTIONS, *PICTURES,
}  # fmt: skip
EDITORS_FORM = (
    "this is the editor's own file. In ComfyUI, choose Workflow, Export (API), and enter what that gives"
)

Place = tuple[str, str]  # a node's id and the name of its input


@dataclass(frozen=True, kw_only=True)
class Uploaded(InputImage):
    """A picture that ComfyUI has, under the name that it gave it."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A graph with named inputs."""

    name: str
    graph: Mapping[str, Any]
    inputs: Mapping[str, tuple[Place, ...]]

    def filled(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The graph with the values whose names it has."""
        graph = copy.deepcopy(dict(self.graph))
        for name in values.keys() & self.inputs.keys():
            for node, key in self.inputs[name]:
                graph[node]["inputs"][key] = values[name]
        return graph

    def value(self, name: str, graph: object) -> Any:
        """What stands at the input `name` in a graph made of this one; None where it has none."""
        try:
            node, key = self.inputs[name][0]
            return graph[node]["inputs"][key]  # type: ignore[index]
        except (KeyError, TypeError):
            return None

    @property
    def pictures(self) -> list[str]:
        return [name for name in PICTURES if name in self.inputs]

    def capabilities(self, most: Capabilities) -> Capabilities:
        """Of `most`, all that a ComfyUI can take, what this workflow takes."""
        has = self.inputs.keys()
        return replace(
            most,
            modes=("edit",) if self.pictures else ("generate",),
            max_n_per_call=most.max_n_per_call if "n" in has else 1,
            max_references=len(self.pictures),
            mask="mask" in has and bool(self.pictures),
            seed="seed" in has,
            negative_prompt="negative_prompt" in has,
            size=most.size if {"width", "height"} <= has else None,
            options={name: choice for name, choice in most.options.items() if name in has},
        )


def values(request: ImageRequest, workflow: Workflow) -> dict[str, Any]:
    """What `request` says about the inputs of a workflow, by their names."""
    # A graph that is the same as before brings nothing, so there is always a seed.
    drawn = random.randrange(LARGEST_SEED)  # noqa: S311
    found: dict[str, Any] = {"prompt": request.prompt, "n": request.n}
    found["seed"] = drawn if request.seed is None else request.seed
    if workflow.name != request.model:  # a built-in one; others have their own checkpoints
        found["checkpoint"] = request.model
    if request.negative_prompt is not None:
        found["negative_prompt"] = request.negative_prompt
    size = size_of(request) if {"width", "height"} <= workflow.inputs.keys() else None
    if size:
        found["width"], found["height"] = size
    for name in set(OPTIONS) & request.options.keys():
        value = request.options[name]
        found[name] = str(value) if name in WORDS else number(value)
    pictures = zip(workflow.pictures, request.references, strict=False)
    found |= {name: _name_of(picture) for name, picture in pictures}
    return found | ({"mask": _name_of(request.mask)} if request.mask else {})


@cache
def built_in(name: str) -> Workflow:
    """A workflow of this program: "text_to_image", "image_to_image" or "inpaint"."""
    return read(name, json.loads((FOLDER / f"{name}.json").read_text()))


def of_connection(raw: object) -> tuple[dict[str, Workflow], dict[str, str]]:
    """The workflows in a connection's option, by name, and what is wrong with those that cannot be used."""
    if isinstance(raw, str) and raw.strip():
        try:
            raw = json.loads(raw)
        except ValueError:
            return {}, {"workflows": "The workflows of this connection are not JSON. Enter them again."}
    good, problems = {}, {}
    for name, template in (raw if isinstance(raw, Mapping) else {}).items():
        try:
            good[str(name)] = read(str(name), template)
        except InvalidRequest as exc:
            problems[str(name)] = exc.message
    return good, problems


def read(name: str, template: object) -> Workflow:
    """A workflow. Raises `InvalidRequest` that says what is wrong with it."""
    template = template if isinstance(template, Mapping) else {}
    graph, named = template.get("graph"), template.get("inputs")
    if "nodes" in template or isinstance(graph, Mapping) and "nodes" in graph:
        raise _unusable(name, EDITORS_FORM)
    if not isinstance(graph, Mapping) or not graph:
        raise _unusable(name, 'it has no "graph"')
    for node in graph.values():
        if not (
            isinstance(node, Mapping) and "class_type" in node and isinstance(node.get("inputs"), Mapping)
        ):
            raise _unusable(name, 'each node needs a "class_type" and "inputs"')
    if not isinstance(named, Mapping) or "prompt" not in named:
        raise _unusable(name, 'its "inputs" must name the place of the "prompt"')
    return Workflow(
        name=name, graph=graph, inputs={str(key): _places(name, key, named[key], graph) for key in named}
    )


def _places(name: str, key: str, raw: object, graph: Mapping[str, Any]) -> tuple[Place, ...]:
    if key not in NAMES:
        raise _unusable(name, f"there is no input “{key}”; there are {', '.join(sorted(NAMES))}")
    pairs = raw if isinstance(raw, list) and raw and isinstance(raw[0], list) else [raw]
    places = []
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2):
            raise _unusable(name, f'“{key}” must be a node and an input, such as ["6", "text"]')
        node, field = str(pair[0]), str(pair[1])
        if field not in graph.get(node, {}).get("inputs", {}):
            raise _unusable(name, f"“{key}” is at node {node}, input {field}, which is not in its graph")
        places.append((node, field))
    return tuple(places)


def _unusable(name: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"The workflow “{name}” cannot be used: {why}.", field="model")


def _name_of(picture: InputImage) -> str:
    return picture.name if isinstance(picture, Uploaded) else picture.path.name
