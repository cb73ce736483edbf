"""Form fields in the house look: label above, help and errors below, both named to the control."""

from django import forms, template

register = template.Library()

CLASSES: dict[type, str] = {forms.Textarea: "area", forms.Select: "select"}


@register.inclusion_tag("_field.html")
def field(bound, *, hint="", label="", help_text=None, autofocus=False):
    """Draw a bound field; `label` and `help_text` replace the form's. Checkboxes stand before their label."""
    widget = bound.field.widget
    house = CLASSES.get(type(widget), "input")
    attrs: dict[str, object] = {"class": f"{house} {widget.attrs.get('class', '')}".strip()}
    if widget.attrs.get("placeholder") == bound.label:
        attrs["placeholder"] = ""  # allauth repeats the label there
    if autofocus:
        attrs["autofocus"] = True
    is_check = isinstance(widget, forms.CheckboxInput)
    return {
        "field": bound,
        "label": label or bound.label,
        "help": bound.help_text if help_text is None else help_text,
        "hint": hint,
        "is_check": is_check,
        "control": bound.as_widget(attrs={} if is_check else attrs),
    }
