/** A stretch of text: one of the literals, or what lies between two of them. */
export interface SplitPiece {
  readonly text: string;
  readonly isLiteral: boolean;
}

/** Splits text at every occurrence of a literal, leftmost first and longest where several begin; no empty pieces. */
export type LiteralSplitter = (text: string) => SplitPiece[];

export function createLiteralSplitter(literals: Iterable<string>): LiteralSplitter {
  const pattern = alternation(literals);
  if (pattern === undefined) return (text) => (text === '' ? [] : [{ text, isLiteral: false }]);
  const regex = new RegExp(pattern, 'g');
  return (text) => {
    const pieces: SplitPiece[] = [];
    let end = 0;
    for (const match of text.matchAll(regex)) {
      if (match.index > end) pieces.push({ text: text.slice(end, match.index), isLiteral: false });
      pieces.push({ text: match[0], isLiteral: true });
      end = match.index + match[0].length;
    }
    if (end < text.length) pieces.push({ text: text.slice(end), isLiteral: false });
    return pieces;
  };
}

/** Source of a regular expression that matches any of the literals, the longest first; undefined without literals. */
export function alternation(literals: Iterable<string>): string | undefined {
  const sorted = [...literals].filter((literal) => literal !== '').sort((a, b) => b.length - a.length);
  if (sorted.length === 0) return undefined;
  return sorted.map((literal) => literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|');
}
