"""
TRELLIS (https://github.com/microsoft/TRELLIS, MIT) as a generation endpoint: POST /generate/ with the form fields
`prompt` and `seed`, answered with the bytes of a PLY. Needs nothing beside TRELLIS' own environment.

    python trellis_server.py [PORT] [MODEL]
"""
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from trellis.pipelines import TrellisTextTo3DPipeline

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8094
MODEL = sys.argv[2] if len(sys.argv) > 2 else "microsoft/TRELLIS-text-xlarge"
MOST_BYTES = 1 << 20

pipeline = TrellisTextTo3DPipeline.from_pretrained(MODEL)
pipeline.cuda()


def generate(prompt: str, seed: int) -> bytes:
    outputs = pipeline.run(prompt, seed=seed, formats=["gaussian"])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "asset.ply"
        outputs["gaussian"][0].save_ply(str(file))
        return file.read_bytes()


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        length = min(int(self.headers.get("content-length", 0)), MOST_BYTES)
        form = parse_qs(self.rfile.read(length).decode())
        prompt = form.get("prompt", [""])[0]
        if not prompt:
            return self.answer(400, b"prompt is missing", "text/plain")
        # numpy's generator, which TRELLIS seeds, takes 32 bits.
        seed = int(form.get("seed", ["0"])[0]) % 2**32
        try:
            self.answer(200, generate(prompt, seed), "application/octet-stream")
        except Exception as error:  # one prompt that fails must not end the endpoint
            self.answer(500, str(error).encode(), "text/plain")

    def answer(self, status: int, body: bytes, kind: str):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


# One request after the other: the GPU does one at a time.
HTTPServer(("127.0.0.1", PORT), Endpoint).serve_forever()
