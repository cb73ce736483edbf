"""The owner account, API tokens, and how pages look."""

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, ngettext

from gallery.forms.plain import PlainForm
from gallery.language.numerals import thousands
from gallery.language.wording import gettext_lazy, pgettext_lazy
from gallery.models import ApiToken, User
from gallery.pictures import trashing

THEMES = {
    "system": gettext_lazy("As the system"),
    "light": gettext_lazy("Light"),
    "dark": gettext_lazy("Dark"),
}


class TokenForm(PlainForm, forms.ModelForm):
    scope = forms.ChoiceField(
        label=pgettext_lazy("what a program may do", "May"),
        choices=[("read", gettext_lazy("Read only")), ("write", gettext_lazy("Read and write"))],
        initial=ApiToken.Scope.READ,
    )

    class Meta:
        model = ApiToken
        fields = ("name", "scope")
        help_texts = {"name": gettext_lazy("What will use it, such as “phone” or “backup script”.")}
        error_messages = {
            "name": {"required": gettext_lazy("Give the token a name, so that you know it again.")}
        }


class AppearanceForm(PlainForm, forms.Form):
    theme = forms.ChoiceField(
        label=gettext_lazy("Theme"), choices=list(THEMES.items()), widget=forms.RadioSelect
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        choices=[("", gettext_lazy("Automatic")), *settings.LANGUAGES],
        required=False,
    )


class GalleryForm(PlainForm, forms.ModelForm):
    """What of the pictures is shown at first sight."""

    class Meta:
        model = User
        fields = ("blur_sensitive", "fold_stacks")
        labels = {
            "blur_sensitive": gettext_lazy("Blur sensitive images"),
            "fold_stacks": gettext_lazy("Fold stacks"),
        }
        help_texts = {
            "blur_sensitive": gettext_lazy("They are shown when you press Show."),
            "fold_stacks": gettext_lazy(
                "Of the images of one generation, and of the versions of one image, the gallery "
                "shows only the first."
            ),
        }


class KeyboardForm(PlainForm, forms.ModelForm):
    """Whether a letter pressed by itself does something: dictation and unsteady hands press many."""

    class Meta:
        model = User
        fields = ("single_keys",)
        labels = {"single_keys": gettext_lazy("Use single keys")}
        help_texts = {
            "single_keys": gettext_lazy(
                "Letters, numbers and signs pressed by themselves. Off: only arrows, Enter, Esc, Delete and "
                "keys with Ctrl or Alt do something."
            )
        }


class PrivacyForm(PlainForm, forms.ModelForm):
    """When the trash is emptied by itself. What would go at once has to be agreed to."""

    trash_days = forms.IntegerField(
        label=gettext_lazy("Days until images in the trash are deleted for good"),
        help_text=gettext_lazy("Leave it empty, and nothing is deleted by itself."),
        min_value=1,
        max_value=3650,
        required=False,
        error_messages={"min_value": gettext_lazy("Give at least 1 day, or leave it empty.")},
    )
    agreed = forms.BooleanField(label=gettext_lazy("Yes, delete these for good"), required=False)

    class Meta:
        model = User
        fields = ("trash_days",)

    def clean(self):
        cleaned = super().clean() or {}
        days = cleaned.get("trash_days")
        self.at_once = trashing.weigh(trashing.overdue(self.instance, days)).n if days else 0
        if self.at_once and not cleaned.get("agreed"):
            words = ngettext(
                "{n} in the trash is older than that, and would be deleted for good within a minute. "
                "Agree below to delete this one, or restore them first.",
                "{n} in the trash are older than that, and would be deleted for good within a minute. "
                "Agree below to delete these, or restore them first.",
                self.at_once,
            )
            raise ValidationError(words.format(n=thousands(self.at_once)))
        return cleaned


class OwnerForm(PlainForm, forms.ModelForm):
    """The first account of a new installation."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        help_text=gettext_lazy("At least eight characters, and not a common one."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password_again = forms.CharField(
        label=gettext_lazy("Password, again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = User
        fields = ("username",)
        labels = {"username": gettext_lazy("User name")}
        help_texts = {"username": gettext_lazy("Letters, digits and @ . + - _")}
        widgets = {"username": forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"})}

    field_order = ("username", "password", "password_again")

    def clean(self):
        cleaned = super().clean() or {}
        password, again = cleaned.get("password"), cleaned.get("password_again")
        if password and again and password != again:
            self.add_error("password_again", gettext("The two passwords differ. Type the same one twice."))
        return cleaned

    def _post_clean(self):
        super()._post_clean()  # type: ignore[misc]  # fills in the user name, which a password must not resemble
        password = self.cleaned_data.get("password")
        if password:
            try:
                validate_password(password, self.instance)
            except ValidationError as error:
                self.add_error("password", error)
