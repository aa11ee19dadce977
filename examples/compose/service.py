"""A small service that gets a token from Moov and receives its webhooks. It uses only the standard library.

compose.yaml sets the environment variables and runs the emulator instead of Moov. Moov does not sign the body of a
webhook. So use the body only as a hint, and fetch the object with your token before you act on it.
"""

import base64
import collections
import hashlib
import hmac
import http.server
import json
import os
import signal
import sys
import threading
import time
import urllib.parse
import urllib.request
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
LARGEST_BODY = 64 * 1024  # bytes
NONCES = 10_000  # maximum number of remembered nonces

seen = collections.OrderedDict()
lock = threading.Lock()


def get_token():
    """Requests a token. Returns the response of Moov with access_token, expires_in and other fields."""
    credentials = f"{os.environ['MOOV_CLIENT_ID']}:{os.environ['MOOV_CLIENT_SECRET']}"
    form = {"grant_type": "client_credentials", "client_type": "service", "scope": "/accounts.read"}
    request = urllib.request.Request(
        f"{os.environ['MOOV_BASE_URL']}/oauth2/token",
        data=urllib.parse.urlencode(form).encode(),
        headers={
            "Authorization": "Basic " + base64.b64encode(credentials.encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    # Use no proxy, because the emulator is on the local network.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as response:
        return json.load(response)


def is_authentic(headers):
    """Returns whether Moov signed these headers and their time differs from now by at most TOLERANCE."""
    timestamp, nonce = headers.get("X-Timestamp", ""), headers.get("X-Nonce", "")
    signed = "|".join([timestamp, nonce, headers.get("X-Webhook-ID", "")])
    expected = hmac.new(os.environ["MOOV_WEBHOOK_SECRET"].encode(), signed.encode(), hashlib.sha512).hexdigest()
    if not hmac.compare_digest(expected.encode(), headers.get("X-Signature", "").encode()):
        return False
    try:
        age = datetime.now().astimezone() - datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
    except (TypeError, ValueError):
        return False
    return abs(age) <= TOLERANCE


def is_new(nonce):
    with lock:
        if nonce in seen:
            return False
        seen[nonce] = True
        if len(seen) > NONCES:
            seen.popitem(last=False)
        return True


class Handler(http.server.BaseHTTPRequestHandler):
    timeout = 10

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if self.path != "/webhooks/moov":
            return self.respond(404)
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            return self.respond(413)
        body = self.rfile.read(int(length))
        if not is_authentic(self.headers):
            print("webhook rejected", flush=True)
            return self.respond(401)
        try:
            event = json.loads(body)["type"]
        except (ValueError, KeyError, TypeError):
            return self.respond(400)
        # Moov repeats a delivery until it gets a 2xx, so handle each nonce only once.
        if is_new(self.headers["X-Nonce"]):
            print(f"webhook {event!r} received", flush=True)
        self.respond(200)

    def respond(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    token = get_token()
    # Moov documents expires_in as a number of seconds, but its live service sends a Unix timestamp.
    left = token["expires_in"] - time.time() if token["expires_in"] > 1_000_000_000 else token["expires_in"]
    print(f"token for {left:.0f} s", flush=True)
    server = http.server.ThreadingHTTPServer(("", int(os.environ.get("PORT", "3000"))), Handler)
    print(f"listening on port {server.server_port}", flush=True)
    server.serve_forever()


main()
