import { findSecretIn, formsOf, type SecretForms } from './canaries.ts';

/** What one test let out of its process, or would have shown to somebody, and what secrets it made. */
interface Outputs {
  /** By where it went. */
  readonly texts: Map<string, string[]>;
  /** Secrets that do not begin with the mark, because chance made them. */
  readonly secrets: Map<string, SecretForms>;
}

const key = Symbol.for('postern.test.outputs');
const place = globalThis as { [key]?: Outputs };

/** A secret shorter than that is none. */
const shortest = 16;

/** Begins to keep what is recorded. Without it nothing is: programs other than tests use the same fakes. */
export function keepOutputs(): void {
  place[key] ??= { texts: new Map(), secrets: new Map() };
}

/** Keeps a text that somebody could read: a line of a log, a page, an error, what a process printed. */
export function recordOutput(where: string, text: string): void {
  const outputs = place[key];
  if (outputs === undefined || text === '') return;
  const texts = outputs.texts.get(where);
  if (texts === undefined) outputs.texts.set(where, [text]);
  else texts.push(text);
}

/** Has a secret looked for until the outputs are taken. */
export function watchFor(secret: unknown): void {
  if (typeof secret === 'string' && secret.length >= shortest)
    place[key]?.secrets.set(secret, formsOf(secret));
}

/** The places where a secret stands that may stand in none, and in which form. Forgets what was kept. */
export function takeLeaks(): string[] {
  const outputs = place[key];
  if (outputs === undefined) return [];
  const found: string[] = [];
  for (const [where, texts] of outputs.texts) {
    // Joined: a stream may be cut anywhere.
    const text = texts.join('');
    const forms = [
      findSecretIn(text),
      ...[...outputs.secrets.values()].map((secret) => findSecretIn(text, secret)),
    ];
    const form = forms.find((each) => each !== undefined);
    if (form !== undefined) found.push(`${where} (${form})`);
  }
  outputs.texts.clear();
  outputs.secrets.clear();
  return found;
}
