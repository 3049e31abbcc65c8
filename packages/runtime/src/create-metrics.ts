import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type { Counter, Gauge, Histogram } from 'prom-client';

export interface MetricOptions<Label extends string> {
  /** With its unit, such as `tessera_steps_total` or `tessera_step_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly Label[];
}

/** The numbers of one process, in Prometheus' text form. */
export interface Metrics {
  readonly contentType: string;
  counter<Label extends string = never>(options: MetricOptions<Label>): Counter<Label>;
  /** `collect` is called at each scrape and sets the gauge. */
  gauge<Label extends string = never>(
    options: MetricOptions<Label> & { readonly collect?: (gauge: Gauge<Label>) => void },
  ): Gauge<Label>;
  histogram<Label extends string = never>(
    options: MetricOptions<Label> & { readonly buckets: readonly number[] },
  ): Histogram<Label>;
  render(): Promise<string>;
}

/**
 * A registry of its own with prom-client's process metrics (CPU, memory, garbage collection, and the event loop's lag
 * with its percentiles). One a process: services that share a process share it.
 */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    contentType: registry.contentType,
    counter: (options) => new Counter({ ...options, registers }),
    gauge: ({ collect, ...options }) =>
      new Gauge({
        ...options,
        registers,
        ...(collect && {
          collect() {
            collect(this);
          },
        }),
      }),
    histogram: (options) => new Histogram({ ...options, buckets: [...options.buckets], registers }),
    render: () => registry.metrics(),
  };
}
