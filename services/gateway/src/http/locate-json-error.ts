const space = 0x20;
const quote = 0x22;
const backslash = 0x5c;
const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const escapeSequence = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/**
 * Index of the first character at which `text` stops being JSON, or its length when it only ends too early. V8 gives a
 * position for some syntax errors and an excerpt for others. Recurses once a nesting level: check the depth first.
 */
export function locateJsonError(text: string): number {
  const reader = new JsonReader(text);
  if (reader.readValue()) reader.skipSpace();
  return reader.position;
}

/** Reads as far as the text is JSON; the methods say whether they could read on, `position` is where they stopped. */
class JsonReader {
  position = 0;

  constructor(private readonly text: string) {}

  readValue(): boolean {
    this.skipSpace();
    const first = this.text[this.position];
    if (first === '{') return this.readList('}', () => this.readMember());
    if (first === '[') return this.readList(']', () => this.readValue());
    return first === '"' ? this.readString() : this.readPattern(literal);
  }

  skipSpace(): void {
    while (' \t\n\r'.includes(this.text[this.position] ?? 'end')) this.position++;
  }

  private readMember(): boolean {
    this.skipSpace();
    return this.readString() && this.readCharacter(':') && this.readValue();
  }

  private readList(close: string, readItem: () => boolean): boolean {
    this.position++;
    if (this.readCharacter(close)) return true;
    do {
      if (!readItem()) return false;
      if (this.readCharacter(close)) return true;
    } while (this.readCharacter(','));
    return false;
  }

  private readString(): boolean {
    if (this.text[this.position] !== '"') return false;
    this.position++;
    for (;;) {
      const code = this.text.charCodeAt(this.position);
      if (!(code >= space)) return false;
      if (code === backslash) {
        if (!this.readPattern(escapeSequence)) return false;
      } else {
        this.position++;
        if (code === quote) return true;
      }
    }
  }

  private readCharacter(wanted: string): boolean {
    this.skipSpace();
    if (this.text[this.position] !== wanted) return false;
    this.position++;
    return true;
  }

  private readPattern(pattern: RegExp): boolean {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text);
    if (found === null) return false;
    this.position += found[0].length;
    return true;
  }
}
