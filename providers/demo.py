"""The built-in provider: draws a picture from the prompt on this computer, offline and free, and says so."""

import base64
import io
import json
import random
import time
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from providers import errors, painting, spooling
from providers.base import (
    Answer,
    Cancelled,
    CheckResult,
    GeneratedImage,
    GenerationResult,
    ImageRequest,
    OnPartial,
    Provider,
    Usage,
)

SHORTEST, LONGEST = 2.0, 6.0  # seconds for one picture, so that there is something to see in the queue


class Demo(Provider):
    slug: ClassVar[str] = "demo"
    safe_to_repeat = True
    is_free = True
    label: ClassVar[str] = "Demo"
    needs_key: ClassVar[bool] = False
    takes_any_model: ClassVar[bool] = False

    def send(
        self,
        request: ImageRequest,
        spool: Path,
        *,
        on_partial: OnPartial | None = None,
        cancelled: Cancelled | None = None,
    ) -> Answer:
        """Wait a little, draw, and leave an answer like any other. Raises `Cancelled` while waiting."""
        self._wait(cancelled or (lambda: False))
        seed = random.randrange(2**32) if request.seed is None else request.seed  # noqa: S311
        data = [self._draw(request, seed + index) for index in range(request.n)]
        body = json.dumps({"data": data, "model": request.model}).encode()
        return spooling.write_answer(
            spool, status=200, headers={"content-type": "application/json"}, url="demo:", body=[body]
        )

    def parse(self, request: ImageRequest, answer: Answer, folder: Path) -> GenerationResult:
        with answer.path.open("rb") as file:
            file.seek(answer.body_offset)
            drawn = json.load(file)
        images = []
        for index, item in enumerate(drawn["data"]):
            path = folder / f"{index}.png"
            path.write_bytes(base64.b64decode(item["b64_json"]))
            images.append(GeneratedImage(path=path, seed=item["seed"]))
        return GenerationResult(
            images=images, model=drawn["model"], usage=Usage(cost_usd=Decimal(0), cost_source="reported")
        )

    def test(self) -> CheckResult:
        return CheckResult(
            ok=True, code="ok", message="The demo needs no key. It draws on this computer, for free."
        )

    def _wait(self, cancelled: Cancelled) -> None:
        """Let a few seconds pass; `options["delay"]` of the connection says how many."""
        delay = float(self.connection.options.get("delay", random.uniform(SHORTEST, LONGEST)))  # noqa: S311
        until = time.monotonic() + delay
        while not cancelled():
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.2))
        raise errors.Cancelled("Stopped before the picture was drawn.")

    def _draw(self, request: ImageRequest, seed: int) -> dict[str, object]:
        size = request.size or self.default_size(request.model)
        width, height = (int(side) for side in size.split("x"))
        file = io.BytesIO()
        painting.paint(_said(request), seed, width, height).save(file, "PNG", compress_level=3)
        return {"b64_json": base64.b64encode(file.getvalue()).decode(), "seed": seed}

    def default_size(self, model: str) -> str:
        rules = self.model_info(model).capabilities.size
        return (rules and rules.default) or "1024x1024"


def _said(request: ImageRequest) -> str:
    """The prompt, and after it those of the chat so far, the newest first."""
    return " · ".join([request.prompt, *(turn.prompt for turn in reversed(request.turns))])
