/** How a bench is to be run. */
export interface BenchOptions {
  /** Interleaved rounds; each bench has its own default. */
  readonly rounds?: number | undefined;
  /** Few rounds: shows that everything runs, not how fast. */
  readonly quick: boolean;
  /** Whether what `bench/peers` holds is installed. */
  readonly peers: boolean;
  /** Says what is going on. */
  readonly progress: (line: string) => void;
}

/** One number. */
export interface Figure {
  readonly label: string;
  readonly value: number;
  readonly unit: 'ratio' | 'µs' | 'ms' | 'KiB' | 'MiB' | '1/s' | 'count';
  /** The middle half of the rounds. */
  readonly spread?: readonly [low: number, high: number] | undefined;
  /** The most it should be. */
  readonly aim?: number | undefined;
}

/** Outcomes that are not numbers. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface BenchResult {
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly table?: Table | undefined;
  readonly notes: readonly string[];
}

export interface Bench {
  readonly name: string;
  run(options: BenchOptions): Promise<BenchResult>;
}
