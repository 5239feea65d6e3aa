#!/usr/bin/env python3
"""Files disputes from a CSV, and writes beside each row what came of it.

    export FAIRDIAL_URL=https://disputes.example.com
    export FAIRDIAL_TOKEN=fairdial_...
    python3 file_disputes.py disputes.csv results.csv

Columns: external_id (the call's id at its source), source (where several sources have that id), reason (a code such as
caller_hung_up), additional_information, file (a path, if there is one), and any column named evidence.NAME.

Running it twice files nothing twice: the key of each request is a digest of its row. Python 3.9 or later, nothing else.
"""

import csv
import hashlib
import json
import mimetypes
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

URL = os.environ.get("FAIRDIAL_URL", "http://127.0.0.1:8080").rstrip("/") + "/api/v1"
TRIES = 5


def ask(method, path, body, kind, key):
    """Sends a request, and waits where the server asks to. Gives the status and the answer."""
    headers = {"Authorization": "Bearer " + os.environ["FAIRDIAL_TOKEN"], "Content-Type": kind, "Idempotency-Key": key}
    for left in reversed(range(TRIES)):
        request = urllib.request.Request(URL + path, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            if refusal.code in (429, 503) and left:
                time.sleep(int(refusal.headers.get("Retry-After", "5")))
                continue
            return refusal.code, json.load(refusal)
        except urllib.error.URLError:
            # The same key makes it safe to try again: what was done is not done twice.
            if not left:
                raise
            time.sleep(2)


def post(path, value, key):
    return ask("POST", path, json.dumps(value).encode(), "application/json", key)


def upload(dispute, file, key):
    """Adds a file, as a form of one part."""
    boundary = uuid.uuid4().hex
    name = file.name.replace('"', "%22")
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="evidence"; filename="{name}"\r\n'
        f"Content-Type: {media_type}\r\n\r\n"
    )
    body = head.encode() + file.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    return ask("POST", f"/disputes/{dispute}/evidence", body, f"multipart/form-data; boundary={boundary}", key)


def file_row(row, folder):
    """Files one dispute: with a file as a draft first, so that the file goes with it."""
    digest = hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()
    path = folder / row["file"] if row.get("file") else None
    dispute = {
        "call_external_id": row["external_id"],
        "reason": row["reason"],
        "additional_information": row.get("additional_information") or "",
        "evidence": {name[9:]: value for name, value in row.items() if name.startswith("evidence.") and value},
        "metadata": {"row": digest[:16]},
        "submit": path is None,
    }
    if row.get("source"):
        dispute["source"] = row["source"]
    status, answer = post("/disputes", dispute, digest)
    if status != 201 or path is None:
        return status, answer
    draft = answer["id"]
    status, answer = upload(draft, path, digest + "-file")
    if status != 201:
        return status, answer
    return post(f"/disputes/{draft}", {"submit": True}, digest + "-send")


def main(source, target):
    failed = 0
    with open(source, newline="", encoding="utf-8-sig") as rows, open(target, "w", newline="", encoding="utf-8") as out:
        reader = csv.DictReader(rows)
        results = csv.DictWriter(out, [*reader.fieldnames, "dispute", "status", "problem"])
        results.writeheader()
        for row in reader:
            status, answer = file_row(dict(row), Path(source).parent)
            if status < 300:
                results.writerow({**row, "dispute": answer["id"], "status": answer["status"]})
            else:
                failed += 1
                results.writerow({**row, "problem": f"{answer['code']}: {answer['detail']}"})
            print(f"{row['external_id']}: {answer.get('status') if status < 300 else answer['detail']}")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 3 or "FAIRDIAL_TOKEN" not in os.environ:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
