"""What every form says about a wrong value, in place of the framework's words."""

from django import forms

from gallery.language.wording import gettext_lazy

WORDS = {
    "required": gettext_lazy("This is needed. Fill it in."),
    "max_length": gettext_lazy("This is too long. Use at most %(limit_value)s characters."),
    "min_value": gettext_lazy("Choose %(limit_value)s or more."),
    "max_value": gettext_lazy("Choose %(limit_value)s or less."),
    "invalid_choice": gettext_lazy("This is not on offer any more. Choose one of the list."),
    "invalid_list": gettext_lazy("Choose from the list."),
    "null_characters_not_allowed": gettext_lazy("This has signs in it that no text has. Type it again."),
    "max_digits": gettext_lazy("This number is too long. Use at most %(max)s digits."),
    "max_decimal_places": gettext_lazy("Use at most %(max)s digits after the point."),
    "max_whole_digits": gettext_lazy(
        "This number is too large. Use at most %(max)s digits before the point."
    ),
    "missing": gettext_lazy("No file arrived. Choose it again."),
    "empty": gettext_lazy("This file is empty. Choose another one."),
}
INVALID: dict[type[forms.Field], str] = {
    forms.IntegerField: gettext_lazy("Write a whole number."),
    forms.DecimalField: gettext_lazy("Write a number, such as 12.50."),
    forms.FloatField: gettext_lazy("Write a number, such as 0.8."),
    forms.FileField: gettext_lazy("No file arrived. Choose it again."),
}


class PlainForm(forms.BaseForm):
    """Goes before a form class: its fields speak plainly, except where they have words of their own."""

    def full_clean(self):
        for field in self.fields.values():
            speak_plainly(field)
        super().full_clean()


def speak_plainly(field: forms.Field) -> None:
    """Replace the messages of `field` that are the framework's."""
    stock: dict[str, str] = {}
    for each in reversed(type(field).__mro__):
        stock |= getattr(each, "default_error_messages", {})
    kind = next((INVALID[each] for each in type(field).__mro__ if each in INVALID), "")
    words = WORDS | ({"invalid": kind} if kind else {})
    for code, sentence in words.items():
        if field.error_messages.get(code) == stock.get(code):
            field.error_messages[code] = sentence
