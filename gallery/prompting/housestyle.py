"""The house style of a person, and of one chat."""

from gallery.models import HouseStyle, Tag, User

MAX_TEXT = 4000  # characters


def of(owner: User, chat: Tag | None = None) -> HouseStyle:
    """The style kept for `chat`, or for everything; an unsaved, empty one when there is none."""
    known = HouseStyle.objects.owned_by(owner).filter(chat=chat).first()
    return known or HouseStyle(owner=owner, chat=chat)


def keep(owner: User, *, scene: str, people: str, chat: Tag | None = None) -> None:
    """Keep these words; without any, the style goes, and a chat has that of its owner again."""
    texts = {"scene": scene.strip(), "people": people.strip()}
    if any(texts.values()):
        HouseStyle.objects.update_or_create(owner=owner, chat=chat, defaults=texts)
    else:
        HouseStyle.objects.owned_by(owner).filter(chat=chat).delete()
