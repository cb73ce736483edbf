from typing import Annotated
from uuid import UUID

from ninja import Router
from pydantic import BaseModel, Field

from gallery.api.problems import Invalid
from gallery.api.v1.shapes import PROBLEMS, Body
from gallery.generations import lines
from gallery.models import Generation, User

router = Router()


class Order(Body):
    generations: Annotated[
        list[UUID],
        Field(min_length=1, max_length=500, description="These go out first, in this order."),
    ]


class Queue(BaseModel):
    paused: bool
    waiting: list[UUID] = Field(description="Generations that wait, in the order in which they go out.")


@router.get("", response={200: Queue} | PROBLEMS)
def get_queue(request):
    """Whether your queue is paused, and what waits in it."""
    return shape(request.user)


@router.post("/pause", response={200: Queue} | PROBLEMS)
def pause_queue(request):
    """Send nothing more. What is under way is finished."""
    lines.pause(request.user)
    return shape(request.user)


@router.post("/resume", response={200: Queue} | PROBLEMS)
def resume_queue(request):
    lines.resume(request.user)
    return shape(request.user)


@router.put("/order", response={200: Queue} | PROBLEMS)
def order_queue(request, body: Order):
    """Let these go out before all else of yours that waits. What has begun meanwhile is passed over."""
    rows = Generation.objects.owned_by(request.user).filter(public_id__in=body.generations)
    found = {row.public_id: row for row in rows}
    if any(key not in found for key in body.generations):
        raise Invalid("generations", "There is no generation of that id.")
    lines.put_first(request.user, [found[key] for key in body.generations])
    return shape(request.user)


def shape(owner: User) -> dict:
    paused = User.objects.values_list("queue_paused", flat=True).get(pk=owner.pk)
    return {"paused": paused, "waiting": list(lines.waiting(owner).values_list("public_id", flat=True))}
