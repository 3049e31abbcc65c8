import type { EvalItem, MarkedObject } from './eval-items.js';

/** What an answer is worth by measure, 0 … 1. */
export type AnswerScores = Readonly<Record<string, number>>;

type Judged = Pick<EvalItem, 'task' | 'answer' | 'objects' | 'width' | 'height' | 'seen'>;

/**
 * Scores an answer as `training/evalset.py` of the bundled model does; boxes are compared in the stored picture's
 * pixels.
 */
export function scoreAnswer(item: Judged, text: string): AnswerScores {
  const { task, answer = '' } = item;
  switch (task) {
    case 'ocr':
    case 'ocr_held':
      return { ...scoreExact(answer, text), cer: Math.min(1, editDistance(text.trim(), answer) / answer.length) };
    case 'ground':
      return scoreBoxes(item, text);
    case 'point':
      return scorePoint(item, text);
    case 'table':
      return scoreCells(answer, text);
    case 'video':
      return scoreTimes(answer, text);
    default:
      return scoreExact(answer, text);
  }
}

/** Means in percent, by task and measure, in the items' order. */
export type TaskScores = Readonly<Record<string, AnswerScores>>;

export function meanScores(scored: readonly { readonly task: string; readonly scores: AnswerScores }[]): TaskScores {
  const tasks = [...new Set(scored.map(({ task }) => task))];
  return Object.fromEntries(
    tasks.map((task) => {
      const all = scored.filter((item) => item.task === task).map(({ scores }) => scores);
      const measures = Object.keys(all[0]);
      return [task, Object.fromEntries(measures.map((name) => [name, 100 * mean(all.map((scores) => scores[name]))]))];
    }),
  );
}

function scoreExact(answer: string, text: string): AnswerScores {
  return { exact: Number(text.trim() === answer) };
}

/** A found box counts for the object of its label that it covers best. */
function scoreBoxes({ objects = [], ...sizes }: Judged, text: string): AnswerScores {
  const [scaleX, scaleY] = scaleToStored(sizes);
  const boxes = numberLists(text, 'bbox_2d', 4).map(([x1, y1, x2, y2]) => {
    return [x1 * scaleX, y1 * scaleY, x2 * scaleX, y2 * scaleY];
  });
  const labels = [...text.matchAll(/"label": "([^"]*)"/g)].map(([, label]) => label);
  const bestOverlap = ({ label, bbox_2d = [] }: MarkedObject): number =>
    Math.max(0, ...boxes.filter((_, i) => labels[i] === label).map((box) => overlap(box, bbox_2d)));
  const overlaps = objects.map(bestOverlap);
  return {
    'acc@0.5': mean(overlaps.map((value) => Number(value >= 0.5))),
    mean_iou: mean(overlaps),
    count_right: Number(boxes.length === objects.length),
  };
}

function scorePoint({ objects = [], ...sizes }: Judged, text: string): AnswerScores {
  const [scaleX, scaleY] = scaleToStored(sizes);
  const [found] = numberLists(text, 'point_2d', 2);
  const [x, y] = objects[0].point_2d ?? [];
  const isNear = found && Math.abs(found[0] - x / scaleX) <= 8 && Math.abs(found[1] - y / scaleY) <= 8;
  return { within_8px: Number(isNear ?? false) };
}

function scoreCells(answer: string, text: string): AnswerScores {
  const cellsOf = (html: string): string[] => [...html.matchAll(/<td>([^<]*)<\/td>/g)].map(([, cell]) => cell);
  const [found, wanted] = [cellsOf(text), cellsOf(answer)];
  const isWhole = found.length === wanted.length;
  const accuracy = isWhole ? mean(found.map((cell, i) => Number(cell === wanted[i]))) : 0;
  return { exact_cells: Number(isWhole && accuracy === 1), cell_acc: accuracy };
}

function scoreTimes(answer: string, text: string): AnswerScores {
  const timesOf = (json: string): number[] =>
    /"start": ([\d.]+), "end": ([\d.]+)/.exec(json)?.slice(1).map(Number) ?? [];
  const [found, wanted] = [timesOf(text), timesOf(answer)];
  if (found.length === 0) return { iou: 0, exact: 0 };
  const shared = Math.max(0, Math.min(found[1], wanted[1]) - Math.max(found[0], wanted[0]));
  const covered = Math.max(found[1], wanted[1]) - Math.min(found[0], wanted[0]);
  return { iou: covered > 0 ? shared / covered : 0, exact: Number(found.join() === wanted.join()) };
}

/** The model answers in pixels of the picture as it saw it. */
function scaleToStored({ width, height, seen }: Pick<Judged, 'width' | 'height' | 'seen'>): readonly [number, number] {
  return [width / seen[1], height / seen[0]];
}

/** The lists of `length` numbers that stand behind a key. */
function numberLists(text: string, key: string, length: number): number[][] {
  const lists = [...text.matchAll(new RegExp(`"${key}": \\[([^\\]]+)\\]`, 'g'))];
  return lists.map(([, list]) => list.split(',').map(Number)).filter((numbers) => numbers.length === length);
}

/** Intersection over union of two boxes. */
function overlap(a: readonly number[], b: readonly number[]): number {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const areaOf = ([x1, y1, x2, y2]: readonly number[]): number => (x2 - x1) * (y2 - y1);
  const union = areaOf(a) + areaOf(b) - width * height;
  return union > 0 ? (width * height) / union : 0;
}

/** Levenshtein distance of characters. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 0; i < from.length; i++) {
    const current = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const substitution = previous[j] + Number(from[i] !== to[j]);
      current.push(Math.min(previous[j + 1] + 1, current[j] + 1, substitution));
    }
    previous = current;
  }
  return previous[to.length];
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
