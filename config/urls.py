from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/", include("gallery.api.urls")),
    path("", include("gallery.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "gallery.views.errors.bad_request"
handler403 = "gallery.views.errors.forbidden"
handler404 = "gallery.views.errors.not_found"
handler429 = "gallery.views.errors.too_many"  # asked for by allauth
handler500 = "gallery.views.errors.server_error"
