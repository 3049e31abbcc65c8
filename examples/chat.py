"""Asks about a picture: python3 examples/chat.py [picture] [question]"""

import base64
import os
import sys

from openai import OpenAI

picture = sys.argv[1] if len(sys.argv) > 1 else "examples/shapes.png"
question = sys.argv[2] if len(sys.argv) > 2 else "What is in this image?"

client = OpenAI(base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1"), api_key="none")
with open(picture, "rb") as file:
    encoded = base64.b64encode(file.read()).decode()

completion = client.chat.completions.create(
    model="tessera-tiny",
    messages=[
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}},
                {"type": "text", "text": question},
            ],
        }
    ],
)
print(completion.choices[0].message.content)
usage = completion.usage
print(usage.prompt_tokens, "prompt tokens,", usage.completion_tokens, "in the answer")
