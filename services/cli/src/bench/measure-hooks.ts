/** Hears what is measured next. */
export type OnProgress = (what: string) => void;

/** How a measurement is watched and ended. */
export interface MeasureHooks {
  readonly onProgress: OnProgress;
  /** Ends it between two steps. */
  readonly signal: AbortSignal;
}
