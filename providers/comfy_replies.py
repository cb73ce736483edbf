"""What ComfyUI's replies tell: the history of a job, the choices of a node, why a graph was not taken."""

from collections.abc import Mapping
from typing import Any

from providers import errors, faults
from providers.errors import InvalidRequest, ProviderError
from providers.vocabulary import Answer

FIELDS = {
    "text": "prompt", "seed": "seed", "noise_seed": "seed", "width": "size", "height": "size",
    "batch_size": "n", "amount": "n", "image": "references",
}  # fmt: skip
LOADERS = {"ckpt_name", "unet_name", "model_name"}
TAKEN_OUT = "ComfyUI stopped the job. Nothing was charged."
NO_MEMORY = "ComfyUI has not enough memory for this. Ask for a smaller picture, or for fewer."


def table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def choices(described: object) -> list[str]:
    """The choices of an input: older builds write `[[…], {}]`, newer ones `["COMBO", {"options": …}]`."""
    parts = described if isinstance(described, list) else []
    if parts and isinstance(parts[0], list):
        return [name for name in parts[0] if isinstance(name, str)]
    found = table(parts[1]).get("options") if len(parts) > 1 else None
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def is_job(entry: object) -> bool:
    """Whether an entry of the queue is one: `[number, id, graph, …]`."""
    return isinstance(entry, list) and len(entry) > 1


def graph_of(record: Mapping[str, Any]) -> object:
    """The graph that was drawn, as the history keeps it."""
    prompt = record.get("prompt")
    return prompt[2] if isinstance(prompt, list) and len(prompt) > 2 else None


def pictures(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """The files that were saved; previews only where nothing else is."""
    found = [
        {key: str(image.get(key) or "") for key in ("filename", "subfolder", "type")}
        for output in table(record.get("outputs")).values()
        for image in table(output).get("images") or ()
        if isinstance(image, dict) and image.get("filename")
    ]
    saved = [picture for picture in found if picture["type"] == "output"]
    return saved or [picture for picture in found if picture["type"] == "temp"]


def failure(status: Mapping[str, Any], answer: Answer) -> ProviderError:
    """What a job's last messages say about its failure."""
    messages = status.get("messages")
    pairs = [entry for entry in messages if _is_pair(entry)] if isinstance(messages, list) else []
    told = {str(name): table(facts) for name, facts in pairs}
    if "execution_interrupted" in told:
        return faults.explain(errors.Cancelled, TAKEN_OUT, answer, "")
    cause = told.get("execution_error", {})
    words = str(cause.get("exception_message") or "").strip()
    is_memory = "OutOfMemory" in str(cause.get("exception_type")) or "out of memory" in words.lower()
    at = f" at {cause['node_type']}" if cause.get("node_type") else ""
    why = NO_MEMORY if is_memory else f"ComfyUI stopped with an error{at}. Look at its own log for the cause."
    error = faults.explain(errors.ServerError, why, answer, words)
    error.may_have_been_charged = False  # it said that nothing came of it
    return error


def rejection(data: Mapping[str, Any], answer: Answer) -> ProviderError:
    """Why a graph was not put into the queue."""
    error = table(data.get("error"))
    at = _first_problem(data.get("node_errors"))
    words = ": ".join(str(part) for part in (at.get("message"), at.get("details")) if part)
    words = words or ": ".join(str(error[key]) for key in ("message", "details") if error.get(key))
    name = str(table(at.get("extra_info")).get("input_name") or "")
    if name in LOADERS:
        why = "ComfyUI has no such model. Choose one from its list."
        return faults.explain(errors.ModelUnavailable, why, answer, words, field="model")
    if error.get("type") in ("missing_node_type", "invalid_prompt"):
        why = f"The workflow needs a node that this ComfyUI does not have ({words[:200]})."
        return faults.explain(InvalidRequest, why, answer, words, field="model")
    why = f"ComfyUI did not accept the workflow ({words[:200] or 'no reason given'})."
    return faults.explain(InvalidRequest, why, answer, words, field=_field(name))


def _is_pair(entry: object) -> bool:
    return isinstance(entry, list) and len(entry) == 2


def _first_problem(node_errors: object) -> dict[str, Any]:
    for node in table(node_errors).values():
        for problem in table(node).get("errors") or ():
            return table(problem)
    return {}


def _field(name: str) -> str:
    return FIELDS.get(name, "options") if name else "model"
