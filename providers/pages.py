"""Where a vendor's own pages are that only the account's holder can open."""

BILLING = {
    "openai": "https://platform.openai.com/settings/organization/billing/overview",
    "xai": "https://console.x.ai",
    "google": "https://aistudio.google.com",
    "openrouter": "https://openrouter.ai/credits",
    "anthropic": "https://console.anthropic.com/settings/billing",
}
RIGHTS = {
    "openai": "https://platform.openai.com/settings/organization/general",
    "xai": "https://console.x.ai",
    "google": "https://aistudio.google.com",
    "openrouter": "https://openrouter.ai/settings/privacy",
    "anthropic": "https://console.anthropic.com/settings/organization",
}
