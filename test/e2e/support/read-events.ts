/** Data of the server-sent events of a response, as they come. */
export async function* readEvents(response: Response): AsyncGenerator<string> {
  let text = '';
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const events = text.split('\n\n');
    text = events.pop()!;
    for (const event of events) yield event.replace(/^data: /, '');
  }
}
