"""The form of a connection. Its key can be written and never read."""

from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from gallery import connections, vendors
from gallery.forms import switches
from gallery.forms.plain import PlainForm
from gallery.language.wording import gettext_lazy
from gallery.models import ConnectionProfile
from providers import registry
from providers.base import Connection, Provider


class ConnectionForm(PlainForm, forms.ModelForm):
    """Add or edit a connection of the instance's owner."""

    api_key = forms.CharField(
        label=gettext_lazy("API key"),
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
    )
    remove_key = forms.BooleanField(label=gettext_lazy("Remove the saved key"), required=False)
    make_default = forms.BooleanField(
        label=gettext_lazy("Use this connection when none is chosen"), required=False
    )

    class Meta:
        model = ConnectionProfile
        fields = (
            "name", "provider", "base_url", "default_model", "monthly_budget_usd", "max_at_once",
            "seconds_between",
        )  # fmt: skip
        labels = {
            "max_at_once": gettext_lazy("Requests at once"),
            "seconds_between": gettext_lazy("Seconds between two requests"),
            "base_url": gettext_lazy("Address"),
            "default_model": gettext_lazy("Model"),
            "monthly_budget_usd": gettext_lazy("Monthly limit in US dollars"),
        }
        help_texts = {
            "default_model": gettext_lazy(
                "The one that is chosen at first. It can be changed for each picture."
            ),
            "monthly_budget_usd": gettext_lazy("Generating stops at the limit. Leave it empty for no limit."),
            "max_at_once": gettext_lazy("What is more waits in the queue. Leave it empty for no limit."),
            "seconds_between": gettext_lazy(
                "For vendors and servers that want to be asked slowly. 0: no pause."
            ),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        slug = self.data.get("provider") or self.initial.get("provider") or self.instance.provider
        is_saved = self.instance.pk and slug == self.instance.provider
        self.adapter = vendors.declared_by(self.instance) if is_saved else provider_of(slug)
        self.fields |= dict(switches.fields_of(self.adapter, self.adapter.connection.options))
        self.fields["default_model"].widget.attrs |= {"list": "models", "autocomplete": "off"}
        self.fields["monthly_budget_usd"].widget.attrs |= {"inputmode": "decimal", "min": "0"}
        self.fields["seconds_between"].required = False
        if not self.adapter.supports_image_generation:
            self.fields["default_model"].help_text = gettext("The one that is chosen at first.")
        self._describe_address()
        self._describe_key()
        self._drop_what_does_not_apply()

    def _describe_address(self):
        field, adapter = self.fields["base_url"], self.adapter
        field.widget.attrs |= {
            "placeholder": adapter.default_base_url,
            "inputmode": "url",
            "spellcheck": "false",
        }
        field.required = adapter.needs_base_url and not adapter.default_base_url
        field.help_text = (
            gettext("Leave it empty for {default_base_url}. Another address replaces all of that.").format(
                default_base_url=adapter.default_base_url
            )
            if adapter.default_base_url
            else gettext(
                "Where your server listens, with http:// or https://. One on your own network has to be "
                "allowed with the setting ALLOWED_PRIVATE_HOSTS."
            )
        )

    def _describe_key(self):
        host = urlsplit(self.instance.base_url or self.adapter.default_base_url).hostname or gettext(
            "its own address"
        )
        needed = "" if self.adapter.needs_key else gettext("Only if your server asks for one. ")
        promise = gettext(
            "{needed}Encrypted on this server. Never shown again, never sent anywhere but {host}."
        ).format(needed=needed, host=host)
        if self.instance.has_api_key:
            ending = (
                gettext("ending in {key_hint} ").format(key_hint=self.instance.key_hint)
                if self.instance.key_hint
                else ""
            )
            promise = gettext("A key {ending}is saved. Leave this empty to keep it. {promise}").format(
                ending=ending, promise=promise
            )
        self.fields["api_key"].help_text = promise

    def _drop_what_does_not_apply(self):
        if not self.instance.has_api_key:
            del self.fields["remove_key"]
        if self.instance.is_default:
            del self.fields["make_default"]
        if self.adapter.slug == "demo":
            for name in ("api_key", "base_url", "monthly_budget_usd"):
                del self.fields[name]

    @property
    def known_models(self) -> list[str]:
        listed = self.adapter.offered() if self.adapter.supports_image_generation else ()
        models = listed or self.adapter.text_models()
        return [model.id for model in models if model.status != "retired"]

    @property
    def options(self) -> list[forms.BoundField]:
        """The fields for the provider's own settings."""
        return [field for field in self if field.name.startswith(switches.PREFIX)]

    @property
    def options_need_a_look(self) -> bool:
        return any(field.errors for field in self.options)

    def clean_name(self):
        name = self.cleaned_data["name"]
        twins = ConnectionProfile.objects.owned_by(self.instance.owner).filter(name__iexact=name)
        if twins.exclude(pk=self.instance.pk).exists():
            raise ValidationError(gettext("You have a connection of this name already. Choose another name."))
        return name

    def clean_seconds_between(self):
        return self.cleaned_data["seconds_between"] or 0

    def clean_base_url(self):
        address = self.cleaned_data["base_url"].strip().rstrip("/")
        if address and address != self.initial.get("base_url"):
            self._heed(connections.check_address, address)
        return address

    def clean_api_key(self):
        return self._heed(connections.clean_key, self.cleaned_data["api_key"])

    def _heed(self, check, value):
        try:
            return check(value)
        except connections.ProfileError as exc:
            raise ValidationError(exc.message) from exc

    def clean(self):
        cleaned = super().clean() or {}
        needs_key = self.adapter.needs_key and "api_key" not in self.errors
        if needs_key and not cleaned.get("api_key") and not self.instance.pk:
            self.add_error(
                "api_key", gettext("{label} needs a key. Paste it here.").format(label=self.adapter.label)
            )
        try:
            chosen = switches.options_in(self.adapter, cleaned)
            cleaned["options"] = connections.clean_options(self.adapter.slug, chosen)
        except connections.OptionError as exc:
            self.add_error(f"{switches.PREFIX}{exc.option}", exc.message)
        return cleaned

    def save(self, commit=True):
        """Save through `connections`, which knows what becomes of the key and of the default."""
        fields = {name: self.cleaned_data.get(name) for name in self.Meta.fields}
        fields |= {
            "options": self.cleaned_data["options"],
            "base_url": fields["base_url"] or "",
            "is_default": self.cleaned_data.get("make_default") or None,
        }
        key = self.cleaned_data.get("api_key", "")
        if self.instance.pk is None:
            return connections.create(self.instance.owner, api_key=key, **fields)
        profile = ConnectionProfile.objects.get(
            pk=self.instance.pk
        )  # as it was: this instance is filled in already
        had_key = profile.has_api_key
        removes = self.cleaned_data.get("remove_key", False)
        connections.change(profile, api_key=key or ("" if removes else None), **fields)
        self.key_was_cleared = had_key and not profile.has_api_key and not removes
        return profile


def provider_of(slug: str) -> Provider:
    """The adapter of `slug` without a key, for what it declares; OpenAI's when there is none of that name."""
    try:
        return registry.provider_class(slug)(Connection())
    except ValueError:
        return registry.provider_class("openai")(Connection())
