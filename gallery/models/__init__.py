from gallery.models.account import ApiToken, User
from gallery.models.assist import Assist
from gallery.models.audit import AuditEntry
from gallery.models.bitmap import TagBitmap
from gallery.models.bulk import BulkAction, BulkChunk, Download
from gallery.models.cache import CacheEntry
from gallery.models.duplicate import NearDuplicate
from gallery.models.generation import Generation, GenerationCall, GenerationImage, GenerationReference
from gallery.models.image import Image, ImageText
from gallery.models.importing import Import, ImportEntry
from gallery.models.librarycount import LibraryCount
from gallery.models.profile import ConnectionProfile, ModelList
from gallery.models.prompts import Fragment, HouseStyle, Placeholder, ReferencePicture
from gallery.models.queue import QueuedTask, Worker
from gallery.models.searching import RecentSearch, SavedSearch
from gallery.models.tag import ImageTag, Implication, Tag, TagCount, TagWord

__all__ = [
    "ApiToken",
    "Assist",
    "AuditEntry",
    "BulkAction",
    "BulkChunk",
    "CacheEntry",
    "ConnectionProfile",
    "Download",
    "Fragment",
    "Generation",
    "GenerationCall",
    "GenerationImage",
    "GenerationReference",
    "HouseStyle",
    "Image",
    "ImageTag",
    "ImageText",
    "Implication",
    "Import",
    "ImportEntry",
    "LibraryCount",
    "ModelList",
    "NearDuplicate",
    "Placeholder",
    "QueuedTask",
    "RecentSearch",
    "ReferencePicture",
    "SavedSearch",
    "Tag",
    "TagBitmap",
    "TagCount",
    "TagWord",
    "User",
    "Worker",
]
