/** Something that happens once, somewhere else, and is waited for. */
export interface OneEvent {
  readonly happened: Promise<void>;
  happen(): void;
}

export function createEvent(): OneEvent {
  let happen = (): void => {};
  const happened = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return { happened, happen };
}
