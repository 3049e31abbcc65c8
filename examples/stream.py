"""Prints the answer as it comes: python3 examples/stream.py"""

import base64
import os

from openai import OpenAI

client = OpenAI(base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1"), api_key="none")
with open("examples/table.png", "rb") as file:
    encoded = base64.b64encode(file.read()).decode()

stream = client.chat.completions.create(
    model="tessera-tiny",
    stream=True,
    stream_options={"include_usage": True},
    messages=[
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}},
                {"type": "text", "text": "QwenVL HTML"},
            ],
        }
    ],
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    if chunk.usage:
        print(f"\n{chunk.usage.prompt_tokens} prompt tokens, {chunk.usage.completion_tokens} in the answer")
