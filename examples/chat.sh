#!/bin/sh
# Asks about a picture with curl. The server runs ("npm start"); any folder will do.
cd "$(dirname "$0")" || exit 1
url=${OPENAI_BASE_URL:-http://127.0.0.1:8080/v1}

curl -sS "$url/chat/completions" -H 'content-type: application/json' -d @- <<JSON
{
  "model": "tessera-tiny",
  "messages": [{
    "role": "user",
    "content": [
      { "type": "image_url", "image_url": { "url": "data:image/png;base64,$(base64 <shapes.png | tr -d '\n')" } },
      { "type": "text", "text": "What is in this image?" }
    ]
  }]
}
JSON
echo
