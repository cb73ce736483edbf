"""Reading forms with files: nothing of them is lost without a word, and names are kept as people wrote them.

Django's parser passes over what it cannot read: of a form that was cut off, the last file; a file whose name
is not UTF-8; and from names it takes joiners and marks of direction, without which some are written wrongly.
"""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.translation import gettext

from gallery.files import filenames
from gallery.language.wording import gettext_lazy

END_BYTES = 4096  # how far before its end a body may say that it ends
NAMELESS = "picture"


class FormCutOff(MultiPartParserError):
    """The form has no end."""

    code = "bad_request"
    message = gettext_lazy("The transfer was cut off before its end, so nothing was added. Send it again.")


class UnreadablePart(MultiPartParserError):
    """A part of the form has a head that is passed over, and with it a file."""

    code = "bad_filename"
    message = gettext_lazy(
        "A file has a name that could not be read and nothing was added. Give it another name, send it again."
    )


class Middleware:
    """Let every form be read by `Parser`."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.multipart_parser_class = Parser
        return self.get_response(request)


class Parser(MultiPartParser):
    """Django's, which says what it could not read."""

    _boundary: bytes
    _content_length: int  # bytes, as the request says

    def __init__(self, META, input_data, upload_handlers, encoding=None):
        super().__init__(META, input_data, upload_handlers, encoding)
        self._input_data = self._seen = Seen(input_data, self._boundary)

    def _parse(self):
        if self._content_length > settings.MAX_REQUEST_BYTES:
            raise RequestDataTooBig(gettext("The form is larger than anything that is taken."))
        post, files = super()._parse()  # type: ignore[misc]
        if self._content_length and not self._seen.ended():
            raise FormCutOff(FormCutOff.message)
        if self._seen.parts() > sum(len(values) for _, values in (*post.lists(), *files.lists())):
            raise UnreadablePart(UnreadablePart.message)
        return post, files

    def sanitize_file_name(self, file_name):
        return filenames.last_part(file_name) or NAMELESS


class Seen:
    """Passes a body on, and remembers how many boundaries were in it and how it ended."""

    def __init__(self, stream, boundary: bytes):
        self.stream, self.delimiter = stream, b"--" + boundary
        self.count, self.tail = 0, b""

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        known = self.tail[-len(self.delimiter) + 1 :]
        self.count += (known + data).count(self.delimiter)
        self.tail = (self.tail + data)[-END_BYTES:]
        return data

    def ended(self) -> bool:
        return self.delimiter + b"--" in self.tail

    def parts(self) -> int:
        return self.count - 1  # the last one ends the form


class BoundedFile(TemporaryFileUploadHandler):
    """Keeps no more of a file than tells that it is too big, so that nobody can fill the disk with one."""

    def receive_data_chunk(self, raw_data, start):
        if start <= largest_file():
            super().receive_data_chunk(raw_data, start)


def largest_file() -> int:
    return max(settings.MAX_UPLOAD_BYTES, settings.MAX_IMPORT_BYTES)  # bytes
