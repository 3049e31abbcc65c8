"""Uses a Tessera server through the `openai` package; prints what came back as one JSON object.

usage: ask.py BASE_URL PICTURE PROMPT
"""

import base64
import json
import sys

from openai import BadRequestError, OpenAI

base_url, picture, prompt = sys.argv[1:]
client = OpenAI(base_url=base_url, api_key="unused", max_retries=0)
model = client.models.list().data[0].id

with open(picture, "rb") as file:
    encoded = base64.b64encode(file.read()).decode()


def ask(part, **fields):
    messages = [{"role": "user", "content": [part, {"type": "text", "text": prompt}]}]
    return client.chat.completions.create(model=model, messages=messages, **fields)


inline = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}}
whole = ask(inline)
pieces = [chunk.choices[0].delta.content or "" for chunk in ask(inline, stream=True)]

with open(picture, "rb") as file:
    uploaded = client.files.create(file=file, purpose="vision")
by_file = ask({"type": "file", "file": {"file_id": uploaded.id}}, extra_body={"top_k": 1})
deleted = client.files.delete(uploaded.id).deleted

try:
    ask(inline, temperature=9)
    refusal = None
except BadRequestError as error:
    refusal = {"code": error.code, "param": error.param}

print(
    json.dumps(
        {
            "model": model,
            "whole": whole.choices[0].message.content,
            "imageTokens": whole.usage.prompt_tokens_details.image_tokens,
            "streamed": "".join(pieces),
            "byFile": by_file.choices[0].message.content,
            "deleted": deleted,
            "refusal": refusal,
        }
    )
)
