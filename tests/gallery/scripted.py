"""A provider whose every step a test can script, to see what a generation's life makes of it."""

import json
from decimal import Decimal

from providers import spooling
from providers.base import (
    Capabilities,
    Estimate,
    GeneratedImage,
    GenerationResult,
    ModelInfo,
    Provider,
    Usage,
)
from tests.conftest import picture_bytes


class Scripted(Provider):
    """Sends nothing anywhere. `script` holds what happens at each call, in order: an error, or pictures."""

    slug = "scripted"
    label = "Scripted"
    needs_key = False
    n_per_call = 4

    script: list = []
    sent: list = []

    @classmethod
    def reset(cls):
        cls.script, cls.sent = [], []
        cls.safe_to_repeat, cls.n_per_call, cls.on_send = False, 4, staticmethod(lambda: None)

    def model_info(self, model_id):
        capabilities = Capabilities(max_n=8, max_n_per_call=self.n_per_call, seed=True)
        return ModelInfo(id=model_id, label=model_id, capabilities=capabilities)

    def default_model(self):
        return "scripted-1"

    def estimate(self, request):
        return Estimate(usd=Decimal("0.10") * request.n, basis="the script")

    def send(self, request, spool, *, on_partial=None, cancelled=None):
        self.sent.append(request)
        type(self).on_send()
        step = self.script.pop(0) if self.script else pictures(request.n)
        if isinstance(step, Exception) and not getattr(step, "in_answer", False):
            raise step
        steps[spool.name] = step
        return spooling.write_answer(spool, status=200, headers={}, url="http://scripted/", body=[b"{}"])

    def read(self, request, answer, folder):
        json.loads(answer.path.read_bytes()[answer.body_offset :])
        step = steps[answer.path.name]
        if isinstance(step, Exception):
            raise step
        return step(folder)


steps: dict = {}


def pictures(n, *, cost="0.05", colors=None, **result):
    """A step that answers with `n` different pictures for `cost` dollars in all."""

    def make(folder):
        made = []
        for index in range(n):
            path = folder / f"{index}.png"
            path.write_bytes(
                colors[index] if colors else picture_bytes(f"#{index:02x}{id(make) % 0xFFFF:04x}")
            )
            made.append(GeneratedImage(path=path, revised_prompt="as rewritten", seed=index))
        usd = Decimal(cost) if cost is not None else None
        usage = Usage(
            raw={"tokens": 7}, cost_usd=usd, cost_source="computed" if usd is not None else "unknown"
        )
        return GenerationResult(images=made, usage=usage, request_id="req_1", **result)

    return make


def in_answer(error):
    """A step whose answer arrives and says `error`."""
    error.in_answer = True
    return error
