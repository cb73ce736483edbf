DAMAGE = {"corrupt_image", "truncated"}  # codes of pictures that have been whole once


class DecodeError(Exception):
    """A file that cannot be taken in. The message is written for the person who added it."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


def damaged() -> DecodeError:
    return DecodeError("corrupt_image", "This file is damaged and could not be read.")


def truncated() -> DecodeError:
    return DecodeError(
        "truncated", "The end of this file is missing. Copy or download it once more and add it again."
    )


def unsupported(name: str) -> DecodeError:
    return DecodeError("unsupported_type", f"{name} is not supported. Save it as PNG and add it again.")


def not_a_picture(name: str = "This file") -> DecodeError:
    return DecodeError(
        "unsupported_type", f"{name} is not a picture. PNG, JPEG, GIF, WebP and AVIF pictures can be added."
    )


def too_many_pixels(width: int, height: int, limit: int) -> DecodeError:
    return DecodeError(
        "too_many_pixels",
        f"This picture has {width:,} × {height:,} pixels, {megapixels(width * height)} megapixels. "
        f"The limit here is {megapixels(limit)}.",
    )


def too_long_a_side(side: int, limit: int) -> DecodeError:
    return DecodeError(
        "too_many_pixels", f"One side of this picture is {side:,} pixels. The limit here is {limit:,}."
    )


def too_much_memory() -> DecodeError:
    return DecodeError(
        "too_many_pixels",
        "This picture needs more memory than it may use here. Make it smaller and add it again.",
    )


def too_many_frames(limit: int) -> DecodeError:
    return DecodeError("too_many_frames", f"This animation has more than {limit:,} frames, the limit here.")


def too_many_frame_pixels(limit: int) -> DecodeError:
    return DecodeError(
        "too_many_frame_pixels",
        f"All frames of this animation have more than {megapixels(limit)} megapixels, the limit here.",
    )


def too_much_text(limit: int) -> DecodeError:
    return DecodeError(
        "metadata_too_large",
        f"This file carries more than {limit // 1000:,} kB of text beside the picture. "
        "Save it without its metadata and add it again.",
    )


def timeout() -> DecodeError:
    return DecodeError(
        "decode_timeout", "This file takes too long to read. Save it as PNG or JPEG and add it again."
    )


def busy() -> DecodeError:
    return DecodeError(
        "decode_busy", "The server is busy with other pictures. Add this one again in a minute."
    )


def not_started() -> DecodeError:
    return DecodeError(
        "decode_unavailable",
        "Pictures cannot be read at the moment. The server's log says why; tell who runs it.",
    )


def megapixels(pixels: int) -> str:
    return f"{pixels / 1_000_000:,.1f}".removesuffix(".0")
