/** Asks for an answer as a stream and yields what `JSON.parse` gives for each of its events, until it ends. */
export async function* readStream(url, body, signal) {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream: true }),
    signal,
  });
  if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`);
  let text = '';
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const events = text.split('\n\n');
    text = events.pop();
    for (const event of events) if (event !== 'data: [DONE]') yield JSON.parse(event.slice('data: '.length));
  }
}
