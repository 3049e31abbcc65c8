export type ComponentState = 'starting' | 'ready' | 'failed' | 'stopping';

export interface ComponentHealth {
  readonly state: ComponentState;
  /** Why it is in this state, for a reader. */
  readonly detail?: string;
}

export interface HealthReport {
  /** False once a component has failed for good: the process should be restarted. */
  readonly isLive: boolean;
  /** True when every component is ready: requests may be sent here. */
  readonly isReady: boolean;
  readonly components: Readonly<Record<string, ComponentHealth>>;
}

/** What a process says of itself to whoever routes requests to it. */
export interface Health {
  set(component: string, state: ComponentState, detail?: string): void;
  report(): HealthReport;
}

/** All `components` start as `starting`: a component that nobody reports on keeps the process from being ready. */
export function createHealth(components: readonly string[]): Health {
  const states = new Map<string, ComponentHealth>(components.map((name) => [name, { state: 'starting' }]));
  return {
    set(component, state, detail) {
      states.set(component, detail === undefined ? { state } : { state, detail });
    },
    report() {
      const all = [...states.values()];
      return {
        isLive: all.every(({ state }) => state !== 'failed'),
        isReady: all.every(({ state }) => state === 'ready'),
        components: Object.fromEntries(states),
      };
    },
  };
}
