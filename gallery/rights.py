"""Groups, and what people may do in the admin, written by name: numbers differ from database to database."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group, Permission

from gallery.models import User


def read() -> dict[str, Any]:
    """Groups as {name: permissions}; people with rights as {id: {"groups", "permissions"}}."""
    people = User.objects.prefetch_related("groups", "user_permissions__content_type")
    held = {
        user.pk: {
            "groups": [group.name for group in user.groups.all()],
            "permissions": _names(user.user_permissions.all()),
        }
        for user in people
    }
    return {
        "groups": {
            group.name: _names(group.permissions.select_related("content_type"))
            for group in Group.objects.all()
        },
        "people": {pk: rights for pk, rights in held.items() if any(rights.values())},
    }


def bring(rights: dict[str, Any]) -> None:
    """Give the rights that `read` wrote down. Those that this version does not know are left out."""
    for name, permissions in rights["groups"].items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set(_permissions(permissions))
    for pk, held in rights["people"].items():
        user = User.objects.get(pk=pk)
        user.groups.set(Group.objects.filter(name__in=held["groups"]))
        user.user_permissions.set(_permissions(held["permissions"]))


def _names(permissions: Iterable[Permission]) -> list[list[str]]:
    return [list(permission.natural_key()) for permission in permissions]


def _permissions(names: Iterable[list[str]]) -> list[Permission]:
    known = {
        permission.natural_key(): permission
        for permission in Permission.objects.select_related("content_type")
    }
    return [known[key] for name in names if (key := tuple(name)) in known]
