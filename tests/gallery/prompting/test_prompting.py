"""From the prompt as typed to the prompt as sent."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gallery import ingest, prompting, tagging
from gallery.models import HouseStyle, Image
from gallery.prompting import fragments, packs, placeholders
from gallery.tagging import aliases
from providers.base import Capabilities

FULL = Capabilities(max_references=4, negative_prompt=True)
BARE = Capabilities()


@pytest.fixture
def mirel(owner):
    mirel = tagging.resolve(owner, ["character:Mirel"])[0]
    tiers = [{"max_chars": 20, "text": "silver hair"}]
    text = "tall, with long silver hair and green eyes"
    fragments.create(mirel, name="Body", text=text, tiers=tiers)
    fragments.create(mirel, name="Smiling", text="smiling", use="demand")
    fragments.create(mirel, name="Beard", text="beard", use="never")
    return mirel


@pytest.fixture
def cloak(owner, mirel):
    look = tagging.resolve(owner, ["look:Mirel:winter cloak"])[0]
    fragments.create(look, name="Cloak", text="a grey fur cloak")
    return look


@pytest.fixture
def ash(owner):
    ash = tagging.resolve(owner, ["persona:Ash"])[0]
    fragments.create(ash, name="Body", text="a scar on the cheek")
    return ash


def composed(owner, prompt, able=FULL, **scene):
    made = prompting.compose(prompt, prompting.Scene(owner=owner, able=able, **scene))
    assert made.text == "".join(piece["text"] for piece in made.receipt()["pieces"])
    return made


MIREL = "Mirel (tall, with long silver hair and green eyes)"


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("@Mirel at the sea", f"{MIREL} at the sea"),
        ("@mirél, alone", f"{MIREL}, alone"),
        ("(@Mirel)", f"({MIREL})"),
        ("@Mirel and @Mirel", f"{MIREL} and Mirel"),
        ("@Mirel.", f"{MIREL}."),
        ('@"Mirel"s hand', f"{MIREL}s hand"),
        ("@Mirel's hand", f"{MIREL}'s hand"),
        ("@Mirel:winter cloak, snow", f"{MIREL[:-1]}; a grey fur cloak), snow"),
        ("@Mirel:Winter Cloak:smiling", f"{MIREL[:-1]}; smiling; a grey fur cloak)"),
        ("@Mirel: she waits", f"{MIREL}: she waits"),
        ("@Mirel:unknown look", f"{MIREL}:unknown look"),
        ("@Mirel:beard", f"{MIREL}:beard"),
        ("@Mirelle waits", "@Mirelle waits"),
        ("@Nobody waits", "@Nobody waits"),
        ("me@Mirel.example", "me@Mirel.example"),
        ("@", "@"),
        ("@@Mirel", "@@Mirel"),
        ("@me waits", "@me waits"),
        ("#lantern and {{weather}}", "#lantern and {{weather}}"),
        ("  two  spaces\n\n", "  two  spaces\n\n"),
    ],
)  # fmt: skip
def test_who_exists_is_described_and_all_else_is_sent_as_typed(owner, mirel, cloak, typed, sent):
    assert composed(owner, typed).text == sent


def test_the_longest_name_is_meant(owner, mirel):
    vane, comma = tagging.resolve(owner, ["character:Mirel Vane", "character:St. Olga-Maria"])
    aliases.add(vane, "The Grey Lady")
    assert composed(owner, "@Mirel Vane waits").tags == (vane,)
    assert composed(owner, "@the grey lady waits").text == "Mirel Vane waits"
    assert composed(owner, "@Mirel vanes").tags == (mirel,)
    assert composed(owner, "@St. Olga-Maria, praying").tags == (comma,)


def test_pictures_are_tagged_to_everybody_who_is_named(owner, mirel, cloak, ash):
    lantern = tagging.resolve(owner, ["lantern"])[0]
    made = composed(owner, "@Mirel:winter cloak and @me with a #lantern", persona=ash)
    assert made.tags == (mirel, cloak, ash, lantern)
    assert made.text.endswith("and Ash (a scar on the cheek) with a #lantern")


def test_me_is_the_chosen_persona_else_the_owners_own(owner, ash):
    owner.persona = ash
    other = tagging.resolve(owner, ["persona:Rook"])[0]
    assert composed(owner, "@me").text == "Ash (a scar on the cheek)"
    assert composed(owner, "@me", persona=other).text == "Rook"


def test_nobody_is_found_in_the_library_of_somebody_else(owner, other, mirel, cloak):
    made = composed(other, "@Mirel:winter cloak")
    assert (made.text, made.tags, made.is_plain) == ("@Mirel:winter cloak", (), True)


def test_a_look_without_words_is_named(owner, mirel):
    tagging.resolve(owner, ["look:Mirel:armour"])
    assert composed(owner, "@Mirel:armour").text == f"{MIREL[:-1]}; armour)"


def test_what_to_avoid_goes_where_the_model_takes_it(owner, mirel):
    assert composed(owner, "@Mirel", negative="blurry").negative == "blurry, beard"
    assert composed(owner, "@Mirel", negative="no beard, please").negative == "no beard, please"
    in_words = composed(owner, "@Mirel", BARE)
    assert (in_words.text, in_words.negative) == (f"{MIREL}\n\nAvoid: beard", "")
    owner.avoid_in_words = False
    silent = composed(owner, "@Mirel", BARE)
    assert silent.text == MIREL
    assert [(some.name, some.reason) for some in silent.left_out] == [
        ("Beard", "This model has no field for what to avoid.")
    ]


def test_wordings_are_shortened_to_what_the_model_takes_and_said_so(owner, mirel, ash):
    typed = "@Mirel and @me in the rain"
    short = composed(owner, typed, Capabilities(max_prompt=70, negative_prompt=True), persona=ash)
    assert short.text == "Mirel (silver hair) and Ash (a scar on the cheek) in the rain"
    assert [(some.name, some.reason) for some in short.left_out] == [
        ("Body", "Shortened: the model takes 70 characters.")
    ]
    shorter = composed(owner, typed, Capabilities(max_prompt=45, negative_prompt=True), persona=ash)
    assert shorter.text == "Mirel (silver hair) and Ash in the rain"
    assert [some.reason[:8] for some in shorter.left_out] == ["Shortene", "Left out"]
    assert composed(owner, "x" * 60, Capabilities(max_prompt=45)).text == "x" * 60


def test_room_that_is_left_over_is_used(owner, mirel):
    HouseStyle.objects.create(owner=owner, scene="oil painting, " * 5)
    made = composed(owner, "@Mirel", Capabilities(max_prompt=80, negative_prompt=True))
    assert made.text == MIREL
    assert [some.name for some in made.left_out] == ["House style: scene"]


def test_the_house_style_stands_behind_the_prompt(owner, mirel):
    chat = tagging.resolve(owner, ["chat:The Long Night"])[0]
    HouseStyle.objects.create(owner=owner, scene="oil painting", people="detailed faces")
    HouseStyle.objects.create(owner=owner, chat=chat, scene="ink drawing")
    assert composed(owner, "a castle").text == "a castle\n\noil painting"
    assert composed(owner, "@Mirel").text == f"{MIREL}\n\noil painting, detailed faces"
    assert composed(owner, "a castle", chat=chat).text == "a castle\n\nink drawing"
    assert composed(owner, "make it night", styled=False).text == "make it night"
    assert [piece.source for piece in composed(owner, "a castle").pieces] == ["typed", "house style"]


def test_placeholders_stand_for_their_text(owner, mirel):
    placeholders.create(owner, name="weather", values=["heavy {{wetness}}", "sun"])
    placeholders.create(owner, name="wetness", values=["rain on @Mirel"])
    made = composed(owner, "{{Weather}}, {{ unknown }}")
    assert made.text == f"heavy rain on {MIREL}, {{{{ unknown }}}}"
    assert [piece.source for piece in made.pieces] == [
        "placeholder:Weather", "placeholder:wetness", "character:Mirel", "typed",
    ]  # fmt: skip
    assert made.warnings == ("“{{Weather}}” has 2 values. The first one is used here.",)


def test_placeholders_that_lead_back_to_themselves_stay_as_typed(owner):
    first = placeholders.create(owner, name="a", values=["one {{b}}"])
    placeholders.create(owner, name="b", values=["two {{a}}"])
    made = composed(owner, "{{a}}")
    assert made.text == "one two {{a}}"
    assert made.warnings == ("“{{a}}” leads back to itself, so it stays as it is typed.",)
    placeholders.change(first, values=["{{b}}" * 100])
    placeholders.create(owner, name="c", values=["x" * 19_000])
    long = composed(owner, "{{c}}" * 100)
    assert len(long.text) < 210_000
    assert long.warnings == ("“{{c}}” makes the prompt too long, so it stays as it is typed.",)


def test_the_cast_fills_char_and_user(owner, mirel, ash):
    fragments.create(ash, name="Voice", text="{{char}} speaks low")
    made = composed(owner, "{{user}} meets {{char}}; @me", persona=ash, tags=[mirel])
    assert made.text == "Ash meets Mirel; Ash (a scar on the cheek; Ash speaks low)"
    assert composed(owner, "{{char}}").text == "{{char}}"


@pytest.fixture
def pictures(owner, picture, tmp_path):
    made = []
    for number in range(5):
        path = tmp_path / f"{number}.png"
        path.write_bytes(picture(f"#20{number}060"))
        made.append(ingest.store(owner, path, source=Image.Source.UPLOAD).image)
    return made


def test_reference_pictures_are_shared_fairly(owner, mirel, cloak, ash, pictures):
    packs.replace(mirel, pictures[:3])
    packs.replace(ash, pictures[3:])
    made = composed(owner, "@Mirel and @me", Capabilities(max_references=3), persona=ash)
    assert [pick.image for pick in made.references] == [pictures[0], pictures[1], pictures[3]]
    assert [pick.source for pick in made.references] == ["character:Mirel"] * 2 + ["persona:Ash"]
    assert made.warnings == ("The model takes 3 reference pictures: 2 of the cast’s stay behind.",)
    assert composed(owner, "@Mirel and @me", BARE, persona=ash).references == ()
    full = composed(owner, "@Mirel", Capabilities(max_references=2), references=[pictures[0], pictures[4]])
    assert full.references == ()


def test_the_pack_of_a_look_goes_before_that_of_its_character(owner, mirel, cloak, pictures):
    packs.replace(mirel, pictures[:2])
    assert [pick.image for pick in composed(owner, "@Mirel:winter cloak").references] == pictures[:2]
    packs.replace(cloak, pictures[2:3])
    assert [pick.image for pick in composed(owner, "@Mirel:winter cloak").references] == pictures[2:3]
    tagging.trash(pictures[2:3])
    assert [pick.image for pick in composed(owner, "@Mirel:winter cloak").references] == pictures[:2]


def test_the_receipt_names_the_versions_of_the_fragments(owner, mirel):
    body = mirel.fragments.get(name="Body")
    fragments.change(body, text="small")
    receipt = composed(owner, "@Mirel").receipt()
    assert {"id": str(body.public_id), "name": "Body", "from": "character:Mirel", "version": 2} in receipt[
        "fragments"
    ]


def test_the_number_of_queries_does_not_grow_with_the_prompt(owner, mirel, cloak, ash, pictures):
    packs.replace(mirel, pictures)
    people = tagging.resolve(owner, [f"character:Guest {number}" for number in range(20)])
    for tag in people:
        fragments.create(tag, name="Body", text="a guest")

    def queries(prompt):
        with CaptureQueriesContext(
            connection,
        ) as caught:
            composed(owner, prompt, persona=ash)
        return len(caught)

    few = queries("@Mirel:winter cloak and @Guest 1, #lantern {{a}}")
    assert (
        queries("@Mirel:winter cloak and @me, #lantern {{a}} " + ", ".join(f"@{tag.name}" for tag in people))
        == few
    )
