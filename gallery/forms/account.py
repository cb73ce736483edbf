"""The owner account, API tokens, and how pages look."""

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from gallery import trashing
from gallery.forms.plain import PlainForm
from gallery.models import ApiToken, User

THEMES = {"system": "As the system", "light": "Light", "dark": "Dark"}


class TokenForm(PlainForm, forms.ModelForm):
    scope = forms.ChoiceField(label="May", choices=[("write", "Read and write"), ("read", "Read only")])

    class Meta:
        model = ApiToken
        fields = ("name", "scope")
        help_texts = {"name": "What will use it, such as “phone” or “backup script”."}
        error_messages = {"name": {"required": "Give the token a name, so that you know it again."}}


class AppearanceForm(PlainForm, forms.Form):
    theme = forms.ChoiceField(label="Theme", choices=list(THEMES.items()), widget=forms.RadioSelect)


class GalleryForm(PlainForm, forms.ModelForm):
    """What of the pictures is shown at first sight."""

    class Meta:
        model = User
        fields = ("blur_sensitive", "fold_stacks")
        labels = {"blur_sensitive": "Blur sensitive images", "fold_stacks": "Fold stacks"}
        help_texts = {
            "blur_sensitive": "They are shown when you press Show.",
            "fold_stacks": "Of the images of one generation, and of the versions of one image, the gallery "
            "shows only the first.",
        }


class PrivacyForm(PlainForm, forms.ModelForm):
    """When the trash is emptied by itself. What would go at once has to be agreed to."""

    trash_days = forms.IntegerField(
        label="Days until images in the trash are deleted for good",
        help_text="Leave it empty, and nothing is deleted by itself.",
        min_value=1,
        max_value=3650,
        required=False,
        error_messages={"min_value": "Give at least 1 day, or leave it empty."},
    )
    agreed = forms.BooleanField(label="Yes, delete these for good", required=False)

    class Meta:
        model = User
        fields = ("trash_days",)

    def clean(self):
        cleaned = super().clean() or {}
        days = cleaned.get("trash_days")
        self.at_once = trashing.weigh(trashing.overdue(self.instance, days)).n if days else 0
        if self.at_once and not cleaned.get("agreed"):
            are, these = ("is", "this one") if self.at_once == 1 else ("are", "these")
            raise ValidationError(
                f"{self.at_once:,} in the trash {are} older than that, and would be deleted for good within "
                f"a minute. Agree below to delete {these}, or restore them first."
            )
        return cleaned


class OwnerForm(PlainForm, forms.ModelForm):
    """The first account of a new installation."""

    password = forms.CharField(
        label="Password",
        strip=False,
        help_text="At least eight characters, and not a common one.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password_again = forms.CharField(
        label="Password, again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = User
        fields = ("username",)
        labels = {"username": "User name"}
        help_texts = {"username": "Letters, digits and @ . + - _"}
        widgets = {"username": forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"})}

    field_order = ("username", "password", "password_again")

    def clean(self):
        cleaned = super().clean() or {}
        password, again = cleaned.get("password"), cleaned.get("password_again")
        if password and again and password != again:
            self.add_error("password_again", "The two passwords differ. Type the same one twice.")
        return cleaned

    def _post_clean(self):
        super()._post_clean()  # type: ignore[misc]  # fills in the user name, which a password must not resemble
        password = self.cleaned_data.get("password")
        if password:
            try:
                validate_password(password, self.instance)
            except ValidationError as error:
                self.add_error("password", error)
