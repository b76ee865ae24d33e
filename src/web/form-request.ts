import { PosternError } from '../core/postern-error.ts';
import { hashUnremembered } from '../core/random.ts';

const maxFormBytes = 64 * 1024;
const maxFields = 200;

/** A form that was not taken. Nothing of what it carried is in the message. */
export class FormRefusedError extends PosternError {
  override readonly name: string = 'FormRefusedError';
  /** 403 when it is not from a page of ours, 413 or 415 when it could not be read at all, 400 when it is malformed. */
  readonly status: 400 | 403 | 413 | 415;

  constructor(status: FormRefusedError['status'], what: string) {
    super('ERR_POSTERN_OOB_FORM_REFUSED', `the form ${what}`, {
      hint: 'Open the link again and fill in the form there.',
    });
    this.status = status;
  }
}

/**
 * Reads a form that a page of ours has sent, and nothing else.
 *
 * What the browser says of its origin is looked at first; the body of a stranger's form is not read. Values come out
 * as they were typed in: text that is not well-formed is refused, not repaired.
 *
 * @param origin of our own pages.
 * @throws {FormRefusedError} when it comes from another site or does not say where from, is no form in UTF-8, is
 * compressed or over 64 KiB, has over 200 fields, or repeats one.
 */
export async function readForm(request: Request, origin: string): Promise<URLSearchParams> {
  checkSource(request.headers, origin);
  checkType(request.headers);
  const text = await readText(request);
  const form = new URLSearchParams();
  const parts = text === '' ? [] : text.split('&', maxFields + 1);
  if (parts.length > maxFields) throw new FormRefusedError(413, `has more than ${maxFields} fields`);
  for (const part of parts) {
    const [name, value] = readPair(part);
    if (form.has(name)) throw new FormRefusedError(400, 'repeats a field');
    form.append(name, value);
  }
  return form;
}

/** What tells a form from every other: the same for one that is sent again. */
export function formId(form: URLSearchParams): Promise<string> {
  return hashUnremembered(JSON.stringify([...form].toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

function checkSource(headers: Headers, origin: string): void {
  const from = headers.get('origin');
  const site = headers.get('sec-fetch-site');
  const isOurs = (from === origin || from === null) && (site === 'same-origin' || site === null);
  if (!isOurs) throw new FormRefusedError(403, 'comes from another site');
  // Every browser of the last years sends both with a form; who sends neither is none.
  if (from === null && site === null) throw new FormRefusedError(403, 'does not say where it comes from');
}

function checkType(headers: Headers): void {
  const [type = '', ...parameters] = (headers.get('content-type') ?? '').toLowerCase().split(';');
  if (type.trim() !== 'application/x-www-form-urlencoded') throw new FormRefusedError(415, 'is not a form');
  const charset = parameters.map((text) => text.trim()).find((text) => text.startsWith('charset='));
  if (charset !== undefined && !/^charset="?utf-8"?$/u.test(charset)) {
    throw new FormRefusedError(415, 'is not in UTF-8');
  }
  const encoding = headers.get('content-encoding')?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== 'identity') throw new FormRefusedError(415, 'is compressed');
  if (Number(headers.get('content-length') ?? 0) > maxFormBytes) throw tooLarge();
}

async function readText(request: Request): Promise<string> {
  const reader = request.body?.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    size += part.value.byteLength;
    if (size > maxFormBytes) {
      // Not waited for: of a request that was cloned, it ends only when the other copy does.
      void reader?.cancel().catch(() => {});
      throw tooLarge();
    }
    chunks.push(part.value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(whole);
  } catch {
    throw notUtf8();
  }
}

/** As `URLSearchParams` does it, but for what it would silently replace. */
function readPair(part: string): [name: string, value: string] {
  const at = part.indexOf('=');
  const [name, value] = at === -1 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
  try {
    return [decode(name), decode(value)];
  } catch {
    throw notUtf8();
  }
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

function notUtf8(): FormRefusedError {
  return new FormRefusedError(400, 'is not UTF-8');
}

function tooLarge(): FormRefusedError {
  return new FormRefusedError(413, `is larger than ${maxFormBytes} bytes`);
}
