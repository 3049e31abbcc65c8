"""Uploads a picture once, then asks two questions about it by its id: python3 examples/upload.py"""

import os

from openai import OpenAI

client = OpenAI(base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1"), api_key="none")
with open("examples/text.png", "rb") as picture:
    file = client.files.create(file=picture, purpose="vision")
print(f"uploaded {file.filename}, {file.bytes} bytes")

for question in ["What does the image say?", "Read all the text in the image."]:
    completion = client.chat.completions.create(
        model="tessera-tiny",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": file.id}},
                    {"type": "text", "text": question},
                ],
            }
        ],
    )
    print(repr(completion.choices[0].message.content))
client.files.delete(file.id)
