import { describe, expect, it } from 'vitest';
import { StopMatcher } from './stop-matcher.js';

function run(stopStrings: string[], pieces: string[]) {
  const matcher = new StopMatcher(stopStrings);
  const shown: string[] = [];
  for (const piece of pieces) {
    const { text, isStopped } = matcher.push(piece);
    shown.push(text);
    if (isStopped) return { shown, isStopped };
  }
  return { shown: [...shown, matcher.flush()], isStopped: false };
}

describe('StopMatcher', () => {
  const cases = [
    ['shows all text without stop strings', [], ['ab', 'c'], ['ab', 'c', ''], false],
    ['ends before a stop string inside one piece', ['b'], ['abc'], ['a'], true],
    ['finds a stop string across pieces', ['END'], ['xE', 'N', 'Dy'], ['x', '', ''], true],
    ['shows what was held back once it cannot become a stop string', ['END'], ['xE', 'Nd'], ['x', 'ENd', ''], false],
    ['shows what was held back when the text ends', ['END'], ['xEN'], ['x', 'EN'], false],
    ['holds back the longest possible beginning', ['aab'], ['aaa'], ['a', 'aa'], false],
    ['takes the stop string that begins first', ['cd', 'bc'], ['abcd'], ['a'], true],
    ['stops at once where a stop string begins the text', ['a'], ['abc'], [''], true],
  ] as const;
  for (const [title, stopStrings, pieces, shown, isStopped] of cases) {
    it(title, () => expect(run([...stopStrings], [...pieces])).toEqual({ shown, isStopped }));
  }

  it('shows the same text however it is cut', () => {
    const text = 'one <stop two <sto> three <stop> four';
    for (let cut = 1; cut < text.length; cut++) {
      const pieces = text.match(new RegExp(`.{1,${cut}}`, 'gs')) ?? [];
      const { shown, isStopped } = run(['<stop>', '\n\n'], pieces);
      expect([shown.join(''), isStopped]).toEqual(['one <stop two <sto> three ', true]);
    }
  });
});
