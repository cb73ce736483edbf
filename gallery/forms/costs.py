from django import forms

from gallery.forms.plain import PlainForm
from gallery.language.wording import gettext_lazy
from gallery.models import User


class LimitForm(PlainForm, forms.ModelForm):
    """How much a person's pictures and texts may cost in a month, and when to warn."""

    class Meta:
        model = User
        fields = ("monthly_budget_usd", "warn_percent")
        labels = {
            "monthly_budget_usd": gettext_lazy("Monthly limit in US dollars"),
            "warn_percent": gettext_lazy("Warn when so much is used, in percent"),
        }
        help_texts = {
            "monthly_budget_usd": gettext_lazy(
                "For all connections together. What would go over it is not sent. "
                "Leave it empty for no limit."
            ),
            "warn_percent": gettext_lazy("Of this limit, and of those of connections and chats."),
        }
        error_messages = {"monthly_budget_usd": {"min_value": gettext_lazy("Write 0 or more.")}}
        widgets = {"monthly_budget_usd": forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["warn_percent"].required = False  # left out, it stays as it is

    def clean_warn_percent(self):
        percent = self.cleaned_data["warn_percent"]
        return self.initial["warn_percent"] if percent is None else percent
