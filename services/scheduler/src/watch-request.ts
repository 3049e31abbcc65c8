import { type Request, ServingError } from '@tessera/domain';

/** Node.js sets no timer further ahead (24.8 days); it fires such a one at once. */
const maxTimerMs = 2 ** 31 - 1;

/** Calls `onEnd` when the caller aborts or the deadline passes, at once if that is so already; returns what ends it. */
export function watchRequest(
  { deadlineMs }: Request,
  signal: AbortSignal,
  now: () => number,
  onEnd: (error: ServingError) => void,
): () => void {
  const onAbort = (): void => onEnd(new ServingError('cancelled', 'The request was cancelled.'));
  const onDeadline = (): void =>
    onEnd(new ServingError('deadline_exceeded', 'The deadline passed before the answer was complete.'));
  const timer =
    deadlineMs === undefined
      ? undefined
      : setTimeout(onDeadline, Math.min(Math.max(0, deadlineMs - now()), maxTimerMs));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return () => {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  };
}
