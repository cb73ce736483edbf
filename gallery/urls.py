"""Every address of the browser interface. The API's are in gallery/api."""

from allauth.account import views as allauth
from django.urls import include, path
from django.views.generic import RedirectView

from gallery.views import (
    account,
    add,
    avatars,
    batches,
    bulk,
    compare,
    comparisons,
    costs,
    generations,
    health,
    images,
    imports,
    installing,
    library,
    media,
    metrics,
    model_lists,
    narrowing,
    palette,
    presets,
    profiles,
    prompts,
    queue,
    references,
    refine,
    searches,
    setup,
    stacks,
    tag_changes,
    tag_fragments,
    tag_references,
    tags,
    trash,
    writing,
)

TAG_KINDS = {"characters": "character", "personas": "persona", "chats": "chat", "tags": "tag"}

image_urls = [
    path("", images.detail, name="image"),
    path("favourite/", images.favourite, name="favourite"),
    path("edit/", images.edit, name="image-edit"),
    path("refine/", refine.start, name="refine"),
    path("tags/", images.tags, name="image-tags"),
    path("describe/", writing.describe, name="image-describe"),
    path("describe/<uuid:assist_id>/", writing.decide, name="image-suggestions"),
    path("trash/", images.trash, name="image-trash"),
    path("restore/", images.restore, name="image-restore"),
    path("original/", media.original, name="original"),
    path("stack/", stacks.index, name="stack"),
    path("stack/apart/", stacks.apart, name="stack-apart"),
    path("stack/out/", stacks.out, name="stack-out"),
]

add_urls = [
    path("", RedirectView.as_view(pattern_name="add-upload", query_string=True), name="add"),
    path("upload/", add.upload, name="add-upload"),
    path("import/", add.import_, name="add-import"),
    path("share/", installing.share, name="share"),
    path("generate/", add.generate, name="add-generate"),
    path("generate/controls/", add.controls, name="generate-controls"),
    path("generate/estimate/", add.estimate, name="generate-estimate"),
    path("generate/models/<uuid:public_id>/", model_lists.offered, name="generate-models"),
    path("generate/improve/", writing.improve, name="improve-prompt"),
    path("generate/improve/use/", writing.use_prompt, name="use-prompt"),
    path("generate/references/", references.arrange, name="generate-references"),
    path("generate/pick/", references.pick, name="generate-pick"),
    path("generate/prompts/", library.shelf, name="generate-shelf"),
]

prompt_urls = [
    path("", library.history, name="prompt-history"),
    path("keep/", library.keep, name="prompt-keep"),
    path("library/", library.library, name="prompt-library"),
    path("library/new/", library.new, name="saved-prompt-new"),
    path("library/<uuid:public_id>/", library.edit, name="saved-prompt"),
    path("library/<uuid:public_id>/delete/", library.delete, name="saved-prompt-delete"),
]

work_urls = [
    path("queue/", generations.queue, name="queue"),
    path("queue/poll/", generations.poll, name="queue-poll"),
    path("queue/pause/", queue.pause, name="queue-pause"),
    path("queue/stop/", queue.stop_several, name="queue-stop"),
    path("generations/<uuid:public_id>/", generations.detail, name="generation"),
    path("generations/<uuid:public_id>/move/", queue.move, name="generation-move"),
    path("generations/<uuid:public_id>/stop/", generations.stop, name="generation-cancel"),
    path("generations/<uuid:public_id>/check/", generations.check, name="generation-check"),
    path("generations/<uuid:public_id>/retry/", generations.retry, name="generation-retry"),
    path("generations/<uuid:public_id>/answers/<int:index>/", generations.answer, name="generation-answer"),
    path("generations/<uuid:public_id>/dismiss/", generations.dismiss, name="generation-dismiss"),
    path(
        "generations/<uuid:public_id>/previews/<int:index>/<int:number>/",
        generations.preview,
        name="generation-preview",
    ),
    path("comparisons/", comparisons.index, name="comparisons"),
    path("comparisons/<uuid:public_id>/", comparisons.page, name="comparison"),
    path("comparisons/<uuid:public_id>/keep/", comparisons.keep, name="comparison-keep"),
    path("imports/<uuid:public_id>/", imports.detail, name="import"),
    path("imports/<uuid:public_id>/stop/", imports.stop, name="import-cancel"),
]

batch_urls = [
    path("", batches.index, name="batches"),
    path("new/", batches.new, name="batch-new"),
    path("<uuid:public_id>/", batches.detail, name="batch"),
    path("<uuid:public_id>/pause/", batches.act, {"deed": "pause"}, name="batch-pause"),
    path("<uuid:public_id>/continue/", batches.act, {"deed": "resume"}, name="batch-resume"),
    path("<uuid:public_id>/stop/", batches.act, {"deed": "cancel"}, name="batch-cancel"),
    path("<uuid:public_id>/retry/", batches.retry, name="batch-retry"),
]

bulk_urls = [
    path("bulk/", bulk.act, name="bulk"),
    path("bulk/tags/", bulk.tags, name="bulk-tags"),
    path("history/", bulk.history, name="history"),
    path("history/<uuid:public_id>/", bulk.detail, name="bulk-action"),
    path("history/<uuid:public_id>/undo/", bulk.undo, name="bulk-undo"),
    path("history/<uuid:public_id>/stop/", bulk.stop, name="bulk-stop"),
    path("downloads/<uuid:public_id>/", bulk.download, name="download"),
]

cost_urls = [
    path("costs/", costs.index, name="costs"),
    path("costs/limit/", costs.limit, name="costs-limit"),
    path("costs.csv", costs.export, name="costs-export"),
]

tag_urls = [
    path("tags/new/", tags.new, name="tag-new"),
    path("tags/suggest/", tags.suggest, name="tag-suggest"),
    path("tags/complete/", tags.complete, name="prompt-complete"),
    path("tags/<uuid:public_id>/edit/", tag_changes.edit, name="tag-edit"),
    path("tags/<uuid:public_id>/spread/", tag_changes.spread, name="tag-spread"),
    path("tags/<uuid:public_id>/merge/", tag_changes.merge, name="tag-merge"),
    path("tags/<uuid:public_id>/delete/", tag_changes.delete, name="tag-delete"),
    path("tags/<uuid:public_id>/avatar/", avatars.avatar, name="tag-avatar"),
    path("tags/<uuid:public_id>/fragments/new/", tag_fragments.new, name="fragment-new"),
    path("tags/<uuid:public_id>/fragments/<uuid:fragment_id>/", tag_fragments.edit, name="fragment"),
    path(
        "tags/<uuid:public_id>/fragments/<uuid:fragment_id>/move/",
        tag_fragments.move,
        name="fragment-move",
    ),
    path(
        "tags/<uuid:public_id>/fragments/<uuid:fragment_id>/delete/",
        tag_fragments.delete,
        name="fragment-delete",
    ),
    path("tags/<uuid:public_id>/references/", tag_references.references, name="tag-references"),
    path("tags/<uuid:public_id>/pin/", tags.pin, name="tag-pin"),
]
tag_urls.append(path("chats/<uuid:public_id>-<str:slug>/refine/", refine.chat, name="chat-refine"))
tag_urls.append(path("looks/<uuid:public_id>-<str:slug>/", tags.page, {"kind": "look"}, name="look"))
for plural, kind in TAG_KINDS.items():
    tag_urls += [
        path(f"{plural}/", tags.index, {"kind": kind}, name=plural),
        path(f"{plural}/<uuid:public_id>-<str:slug>/", tags.page, {"kind": kind}, name=kind),
    ]

search_urls = [
    path("search/help/", searches.help_, name="search-help"),
    path("search/suggest/", searches.suggest, name="search-suggest"),
    path("search/recent/", searches.remember, name="search-remember"),
    path("search/narrow/", narrowing.facets, name="facets"),
    path("months/", narrowing.by_month, name="months"),
    path("searches/", searches.index, name="searches"),
    path("searches/<uuid:public_id>/", searches.change, name="saved-search"),
    path("searches/<uuid:public_id>/delete/", searches.delete, name="saved-search-delete"),
]

settings_urls = [
    path("", RedirectView.as_view(pattern_name="connections"), name="settings"),
    path("connections/", profiles.index, name="connections"),
    path("connections/new/", profiles.new, name="connection-new"),
    path("connections/<uuid:public_id>/", profiles.edit, name="connection"),
    path("connections/<uuid:public_id>/test/", profiles.test, name="connection-test"),
    path("connections/<uuid:public_id>/models/", model_lists.read, name="connection-models"),
    path("connections/<uuid:public_id>/default/", profiles.make_default, name="connection-default"),
    path("connections/<uuid:public_id>/delete/", profiles.delete, name="connection-delete"),
    path("account/", account.index, name="account"),
    path("account/password/", allauth.password_change, name="account_change_password"),
    path("account/password/first/", account.first_password, name="account_set_password"),
    path("tokens/", account.tokens, name="tokens"),
    path("tokens/<uuid:public_id>/revoke/", account.revoke, name="token-revoke"),
    path("appearance/", account.appearance, name="appearance"),
    path("appearance/gallery/", account.gallery, name="appearance-gallery"),
    path("keyboard/", account.keyboard, name="keyboard"),
    path("storage/", account.storage, name="storage"),
    path("prompts/", prompts.index, name="prompts"),
    path("prompts/placeholders/new/", prompts.new, name="placeholder-new"),
    path("prompts/placeholders/<uuid:public_id>/", prompts.edit, name="placeholder"),
    path("prompts/placeholders/<uuid:public_id>/delete/", prompts.delete, name="placeholder-delete"),
    path("presets/", presets.index, name="presets"),
    path("presets/new/", presets.new, name="preset-new"),
    path("presets/<uuid:public_id>/", presets.edit, name="preset"),
    path("presets/<uuid:public_id>/move/", presets.move, name="preset-move"),
    path("presets/<uuid:public_id>/delete/", presets.delete, name="preset-delete"),
    path("privacy/", account.privacy, name="privacy"),
]

account_urls = [
    path("setup/storage/", setup.storage, name="setup-storage"),
    path("setup/provider/", setup.provider, name="setup-provider"),
    path("setup/<str:token>/", setup.owner, name="setup"),
    path("login/", allauth.login, name="account_login"),
    path("logout/", account.log_out, name="account_logout"),
    path("signup/", allauth.signup, name="account_signup"),
    path("login/again/", allauth.reauthenticate, name="account_reauthenticate"),
    path("login/inactive/", allauth.account_inactive, name="account_inactive"),
]

urlpatterns = [
    path("", images.index, name="index"),
    path("images/<uuid:public_id>/", include(image_urls)),
    path("media/t/<int:owner>/<str:name>", media.thumbnail, name="thumbnail"),
    path("add/", include(add_urls)),
    path("prompts/", include(prompt_urls)),
    *work_urls,
    path("batches/", include(batch_urls)),
    *bulk_urls,
    *cost_urls,
    *tag_urls,
    *search_urls,
    path("stacks/", stacks.make, name="stack-make"),
    path("compare/", compare.compare, name="compare"),
    path("duplicates/", compare.pairs, name="duplicates"),
    path("duplicates/<uuid:public_id>/", compare.decide, name="duplicate-decide"),
    path("duplicates/<uuid:public_id>/again/", compare.reopen, name="duplicate-reopen"),
    path("trash/", trash.index, name="trash"),
    path("trash/empty/", trash.empty, name="trash-empty"),
    path("trash/restore/", trash.restore, name="trash-restore"),
    path("hide/", account.hide, name="hide"),
    path("commands/", palette.commands, name="commands"),
    path("settings/", include(settings_urls)),
    *account_urls,
    path("manifest.webmanifest", installing.manifest, name="manifest"),
    path("service-worker.js", installing.worker, name="service-worker"),
    path("offline/", installing.offline, name="offline"),
    path("away/", installing.away, name="away"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", metrics.metrics, name="metrics"),
]
