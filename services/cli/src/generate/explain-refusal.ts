import { type ErrorReason, errorCatalogue, ServingError } from '@tessera/domain';

/** The `error` of an answer of the HTTP API. */
export interface ApiError {
  readonly message: string;
  readonly param: string | null;
  readonly code: string;
}

const flagOfField: Readonly<Record<string, string>> = {
  max_tokens: '--max-tokens',
  temperature: '--temperature',
  seed: '--seed',
  min_pixels: '--min-pixels',
  max_pixels: '--max-pixels',
};

/**
 * A refusal of the API in the words of the command line: flags and files where it names fields of the body. `images`
 * are the files of the question, which come before its text.
 */
export function explainRefusal({ message, param, code }: ApiError, images: readonly string[]): ServingError {
  const problem = param !== null && message.startsWith(`${param}: `) ? message.slice(param.length + 2) : message;
  const subject = param === null ? undefined : subjectOf(param, images);
  const reason = Object.hasOwn(errorCatalogue, code) ? (code as ErrorReason) : 'internal';
  return new ServingError(reason, (subject === undefined ? '' : `${subject}: `) + withFlags(problem));
}

function subjectOf(param: string, images: readonly string[]): string | undefined {
  const flag = flagOfField[param.split('.').at(-1)!];
  if (flag !== undefined) return flag;
  const part = /\.content\[(\d+)\]/.exec(param)?.[1];
  const image = part === undefined ? undefined : images[Number(part)];
  return image === undefined ? undefined : `--image ${image}`;
}

/** What the checkpoint has of the same name is no flag. */
function withFlags(problem: string): string {
  return problem.replace(/(?<!the checkpoint's )\b[a-z]+_[a-z]+\b/g, (word) => flagOfField[word] ?? word);
}
