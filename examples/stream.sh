#!/bin/sh
# The answer as server-sent events, with curl.
cd "$(dirname "$0")" || exit 1
url=${OPENAI_BASE_URL:-http://127.0.0.1:8080/v1}

curl -sSN "$url/chat/completions" -H 'content-type: application/json' -d @- <<JSON
{
  "model": "tessera-tiny",
  "stream": true,
  "messages": [{
    "role": "user",
    "content": [
      { "type": "image_url", "image_url": { "url": "data:image/png;base64,$(base64 <count.png | tr -d '\n')" } },
      { "type": "text", "text": "How many shapes are in the image?" }
    ]
  }]
}
JSON
