"""Small real documents, and multipart bodies written by hand."""

import secrets
from collections.abc import Iterable


def pdf(text: str = "Gantry carries one file to every model.") -> bytes:
    """Makes a one-page PDF 1.4 file with a correct cross-reference table."""
    stream = f"BT /F1 18 Tf 72 720 Td ({text}) Tj ET".encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    document = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(document)
    document += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    document += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    document += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(document)


class Multipart:
    """A multipart/form-data body put together part by part, in exactly the order and form a test wants."""

    def __init__(self, boundary: str | None = None):
        self.boundary = boundary or f"boundary-{secrets.token_hex(8)}"
        self._parts: list[bytes] = []

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    def field(self, name: str, value: str | bytes) -> "Multipart":
        return self.part(f'Content-Disposition: form-data; name="{name}"', value)

    def fields(self, pairs: Iterable[tuple[str, str]]) -> "Multipart":
        for name, value in pairs:
            self.field(name, value)
        return self

    def file(
        self, content: bytes, disposition: str = 'filename="paper.pdf"', mime_type: str = "application/pdf"
    ) -> "Multipart":
        headers = f'Content-Disposition: form-data; name="file"; {disposition}\r\nContent-Type: {mime_type}'
        return self.part(headers, content)

    def part(self, headers: str, content: str | bytes) -> "Multipart":
        data = content.encode() if isinstance(content, str) else content
        self._parts.append(f"--{self.boundary}\r\n{headers}\r\n\r\n".encode() + data + b"\r\n")
        return self

    def body(self) -> bytes:
        return b"".join(self._parts) + f"--{self.boundary}--\r\n".encode()

    def around_file(self, filename: str = "large.bin") -> tuple[bytes, bytes]:
        """What comes before and after the content of a file that ends this body, for content made as it is sent."""
        closing = f"\r\n--{self.boundary}--\r\n".encode()
        whole = self.file(b"", f'filename="{filename}"', "application/octet-stream").body()
        return whole.removesuffix(closing), closing


def upload_body(content: bytes | None = None, targets: str = "gpt-4o-mini-openai", **more: str) -> Multipart:
    """A complete, valid upload: the fields first, then the file."""
    multipart = Multipart().fields([("purpose", "user_data"), ("target_model_names", targets), *more.items()])
    return multipart.file(pdf() if content is None else content)


def file_message(file_id: str, text: str = "What is in this recording?") -> list[dict]:
    """The messages of the contract's example."""
    return [
        {
            "role": "user",
            "content": [{"type": "text", "text": text}, {"type": "file", "file": {"file_id": file_id}}],
        }
    ]
