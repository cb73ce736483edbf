"""The two places where a model helps: under the prompt, and on a picture's page. Each reads what it shows."""

from django import template

from gallery.texts import assists, suggestions, writers, writing

register = template.Library()


@register.inclusion_tag("gallery/add/_prompt_help.html", takes_context=True)
def prompt_help(context):
    """Help with the prompt of the generate form; nothing where no connection writes."""
    request = context["request"]
    state = getattr(request, "prompt_help", {})
    found = writers.writers(request.user)
    return {
        **state,
        "choices": writing.priced_for_prompts(found),
        "chosen": writers.pick(found, state.get("writer", "")),
        "fresh": bool(request.htmx) and bool(state) and "assist" not in request.POST,
    }


@register.inclusion_tag("gallery/_describe.html", takes_context=True)
def describe_panel(context):
    """What a model sees in the picture, or the offer to ask one; nothing where no connection sees."""
    request, image = context["request"], context["image"]
    assist = suggestions.open_for(image)
    pending = assists.pending_for(image)
    found = [] if assist or pending else writers.writers(request.user, vision=True)
    return {
        "image": image,
        "found_by": context.get("found_by", ""),
        "problem": getattr(request, "describe_problem", ""),
        "assist": assist,
        "pending": pending,
        "waiting": suggestions.waiting(assist, context["tags"]) if assist else [],
        "choices": writing.priced_for_pictures(found),
        "csrf_token": context.get("csrf_token"),
    }
