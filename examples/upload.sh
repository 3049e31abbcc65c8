#!/bin/sh
# Uploads a picture once, then asks two questions about it by its id.
cd "$(dirname "$0")" || exit 1
url=${OPENAI_BASE_URL:-http://127.0.0.1:8080/v1}

id=$(curl -sS "$url/files" -F purpose=vision -F file=@text.png | sed 's/.*"id":"\([^"]*\)".*/\1/')
echo "uploaded as $id"

for question in 'What does the image say?' 'Read all the text in the image.'; do
  curl -sS "$url/chat/completions" -H 'content-type: application/json' -d @- <<JSON
{
  "model": "tessera-tiny",
  "messages": [{
    "role": "user",
    "content": [
      { "type": "image_url", "image_url": { "url": "$id" } },
      { "type": "text", "text": "$question" }
    ]
  }]
}
JSON
  echo
done

curl -sS -X DELETE "$url/files/$id"
echo
