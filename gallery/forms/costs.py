from django import forms

from gallery.forms.plain import PlainForm
from gallery.models import User


class LimitForm(PlainForm, forms.ModelForm):
    """How much a person's pictures and texts may cost in a month."""

    class Meta:
        model = User
        fields = ("monthly_budget_usd",)
        labels = {"monthly_budget_usd": "Monthly limit in US dollars"}
        help_texts = {
            "monthly_budget_usd": "For all connections together. What would go over it is not sent. "
            "Leave it empty for no limit."
        }
        error_messages = {"monthly_budget_usd": {"min_value": "Write 0 or more."}}
        widgets = {"monthly_budget_usd": forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"})}
