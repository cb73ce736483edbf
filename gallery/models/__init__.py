from gallery.models.account import ApiToken, User
from gallery.models.assist import Assist
from gallery.models.audit import AuditEntry
from gallery.models.batch import Batch, BatchCell
from gallery.models.bitmap import TagBitmap
from gallery.models.bulk import BulkAction, BulkChunk, Download
from gallery.models.cache import CacheEntry
from gallery.models.comparison import Comparison, ComparisonColumn
from gallery.models.duplicate import NearDuplicate
from gallery.models.generation import (
    CallPreview,
    Generation,
    GenerationCall,
    GenerationImage,
    GenerationReference,
    PromptText,
)
from gallery.models.image import Image, ImageText
from gallery.models.importing import Import, ImportEntry
from gallery.models.library import Preset, SavedPrompt
from gallery.models.librarycount import LibraryCount
from gallery.models.profile import ConnectionProfile, ModelList
from gallery.models.prompts import Fragment, HouseStyle, Placeholder, ReferencePicture
from gallery.models.queue import ModelTimes, QueuedTask, Worker
from gallery.models.searching import RecentSearch, SavedSearch
from gallery.models.tag import ImageTag, Implication, Tag, TagCount, TagWord
from gallery.models.tally import Tally

__all__ = [
    "ApiToken",
    "Assist",
    "AuditEntry",
    "Batch",
    "BatchCell",
    "BulkAction",
    "BulkChunk",
    "CacheEntry",
    "Comparison",
    "ComparisonColumn",
    "ConnectionProfile",
    "Download",
    "Fragment",
    "Generation",
    "CallPreview",
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
    "ModelTimes",
    "NearDuplicate",
    "Placeholder",
    "Preset",
    "PromptText",
    "QueuedTask",
    "RecentSearch",
    "ReferencePicture",
    "SavedPrompt",
    "SavedSearch",
    "Tag",
    "TagBitmap",
    "TagCount",
    "TagWord",
    "Tally",
    "User",
    "Worker",
]
